"""`newsapi migrate`, `export` and `import` as a user runs them."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb as driver
import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema.history import tables
from support import commands
from support.api import serving
from support.articles import many
from support.clock import NOON, Clock
from support.databases import DuckDBDatabase, PostgresDatabase
from support.processes import event, hold_run_lock, hold_transaction, process
from support.tables import count, execute, final_urls

from .legacy_files import row as legacy_row
from .legacy_files import write
from .samples import fill, values

Settings = Callable[..., dict[str, str]]
Run = Callable[..., commands.Finished]


@pytest.fixture
def run(
    tmp_path: Path,
    file: DuckDBDatabase,
    server_database: PostgresDatabase,
    settings_of: Settings,
) -> Run:
    """Runs the command in an empty folder, on the file and the server."""

    def run(*arguments: str, **settings: str) -> commands.Finished:
        import os

        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("POSTGRES_", "DUCKDB_", "NEWSAPI_", "USE_"))
        }
        environment |= settings_of(file, server_database) | settings
        with tempfile.TemporaryDirectory() as scratch:
            return commands.run_newsapi(list(arguments), tmp_path, environment, Path(scratch))

    return run


def test_the_proof_is_printed_and_the_exit_code_tells(
    run: Run, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=4)
    done = run("migrate")
    assert done.code == 0, done.err
    assert done.err == "", "no progress bar in a pipe"
    assert done.out.count("equal") == len(tables())
    assert "proof" in done.out
    assert values(postgres) == values(duckdb)
    again = run("migrate")
    assert (again.code, again.out.splitlines()[-1]) == (0, "already equal")


def test_as_json(run: Run, duckdb: Warehouse) -> None:
    import json

    fill(duckdb, rows=4)
    result = json.loads(run("migrate", "--json").out)
    assert result["equal"] is True
    table = result["tables"]["raw.ai_marketing_news_raw"]
    assert table["rows"] == [4, 4]
    assert len(set(table["hashes"])) == 1
    assert set(result["seconds"]) == {"copying", "indexes", "proof"}


def test_a_dry_run_changes_nothing(
    run: Run, file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=4)
    before = file.path.read_bytes()
    done = run("migrate", "--dry-run")
    assert done.code == 0
    assert f"{4 * len(tables())} rows would be copied. Nothing was changed." in done.out
    with postgres.engine.snapshot() as session:
        assert not postgres.engine.schema_exists(session, "raw")
    assert file.path.read_bytes() == before

    postgres.upgrade()
    fill(postgres, rows=1, text="other")
    done = run("migrate", "--dry-run", "--replace")
    assert "holds data" in done.out
    assert count(postgres, "final.filtered_news") == 1


@pytest.mark.thorough("tests/migration/test_round_trip.py::test_and_come_back")
def test_there_and_back(run: Run, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path) -> None:
    fill(duckdb)
    assert run("migrate").code == 0
    link = tmp_path / "link.duckdb"
    link.symlink_to("laptop/copy.duckdb")
    done = run("migrate", "--to", "duckdb", "--out", "link.duckdb")
    assert done.code == 0, done.err
    assert link.is_symlink()
    assert values(DuckDBDatabase(tmp_path / "laptop/copy.duckdb").open()) == values(duckdb)


@pytest.mark.thorough(
    "tests/migration/test_files.py::test_hard_values_go_through_files_from_either_engine_to_either"
)
def test_by_files(run: Run, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path) -> None:
    fill(duckdb)
    assert run("export", "--format", "csv", "--out", "files").code == 0
    done = run("import", "files", USE_POSTGRES="true")
    assert done.code == 0, done.err
    assert values(postgres) == values(duckdb)
    done = run("export", "--format", "parquet", "--out", "more", USE_POSTGRES="true")
    assert done.code == 0, done.err
    other = tmp_path / "new" / "other.duckdb"
    done = run("import", "more", DUCKDB_PATH=str(other))
    assert done.code == 0, done.err
    assert values(DuckDBDatabase(other).open()) == values(duckdb)


@pytest.mark.thorough(
    "tests/migration/test_merging.py::test_what_either_side_has_is_there_afterwards"
)
def test_merging_two_pipelines(
    run: Run, duckdb: Warehouse, postgres: Warehouse, clock: Clock
) -> None:
    clock.now = NOON
    with serving(many(20, at=NOON.replace(hour=9), prefix="a"), clock=clock) as api:
        api.run(duckdb, lookback_days=1)
    postgres.upgrade()
    with serving(many(20, at=NOON.replace(hour=9), prefix="b"), clock=clock) as api:
        api.run(postgres, lookback_days=1)
    refused = run("migrate")
    assert refused.code == 1
    assert refused.err.count("\n") == 1
    assert "holds other data already: --merge" in refused.err
    done = run("migrate", "--merge")
    assert done.code == 0, done.err
    assert "20 of 20 records were added; 20 of 20 are there" in done.out
    assert len(final_urls(postgres)) == 40


def test_another_pipelines_file(run: Run, postgres: Warehouse, tmp_path: Path) -> None:
    rows = [legacy_row(1), legacy_row(2), legacy_row(2), legacy_row(3, url=None)]
    write(tmp_path / "old.duckdb", rows)
    before = (tmp_path / "old.duckdb").read_bytes()
    done = run("migrate", "--from", "old.duckdb")
    assert done.code == 0, done.err
    assert "4 rows = 3 stored as records + 1 the same as another" in done.err
    assert "Word Count" in done.err
    assert "old-not-mapped.jsonl" in done.err
    (line,) = (tmp_path / "old-not-mapped.jsonl").read_text().splitlines()
    assert "no_url" in line
    assert len(final_urls(postgres)) == 2
    assert (tmp_path / "old.duckdb").read_bytes() == before


def one_line(done: commands.Finished) -> str:
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1, done.err
    return done.err


def test_what_is_wrong_is_said_in_one_line(
    run: Run, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    assert "doesn't exist" in one_line(run("migrate", "--from", "none.duckdb"))
    (tmp_path / "text.duckdb").write_text("not a database" * 1000)
    assert "not a DuckDB database" in one_line(run("migrate", "--from", "text.duckdb"))
    with driver.connect(str(tmp_path / "empty.duckdb")):
        pass
    assert "holds no news" in one_line(run("migrate", "--from", "empty.duckdb"))
    assert "doesn't answer" in one_line(
        run("migrate", POSTGRES_HOST="127.0.0.1", POSTGRES_PORT="1", DATABASE_WAIT_SECONDS="0")
    )
    assert "has no tables yet" in one_line(run("migrate", "--to", "duckdb", "--out", "x.duckdb"))
    assert "holds no export" in one_line(run("import", "."))
    assert not (tmp_path / "x.duckdb").exists()


def test_wrong_options_are_refused(run: Run) -> None:
    for arguments in (
        ("migrate", "--merge", "--replace"),
        ("migrate", "--out", "x.duckdb"),
        ("migrate", "--from", "x.duckdb", "--to", "duckdb", "--out", "x.duckdb"),
    ):
        assert run(*arguments).code == 2


def test_whoever_holds_a_side_is_named(
    run: Run, file: DuckDBDatabase, server_database: PostgresDatabase, postgres: Warehouse
) -> None:
    postgres.upgrade()
    held = event()
    with process(hold_transaction, file, held, 20.0):
        assert held.wait(30)
        assert "is held by another process" in one_line(run("migrate", DATABASE_WAIT_SECONDS="0.1"))
    held = event()
    with process(hold_run_lock, server_database, held, 20.0):
        assert held.wait(30)
        assert "another run is under way" in one_line(run("migrate", RUN_WAIT_SECONDS="0.1"))


def test_a_run_does_not_start_on_a_target_that_is_half_filled(
    run: Run, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=3)
    postgres.upgrade()
    execute(postgres, "CREATE TABLE ops.transfer (part integer PRIMARY KEY, note text NOT NULL)")
    refused = run("db", "upgrade", USE_POSTGRES="true")
    assert "being filled by a migration" in refused.err
    assert run("migrate").code == 0
    assert values(postgres) == values(duckdb)


_MEMORY = """
import re, sys
from pathlib import Path
from newsapi_dentsu.cli import main
try:
    main(sys.argv[1:], prog_name="newsapi")
