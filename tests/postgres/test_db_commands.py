"""`newsapi db` and whole runs on PostgreSQL, as processes of their own."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox
from newsapi_dentsu.warehouse.tables import assessments, final, processed, raw
from support.commands import Started, run_newsapi
from support.parts import first_quick
from support.processing import broken_promises
from support.tables import count

from .conftest import Open
from .server import PASSWORD, Server


@dataclass(frozen=True)
class Command:
    """Runs the `newsapi` command in a folder, on a database."""

    folder: Path
    settings: dict[str, str]

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return inherited | self.settings | extra

    def start(self, *arguments: str, **extra: str) -> Started:
        return Started(list(arguments), self.folder, self.environment(extra))

    def __call__(self, *arguments: str, **extra: str) -> tuple[int, str, str]:
        with tempfile.TemporaryDirectory() as scratch:
            done = run_newsapi(list(arguments), self.folder, self.environment(extra), Path(scratch))
        assert PASSWORD not in done.out + done.err
        return done.code, done.out, done.err


def finished(process: Started) -> tuple[int, str, str]:
    with process:
        out, err = process.communicate(timeout=120)
    assert PASSWORD not in out + err
    assert process.returncode is not None
    return process.returncode, out, err


@pytest.fixture
def newsapi(tmp_path: Path, server: Server, db_name: str) -> Command:
    return Command(tmp_path, server.settings(db_name))


FEW = 9
"""Articles of a day."""


@pytest.fixture(scope="session")
def api() -> Iterator[Sandbox]:
    with Sandbox(tokens=100_000, articles_per_day=FEW) as sandbox:
        yield sandbox


def connected(api: Sandbox, days: int = 3) -> dict[str, str]:
    return {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY, "LOOKBACK_DAYS": f"{days}"}


@pytest.mark.thorough(
    "tests/warehouse/test_upgrade.py::test_several_processes_that_upgrade_at_once_all_end_well"
)
def test_two_first_runs_at_once_both_complete(
    newsapi: Command, api: Sandbox, opened: Open, server: Server, db_name: str
) -> None:
    both = [newsapi.start("run", "--json", **connected(api, days=1)) for _ in range(2)]
    for code, out, err in [finished(process) for process in both]:
        assert code == 0, err
        assert json.loads(out)["succeeded"]
    warehouse = opened()
    assert broken_promises(warehouse) == set()
    assert count(warehouse, final.TABLE) > 0
    with server.admin(db_name) as admin:
        runs = admin.execute("SELECT status, count(*) FROM dagster.runs GROUP BY 1").fetchall()
        tables = admin.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'dagster'"
        ).fetchone()
        elsewhere = admin.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert runs == [("SUCCESS", 2)]
    assert tables is not None
    assert tables[0] > 15
    assert elsewhere == (0,)
    written = {
        path.relative_to(newsapi.folder).as_posix()
        for path in newsapi.folder.rglob("*")
        if path.is_file()
    }
    assert written == {"data/dagster/dagster.yaml"}
    assert PASSWORD not in (newsapi.folder / "data/dagster/dagster.yaml").read_text()
    code, out, err = newsapi("status", "--json")
    assert code == 0, err
    assert [run["status"] for run in json.loads(out)["runs"]] == ["succeeded", "succeeded"]


def test_the_dashboard_shows_a_run_and_the_space_that_the_server_has(
    newsapi: Command, api: Sandbox
) -> None:
    code, _, err = newsapi("run", "--json", **connected(api, days=1))
    assert code == 0, err
    code, _, err = newsapi("dashboard", "--out", "health.html", DATABASE_SIZE_GB="10")
    assert code == 0, err
    page = (newsapi.folder / "health.html").read_text("utf-8")
    assert "The last run succeeded" in page
    assert "of 10.0 GB" in page
    assert PASSWORD not in page


@contextmanager
def run_in_the_middle(newsapi: Command) -> Iterator[Started]:
    """A run that has read and stored something and waits for a page."""
    hang = Fault("hang", seconds=4, on_request=4)
    with Sandbox(tokens=1000, articles_per_day=FEW, faults=[hang]) as api:
        process = newsapi.start("run", "--json", **connected(api))
        deadline = time.monotonic() + 60
        while sum(entry.path.endswith("/article") for entry in api.requests) < 2:
            assert time.monotonic() < deadline, finished(process)
            time.sleep(0.1)
        time.sleep(1)
        yield process


@pytest.mark.slow
def test_a_server_that_is_away_for_a_while_in_mid_run_is_waited_for(
    newsapi: Command, server: Server, opened: Open, db_name: str
) -> None:
    with run_in_the_middle(newsapi) as process:
        server.stop()
        # Longer than Dagster itself would have waited.
        time.sleep(10)
        server.start()
        code, out, err = finished(process)
    assert code == 0, err
    assert json.loads(out)["succeeded"]
    assert "Waiting up to 180 s" in err
    assert broken_promises(opened()) == set()
    with server.admin(db_name) as admin:
        assert admin.execute("SELECT status FROM dagster.runs").fetchall() == [("SUCCESS",)]


@pytest.mark.slow
def test_upgrades_from_several_containers_at_once(newsapi: Command) -> None:
    for code, _, err in [finished(p) for p in [newsapi.start("db", "upgrade") for _ in range(3)]]:
        assert code == 0, err
    code, out, _ = newsapi("db", "check")
    assert code == 0
    assert "as this program wants it" in out


def test_an_upgrade_waits_for_the_run_under_way(
    newsapi: Command, server: Server, opened: Open, db_name: str
) -> None:
    with run_in_the_middle(newsapi) as process:
        with server.admin(db_name) as admin:
            admin.execute("DROP INDEX final.idx_final_published")
        code, _, err = newsapi("db", "upgrade", RUN_WAIT_SECONDS="0.5")
        assert code == 1
        assert "another run is under way (newsapi: run " in err
        assert newsapi("db", "upgrade")[0] == 0
        code, _, err = finished(process)
    assert code == 0, err
    assert newsapi("db", "check")[0] == 0
    assert broken_promises(opened()) == set()


def test_check_tells_what_is_wrong_and_its_exit_code_says_so(
    newsapi: Command, server: Server, db_name: str
) -> None:
    code, out, _ = newsapi("db", "check")
    assert (code, "there are no tables" in out) == (1, True)
    newsapi("db", "upgrade")
    with server.admin(db_name) as admin:
        admin.execute("DROP INDEX final.idx_final_url")
    code, out, _ = newsapi("db", "check")
    assert (code, "index idx_final_url is missing" in out) == (1, True)
    code, out, _ = newsapi("db", "upgrade")
    assert code == 0
    assert newsapi("db", "check")[0] == 0


def test_a_role_without_rights_is_told_what_its_administrator_must_run(
    newsapi: Command, server: Server
) -> None:
    server.create_database("not_mine", owned=False)
    settings = {"POSTGRES_DB": "not_mine"}
    code, _, err = newsapi("db", "upgrade", **settings)
    assert code == 1
    assert "permission denied for database not_mine" in err
    assert "`newsapi db sql`" in err
    assert err.count("\n") == 1

    with server.admin("not_mine") as admin:
        admin.execute(newsapi("db", "sql", "--admin", **settings)[1])
    code, _, err = newsapi("db", "upgrade", **settings)
    assert code == 0, err
    assert newsapi("db", "check", **settings)[0] == 0


def test_the_whole_script_run_by_an_administrator_serves_the_role(
    newsapi: Command, server: Server, api: Sandbox
) -> None:
    server.create_database("scripted", owned=False)
    settings = {"POSTGRES_DB": "scripted"}
    with server.admin("scripted") as admin:
        admin.execute(newsapi("db", "sql", **settings)[1])
    assert newsapi("db", "check", **settings)[0] == 0
    code, _, err = newsapi("run", **settings, **connected(api, days=1))
    assert code == 0, err


def test_the_script_of_duckdb_runs_in_duckdb(newsapi: Command) -> None:
    import duckdb

    script = newsapi("db", "sql", USE_POSTGRES="false")[1]
    with duckdb.connect(str(newsapi.folder / "made.duckdb")) as made:
        made.execute(script)
    code, out, _ = newsapi("db", "check", USE_POSTGRES="false", DUCKDB_PATH="made.duckdb")
    assert code == 0, out


def _copied(server: Server, source: str, target: str, tables: list[str]) -> None:
    with server.admin(source) as old, server.admin(target) as new:
        for table in tables:
            with (
                old.cursor().copy(f"COPY {table} TO STDOUT (FORMAT csv, HEADER)") as read,
                new.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as write,
            ):
                for data in read:
                    write.write(data)


NEWS = [raw.TABLE, processed.TABLE, final.TABLE]
OTHERS = [
    *("raw.queries", "raw.query_days", processed.OUTCOMES, assessments.TABLE),
    *(final.REJECTED, final.CHANGES),
]


@pytest.fixture(scope="module")
def first(
    server: Server, api: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any]]:
    """The name of a database in which one run has ended, and what that run has told."""
    name = "first_run"
    server.create_database(name)
    newsapi = Command(tmp_path_factory.mktemp(name), server.settings(name))
    code, out, err = newsapi("run", "--json", **connected(api))
    assert code == 0, err
    return name, json.loads(out)


@pytest.mark.parametrize(
    "loaded", first_quick([NEWS, NEWS + OTHERS, NEWS[:1]], 2), ids=["news", "all", "raw"]
)
def test_loaded_tables_are_adopted_and_the_next_run_continues(
    newsapi: Command,
    server: Server,
    db_name: str,
    api: Sandbox,
    first: tuple[str, dict[str, Any]],
    loaded: list[str],
) -> None:
    source, told = first
    assert newsapi("db", "upgrade")[0] == 0
    _copied(server, source, db_name, loaded)

    code, out, err = newsapi("db", "adopt")
    assert code == 0, err
    assert ("There is no watermark" in out) == ("raw.queries" not in loaded)
    if loaded == NEWS + OTHERS:
        assert "wait to be" not in out
    code, out, err = newsapi("run", "--json", **connected(api))
    assert code == 0, err
    result = json.loads(out)
    assert result["failed_checks"] == []
    assert result["new"] <= 2, "only what the sandbox has published since"
    if "raw.queries" in loaded:
        assert result["tokens_used"] < told["tokens_used"]
    with server.admin(db_name) as mine, server.admin(source) as theirs:
        for table in (final.TABLE, final.REJECTED, processed.TABLE):
            query = f"SELECT url, title FROM {table} ORDER BY 1"
            expected = theirs.execute(query).fetchall()
            assert set(expected) <= set(mine.execute(query).fetchall())
        if processed.TABLE in loaded:
            same = "SELECT article_id, updated_at FROM final.filtered_news"
            assert set(theirs.execute(same)) <= set(mine.execute(same))
