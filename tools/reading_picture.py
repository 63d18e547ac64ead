"""Draws docs/reading.png: the front page of `newsapi serve`, over the sandbox, in a real browser.

`.venv/bin/python -m tools.reading_picture [PORT]` takes it of the server at that port of this
machine; without one it runs the pipeline over the sandbox in a folder for the time being.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

PICTURE: Final = Path(__file__).parents[1] / "docs" / "reading.png"
WIDTH, HEIGHT = 1200, 800
_PORT: Final = 8069
_WAIT: Final = 60


@contextmanager
def served() -> Iterator[str]:
    """The news of the sandbox, on a port of this machine."""
    newsapi = Path(sys.executable).with_name("newsapi")
    with tempfile.TemporaryDirectory() as folder:
        usual = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
        subprocess.run([newsapi, "run"], cwd=folder, env=usual, check=True, timeout=600)
        command: list[str | Path] = [newsapi, "serve", "--port", str(_PORT)]
        with subprocess.Popen(command, cwd=folder, env=usual) as server:
            try:
                yield _ready(f"http://127.0.0.1:{_PORT}/")
            finally:
                server.terminate()


def _ready(url: str) -> str:
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  this machine's own
                return url
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def draw(url: str, executable: str | None) -> None:
    """Take the picture of a front page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(url)
        folded = page.locator(".card summary").first
        if folded.count():
            folded.click()
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()


def main() -> None:
    """Take it of a running server, or of the sandbox."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if sys.argv[1:]:
        draw(f"http://127.0.0.1:{int(sys.argv[1])}/", executable)
        return
    with served() as url:
        draw(url, executable)


if __name__ == "__main__":
    main()