finally:
    status = Path("/proc/self/status").read_text()
    print(re.search(r"VmHWM:\\s+(\\d+)", status)[1], file=sys.stderr)
"""
"""Not `ru_maxrss`, which begins with what the tests' own process had."""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_tables(
    file: DuckDBDatabase,
    duckdb: Warehouse,
    server_database: PostgresDatabase,
    postgres: Warehouse,
    settings_of: Settings,
    tmp_path: Path,
) -> None:
    execute(
        duckdb,
        "INSERT INTO raw.ai_marketing_news_raw (seq, uri, version, origin, query_id, fetched_at, "
        "record_hash, record) SELECT range, range::text, 1, 'newsapi.ai', 'q', now(), 'h', "
        "repeat(md5(range::text) || md5((range + 1)::text), 300) FROM range(25000)",
    )

    def peak(*arguments: str) -> float:
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY, *arguments],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", **settings_of(file, server_database)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stderr.split()[-1]) / 1024

    # 480 MB of text, of which 400 MB may be in memory with all the libraries.
    assert peak("migrate") < 400
    assert peak("migrate", "--to", "duckdb", "--out", "back.duckdb") < 500


def test_on_a_terminal_there_is_a_progress_bar(
    file: DuckDBDatabase,
    duckdb: Warehouse,
    server_database: PostgresDatabase,
    postgres: Warehouse,
    settings_of: Settings,
    tmp_path: Path,
) -> None:
    import os
    import pty

    fill(duckdb, rows=3)
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("newsapi")), "migrate"]
    environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment | settings_of(file, server_database),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as running:
        assert running.wait(60) == 0
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "Copying" in shown
    assert f"{len(tables())}/{len(tables())}" in shown


