"""What the documentation shows of reading runs as it stands, and so does the example front end."""

import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tools.generate_docs import ROOT

from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.library import CopyLibrary
from support.articles import record
from support.browser import chromium, needs_chromium
from support.clock import NOON
from support.databases import DuckDBDatabases, disconnect
from support.http import serve_in_background

from .conftest import HOUR, Site, news, serving

EXAMPLES = [
    example
    for page in ("api.md", "reading.md")
    for example in re.findall(
        r"```(bash|python)\n(.*?)```", (ROOT / "docs" / page).read_text("utf-8"), re.DOTALL
    )
    # Those of PostgreSQL are run beside the tests of its role for readers.
    if "postgresql" not in example[1]
]
COPY = "data/reading"
SERVER = "http://127.0.0.1:8060"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def front_end() -> Iterator[str]:
    """The example's files on a server of their own."""
    handler = functools.partial(_Quiet, directory=str(ROOT / "examples/frontend"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    serve_in_background(server)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def site(duckdb_databases: DuckDBDatabases, scratch: Path, front_end: str) -> Iterator[Site]:
    folder = scratch / "examples" / COPY
    warehouse = duckdb_databases.create().open()
    publish(warehouse, folder)
    with serving(CopyLibrary(folder), origins=(front_end,)) as url:
        made = Site(url, warehouse, folder)
        titled = (record(f"{n:02}", NOON - n * HOUR, title=f"{n} < {n + 1}") for n in range(12))
        made.run(*news(), *titled)
        yield made
    disconnect(warehouse)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10
    assert all(SERVER in text or COPY in text for _, text in EXAMPLES)


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_an_example_runs(site: Site, tmp_path: Path, language: str, text: str) -> None:
    (tmp_path / COPY).parent.mkdir()
    (tmp_path / COPY).symlink_to(site.folder)
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-ec"]
    done = subprocess.run(
        [*command, text.replace(SERVER, site.url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert '"errors"' not in done.stdout
    if language == "bash":
        assert done.stdout or [file for file in tmp_path.glob("*.*") if file.stat().st_size > 100]


@needs_chromium
def test_the_example_front_end_reads_pages_of_stories(site: Site, front_end: str) -> None:
    with chromium() as browser:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{front_end}/?server={site.url}")
        page.locator("#stories li").nth(9).wait_for()
        assert page.locator("#stories li").count() == 10
        page.get_by_role("button", name="More").click()
        page.locator("#stories li").nth(10).wait_for()
        shown = page.locator("#stories").inner_text()
        assert "Carried thrice\n3 sources: Site 1, Site 2, Site 3" in shown
        # Whatever a title has of markup is shown and not obeyed.
        assert "3 < 4\n" in shown
        page.locator("#topic option").nth(1).wait_for(state="attached")
        page.locator("#days").fill("1")
        page.locator("#days").dispatch_event("change")
        page.get_by_text("The day before").wait_for(state="detached")
        assert complaints == []

        page.goto(f"{site.url}/graphql")
        page.get_by_role("button", name="Send").click()
        page.locator("#answer", has_text="Carried thrice").wait_for()
        assert complaints == []
