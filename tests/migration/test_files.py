"""Export and import: files that PostgreSQL and DuckDB read alike, and that hold everything."""

import errno
import json
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import duckdb as duckdb_driver
import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer import adoption, direct, files
from newsapi_dentsu.transfer.files import Format
from newsapi_dentsu.transfer.tables import tables
from newsapi_dentsu.warehouse import Warehouse
from support.api import serving
from support.articles import many
from support.clock import NOON, Clock
from support.databases import DuckDBDatabase, DuckDBDatabases, PostgresDatabase
from support.parts import first_quick
from support.tables import dump, execute

from .conftest import engine_of, move, no_bars
from .samples import fill, values

NEWS = {
    "raw.ai_marketing_news_raw": "export_raw.csv",
    "processed.processed_news": "export_processed.csv",
    "final.filtered_news": "export_final.csv",
}


def export(source: Warehouse, folder: Path, format_: Format = "csv") -> files.Exported:
    """Export everything."""
    return files.export(source, folder, format_, "128MB", lambda _done, _total: None, now=NOON)


def load(folder: Path, path: Path) -> Warehouse:
    """Read an export into a DuckDB file."""
    files.load(folder, path, "128MB", lambda _done, _total: None)
    return DuckDBDatabase(path).open()


@pytest.mark.parametrize("format_", first_quick(["csv", "parquet"]))
def test_hard_values_go_through_files_from_either_engine_to_either(
    format_: Format,
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    tmp_path: Path,
) -> None:
    fill(duckdb)
    assert move(file, postgres).equal
    for number, source in enumerate((duckdb, postgres)):
        folder = tmp_path / f"export {number}"
        assert export(source, folder, format_).equal
        back = load(folder, tmp_path / f"{number}.duckdb")
        assert values(back) == values(duckdb)
        with direct.opened(back) as session:
            result = direct.to_postgres(
                session, postgres, mark=None, replace=False, compress=False, bars=no_bars
            )
        assert (result.action, result.equal) == ("already equal", True)


def test_an_export_names_its_files_and_says_what_they_hold(
    duckdb: Warehouse, tmp_path: Path
) -> None:
    fill(duckdb, rows=3)
    result = export(duckdb, tmp_path)
    assert set(NEWS.values()) < {path.name for path in tmp_path.iterdir()}
    manifest = json.loads((tmp_path / "export_manifest.json").read_text())
    assert manifest["exported_at"] == "2026-11-20T12:00:00+00:00"
    assert manifest["source"] == duckdb.location
    of_final = manifest["tables"]["final.filtered_news"]
    assert of_final == {
        "file": "export_final.csv",
        "bytes": (tmp_path / "export_final.csv").stat().st_size,
        "rows": 3,
        "hash": result.source["final.filtered_news"].hash,
    }
    assert len(list(tmp_path.iterdir())) == len(tables()) + 1


