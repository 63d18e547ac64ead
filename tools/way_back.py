"""Proves that a release can be taken back: the program of before on the tables of this one.

    python -m tools.way_back COMMIT

The program of the commit makes a database of invented articles, this one upgrades it and runs, the
older one runs on it again, and this one once more: nothing may fail, and nothing may be missing.
Steps that are declared as closing the way back are told, and end it well: a release refuses them
unless somebody says otherwise.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = "from newsapi_dentsu.cli import program; program()"
CLOSED = "the program of before would refuse the tables"


class WayBackError(Exception):
    """What one of the two programs said when it failed."""


def source_of(commit: str, folder: Path) -> Path:
    """Unpack the program of a commit; returns where its package is."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=tar", commit, "src"],
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        raise WayBackError(archive.stderr.decode().strip())
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder / "src"


def newsapi(source: Path, home: Path, *words: str) -> str:
    """Run a command of the program whose package is in `source`, on the database in `home`."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(source),
        "NEWSAPI_SANDBOX": "always",
        "DUCKDB_PATH": str(home / "news.duckdb"),
        "DAGSTER_HOME": str(home / "dagster"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise WayBackError(f"newsapi {' '.join(words)}: {' '.join(said)}")
    return done.stdout


def prove(older: Path, newer: Path, home: Path) -> str:
    """Run both programs in turn on one database; returns what came of it."""
    newsapi(older, home, "run", "--json")
    try:
        newsapi(newer, home, "db", "upgrade", "--keep-way-back")
    except WayBackError as error:
        if CLOSED in str(error):
            return "no way back, and a release says so before it starts"
        raise
    newsapi(newer, home, "run", "--json")
    before = rows(newer, home)
    newsapi(older, home, "run", "--json")
    newsapi(older, home, "db", "check")
    newsapi(newer, home, "run", "--json")
    after = rows(newer, home)
    lost = [table for table, count in before.items() if after.get(table, 0) < count]
    if lost:
        raise WayBackError(f"rows were lost in {', '.join(lost)}")
    return f"the older program worked on, with {sum(after.values())} rows"


def rows(source: Path, home: Path) -> dict[str, int]:
    """How many rows each table has."""
    found: dict[str, int] = json.loads(newsapi(source, home, "status", "--json"))["rows"]
    return found


def main() -> None:
    """The command."""
    (commit,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        try:
            older = source_of(commit, Path(folder) / "older")
            sys.stdout.write(f"{commit}: {prove(older, ROOT / 'src', home)}\n")
        except WayBackError as error:
            sys.exit(f"The release could not be taken back to {commit}: {error}")


if __name__ == "__main__":
    main()