@pytest.mark.thorough(
    "tests/migration/test_merging.py::test_what_either_side_has_is_there_afterwards"
)
def test_merging_into_a_file(
    run: Run, duckdb: Warehouse, postgres: Warehouse, tmp_path: Path
) -> None:
    from support.tables import raw_uris

    write(tmp_path / "one.duckdb", [legacy_row(number) for number in range(5)])
    write(tmp_path / "two.duckdb", [legacy_row(number) for number in range(3, 9)])
    into = ("--to", "duckdb", "--out", "both.duckdb")
    assert run("migrate", "--from", "one.duckdb", *into).code == 0
    for added in (4, 0):
        done = run("migrate", "--from", "two.duckdb", *into, "--merge")
        assert done.code == 0, done.err
        assert f"merged: {added} of 6 records were added; 6 of 6 are there" in done.out
    both = DuckDBDatabase(tmp_path / "both.duckdb").open()
    assert len(raw_uris(both)) == len(final_urls(both)) == 9


def test_too_little_memory_is_said_in_one_line(run: Run, duckdb: Warehouse) -> None:
    execute(
        duckdb,
        "INSERT INTO ops.positions SELECT md5(range::text), range FROM range(9000)",
    )
    done = run("export", "--out", "files", "--format", "parquet", DUCKDB_MEMORY_LIMIT="1MB")
    assert "Raise DUCKDB_MEMORY_LIMIT" in one_line(done)


def test_tables_that_another_program_made_in_the_target_are_left_alone(
    run: Run, duckdb: Warehouse, postgres: Warehouse
) -> None:
    fill(duckdb, rows=1)
    with postgres.transaction() as session:
        session.execute("CREATE SCHEMA raw")
        session.execute("CREATE TABLE raw.ai_marketing_news_raw (url text)")
        session.execute("INSERT INTO raw.ai_marketing_news_raw VALUES ('theirs')")
    for arguments in ((), ("--replace",)):
        assert "made by another program" in one_line(run("migrate", *arguments))
    with postgres.engine.snapshot() as session:
        assert session.rows("SELECT * FROM raw.ai_marketing_news_raw") == [("theirs",)]
