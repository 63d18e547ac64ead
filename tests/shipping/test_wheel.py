"""An installation outside the repository: the wheel in an environment of its own."""

import importlib.metadata
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PACKAGES = importlib.metadata.distribution("click").locate_file("")


@dataclass(frozen=True)
class Installed:
    """The wheel's command, and a folder that is no repository."""

    environment: Path
    folder: Path

    def newsapi(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("NEWSAPI", "DUCKDB", "DAGSTER"))
        }
        return subprocess.run(
            [self.environment / "bin/newsapi", *arguments],
            cwd=self.folder,
            env=inherited | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, with the dependencies that this environment has."""
    place = tmp_path_factory.mktemp("wheel")
    environment = place / "environment"
    for command in (
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)],
        [sys.executable, "-m", "venv", "--without-pip", str(environment)],
    ):
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=200)
    (wheel,) = place.glob("*.whl")
    python = environment / "bin/python"
    subprocess.run(
        [BIN / "uv", "pip", "install", "--offline", "--no-deps", "--python", python, wheel],
        check=True,
        capture_output=True,
        timeout=200,
    )
    (packages,) = (environment / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{PACKAGES}\n")
    folder = place / "elsewhere"
    folder.mkdir()
    return Installed(environment, folder)


def test_it_tells_its_version(installed: Installed) -> None:
    told = installed.newsapi("--version")
    assert told.returncode == 0
    assert told.stdout.strip() == importlib.metadata.version("newsapi-dentsu")


def test_it_writes_to_its_home_and_speaks_of_no_makefile(
    installed: Installed, tmp_path: Path
) -> None:
    ran = installed.newsapi("run", NEWSAPI_HOME=str(tmp_path / "home"), LOOKBACK_DAYS="2")
    assert ran.returncode == 0, ran.stderr
    assert "make " not in ran.stdout
    assert {"news.duckdb", "dagster", "reading"} <= {
        path.name for path in (tmp_path / "home").iterdir()
    }
    assert not list(installed.folder.iterdir())


def test_without_a_home_it_writes_to_the_working_folder(installed: Installed) -> None:
    home = installed.newsapi("home")
    assert home.stdout.strip() == str(installed.folder / "data/dagster")


def test_uv_makes_the_environment_of_the_lock(tmp_path: Path) -> None:
    """As CONTRIBUTING says, but for the download of what it would install."""
    subprocess.run([BIN / "uv", "venv", "--seed", "v"], cwd=tmp_path, check=True, timeout=100)
    lock = ROOT / "requirements/dev.txt"
    synced = subprocess.run(
        [
            *(BIN / "uv", "pip", "sync", "--dry-run", "--require-hashes"),
            *("--python", tmp_path / "v/bin/python", lock),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert synced.returncode == 0, synced.stderr
    assert " + dagster==" in synced.stderr