def test_an_export_replaces_an_earlier_one_and_nothing_else(
    duckdb: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    export(duckdb, tmp_path, "parquet")
    fill(duckdb, rows=2)
    export(duckdb, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert "notes.txt" in names
    assert not any(name.endswith(".parquet") for name in names)


@pytest.mark.parametrize("renamed", first_quick([3, 0, len(tables())]))
def test_an_export_that_broke_off_among_its_files_is_refused_until_another_is_whole(
    duckdb: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    folder = tmp_path / "export"
    export(duckdb, folder)
    fill(duckdb, rows=2)
    for renames in (renamed, None):
        # The second one breaks off before it has touched a file.
        with monkeypatch.context() as patch:
            _let_fail(patch, renames)
            with pytest.raises(WarehouseError, match="No space left"):
                export(duckdb, folder)
        with pytest.raises(WarehouseError, match="an export into it broke off: export again"):
            load(folder, tmp_path / "half.duckdb")
        assert not (tmp_path / "half.duckdb").exists()

    assert export(duckdb, folder).equal
    assert values(load(folder, tmp_path / "whole.duckdb")) == values(duckdb)
    assert len(list(folder.iterdir())) == len(tables()) + 1


def test_of_two_exports_into_a_folder_at_once_the_second_is_refused(
    duckdb: Warehouse, tmp_path: Path
) -> None:
    def second(_done: int, _total: int) -> None:
        with pytest.raises(WarehouseError, match="another export into it is under way"):
            export(duckdb, tmp_path)

    assert files.export(duckdb, tmp_path, "csv", "128MB", second, now=NOON).equal
    assert export(duckdb, tmp_path).equal
    assert len(list(tmp_path.iterdir())) == len(tables()) + 1


def _let_fail(patch: pytest.MonkeyPatch, renames: int | None) -> None:
    """Fill the disk after so many files have got their names, or as the first one is written."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if renames is None:
        patch.setattr(files, "_read_back", lambda *_: _raise(full))
        return
    rename, left = os.replace, iter(range(renames))

    def replace(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise full
        rename(source, target)

    patch.setattr(os, "replace", replace)


def _raise(error: Exception) -> None:
    raise error


def _psql(server: PostgresDatabase, script: str, folder: Path) -> None:
    from postgres.server import binaries

    environment = {
        "PGHOST": str(server.server["host"]),
        "PGPORT": str(server.server["port"]),
        "PGUSER": str(server.server["user"]),
        "PGDATABASE": server.name,
        "PGPASSWORD": server.server["password"] or "",
        "PGOPTIONS": "-c timezone=America/New_York",
        "PGCLIENTENCODING": "UTF8",
    }
    done = subprocess.run(
        [binaries() / "psql", "-X", "-v", "ON_ERROR_STOP=1", "-f", "-"],
        input=script,
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("source", first_quick(["duckdb", "postgres", "by hand"]))
def test_psql_loads_the_files_into_the_tables_as_they_stand(
    source: str,
    file: DuckDBDatabase,
    duckdb: Warehouse,
    postgres: Warehouse,
    server_database: PostgresDatabase,
    tmp_path: Path,
) -> None:
    fill(duckdb)
    wanted = values(duckdb)
    if source == "by hand":
        with duckdb_driver.connect(str(file.path), read_only=True) as connection:
            for table, name in NEWS.items():
                connection.execute(
                    f"COPY (SELECT * FROM {table}) TO '{tmp_path / name}' (HEADER, DELIMITER ',')"
                )
    elif source == "duckdb":
        export(duckdb, tmp_path)
    else:
        assert move(file, postgres).equal
        export(postgres, tmp_path)
        for table in NEWS:
            execute(postgres, f"DELETE FROM {table}")
    postgres.upgrade()
    _psql(
        server_database,
        "\n".join(f"\\COPY {table} FROM '{name}' CSV HEADER" for table, name in NEWS.items()),
        tmp_path,
    )
    found = values(postgres)
    assert {table: found[table] for table in NEWS} == {table: wanted[table] for table in NEWS}


def test_files_that_duckdb_wrote_by_hand_are_imported_and_go_on(
    file: DuckDBDatabase, duckdb: Warehouse, tmp_path: Path, clock: Clock
) -> None:
    with serving(many(50, at=NOON - timedelta(hours=2)), clock=clock) as api:
        api.run(duckdb, lookback_days=1)
        with duckdb_driver.connect(str(file.path), read_only=True) as connection:
            for table, name in NEWS.items():
                connection.execute(
                    f"COPY (SELECT * FROM {table}) TO '{tmp_path / name}' (HEADER, DELIMITER ',')"
                )
        back = load(tmp_path, tmp_path / "back.duckdb")
        news = list(NEWS)
        assert dump(back, *news, times=True) == dump(duckdb, *news, times=True)
        clock.advance(hours=6)
        report = api.run(back, lookback_days=1)
    assert (report.collect.new, report.collect.known) == (0, 50)
    assert dump(back, *news) == dump(duckdb, *news)


def test_bookkeeping_that_came_along_is_as_adopting_would_have_it(
    duckdb: Warehouse, tmp_path: Path, clock: Clock
) -> None:
    with serving(many(5, at=NOON - timedelta(hours=2)), clock=clock) as api:
        api.run(duckdb, lookback_days=1)
    export(duckdb, tmp_path)
    back = load(tmp_path, tmp_path / "back.duckdb")
    before = dump(back, times=True)
    back.write(adoption.adopt)
    assert dump(back, times=True) == before


def test_a_changed_file_is_noticed(duckdb: Warehouse, tmp_path: Path) -> None:
    fill(duckdb, rows=4, text="short")
    export(duckdb, tmp_path)
    path = tmp_path / "export_final.csv"
    path.write_text(path.read_text().replace("short", "shirt", 1))
    with pytest.raises(WarehouseError, match=r"final\.filtered_news.*changed or damaged"):
        load(tmp_path, tmp_path / "back.duckdb")


@pytest.fixture(scope="module")
def short(duckdb_databases: DuckDBDatabases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of short texts, to be copied."""
    source = duckdb_databases.create().open()
    fill(source, rows=20, text="short")
    folder = tmp_path_factory.mktemp("short")
    export(source, folder)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("article_id,", "id,", 1), "columns missing: article_id"),
        (lambda text: text.replace(",short,", ',"short,', 1), "export_final.csv"),
        (lambda text: text[:-9] + '"' + text[-9:], "export_final.csv"),
        (lambda text: text.replace("2026-11-20", "yesterday", 1), "export_final.csv"),
        (lambda _text: "", "columns missing"),
    ],
    ids=["a column of another name", "a quote too many", "a quote at the end", "no time", "empty"],
)
def test_a_file_that_cannot_be_read_is_named(
    change: "object", message: str, short: Path, tmp_path: Path
) -> None:
    shutil.copytree(short, tmp_path, dirs_exist_ok=True)
    (tmp_path / files.MANIFEST).unlink()
    path = tmp_path / "export_final.csv"
    assert callable(change)
    path.write_text(change(path.read_text()))
    with pytest.raises(WarehouseError, match=message) as raised:
        load(tmp_path, tmp_path / "back.duckdb")
    assert "\n" not in str(raised.value)


def test_columns_in_another_order_find_their_places(duckdb: Warehouse, tmp_path: Path) -> None:
    fill(duckdb, rows=5)
    export(duckdb, tmp_path)
    names = ", ".join(reversed(list(tables()[0].columns)))
    with duckdb.snapshot() as session:
        session.execute(
            f"COPY (SELECT {names} FROM {tables()[0].name}) "
            f"TO '{tmp_path / 'export_raw.csv'}' (HEADER)"
        )
    assert values(load(tmp_path, tmp_path / "back.duckdb")) == values(duckdb)


def test_records_of_several_megabytes_go_through_csv(duckdb: Warehouse, tmp_path: Path) -> None:
    fill(duckdb, rows=2)
    execute(duckdb, "UPDATE raw.ai_marketing_news_raw SET record = repeat('é\"', 3000000)")
    assert export(duckdb, tmp_path).equal
    assert values(load(tmp_path, tmp_path / "back.duckdb")) == values(duckdb)


def test_a_folder_without_an_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="holds no export"):
        files.load(tmp_path, tmp_path / "x.duckdb", "128MB", lambda _done, _total: None)


def test_a_folder_that_cannot_be_written_is_named(duckdb: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match="can't be written"):
        export(duckdb, tmp_path / "file" / "folder")


def test_importing_into_duckdb_leaves_other_data_alone(
    duckdb: Warehouse, file: DuckDBDatabase, tmp_path: Path
) -> None:
    fill(duckdb, rows=5)
    export(duckdb, tmp_path)
    other = DuckDBDatabase(tmp_path / "other.duckdb")
    other.open().upgrade()
    fill(other.open(), rows=2, text="mine")
    with direct.opened(load(tmp_path, tmp_path / "scratch.duckdb")) as session:

        def into(replace: bool) -> direct.Transferred:
            return direct.file_to_duckdb(
                session,
                engine_of(other.open()),
                scratch=None,
                replace=replace,
                memory="128MB",
                bars=no_bars,
            )

        with pytest.raises(direct.OccupiedError):
            into(replace=False)
        assert into(replace=True).equal
    assert values(other.open()) == values(duckdb)


def test_a_file_with_windows_line_ends_keeps_those_of_its_texts(
    duckdb: Warehouse, tmp_path: Path
) -> None:
    fill(duckdb, rows=3, text="a\nb\r\nc")
    export(duckdb, tmp_path)
    (tmp_path / files.MANIFEST).unlink()
    path = tmp_path / "export_changes.csv"
    rows = path.read_bytes()
    assert rows.count(b'"\n') == 0
    head, *rest = rows.split(b"+00\n")
    first, tail = head.split(b"\n", 1)
    path.write_bytes(b"\xef\xbb\xbf" + first + b"\r\n" + b"+00\r\n".join([tail, *rest]))
    table = "final.changes"
    assert values(load(tmp_path, tmp_path / "back.duckdb"))[table] == values(duckdb)[table]


def test_texts_that_look_like_rows_stay_texts_wherever_the_file_is_cut(
    duckdb: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import random

    monkeypatch.setattr(files, "SLICE_BYTES", 5_000)
    pieces = ["\n", '"', ",", '""', '1,"a","b"\n', ",,,\n", '",\n"', "\r\n", '\n"\n', "é ", '","']
    chance = random.Random(5)
    fill(duckdb, rows=50)
    with duckdb.transaction() as session:
        for number in range(1, 51):
            text = "".join(chance.choices(pieces, k=chance.choice([1, 3, 50, 2_000])))
            session.execute(
                "UPDATE final.filtered_news SET body = $1, title = $2 WHERE article_id = $3",
                text,
                text[::-1],
                f"https://e.example/{number}/é",
            )
    assert export(duckdb, tmp_path).equal
    assert values(load(tmp_path, tmp_path / "back.duckdb")) == values(duckdb)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".slice")]
