"""`lake`: the memory that the lake needs, whatever is done to it, with a million articles in it."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.history import History, fill
from benchmarks.measuring import Execution, execute, program
from benchmarks.pipeline import shipped_topics
from benchmarks.report import Figure
from newsapi_dentsu.lake import delta
from newsapi_dentsu.lake.delta import live_files
from newsapi_dentsu.lake.layout import MONTH, RAW, TABLES
from newsapi_dentsu.lake.listing import Lake, write_lake
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import final

ARTICLES, ARTICLES_QUICKLY = 1_000_000, 100_000
MEGABYTES_LIMIT = 1_000

_CROWDED_FILES = 250
_VALUES = {
    "bigint": "$1 + number",
    "integer": "1",
    "text": "md5(($1 + number)::text)",
    "boolean": "true",
    "timestamptz": "TIMESTAMPTZ '2026-10-02 03:04:05+00'",
}


def lake(quick: bool) -> list[Figure]:
    """Archive all, archive nothing new, write all anew, and compact what can be.

    Then compact a month that all records are in, in many small files that the list doesn't know,
    and mend it when each of them is there twice.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        database = folder / "data" / "news.duckdb"
        database.parent.mkdir()
        articles = ARTICLES_QUICKLY if quick else ARTICLES
        warehouse = Warehouse(DuckDBEngine(database, memory_limit="2GB", wait=5))
        fill(warehouse, History(articles, datetime(2026, 11, 20, 12, tzinfo=UTC)), shipped_topics())
        warehouse.write(final.number_rows)
        print(f"  {articles:,} articles: {database.stat().st_size / 1e9:.2f} GB", flush=True)
        place = folder / "lake"
        settings = {"LAKE_LOCATION": str(place)}

        def run(*arguments: str, settings: dict[str, str] = settings) -> Execution:
            done = execute([program("newsapi"), *arguments, "--json"], folder, settings)
            print(
                f"  newsapi {' '.join(arguments)}: {done.seconds:.0f} s, "
                f"{done.peak_bytes / 1e6:.0f} MB",
                flush=True,
            )
            return done

        first = run("archive")
        added = json.loads(first.stdout)
        rows = [live_files(Folder(place), table).rows for table in TABLES]
        assert rows[0] == added["rows"] > 0.9 * articles
        runs = {
            "archiving all": first,
            "archiving nothing new": run("archive"),
            "compacting all": run("archive", "maintain"),
            "writing all anew": run("archive", "--anew"),
        }
        assert rows == [live_files(Folder(place), table).rows for table in TABLES]
        crowded = folder / "crowded"
        crowded.mkdir()
        _fill_one_month(Folder(crowded), articles, folder)
        runs["compacting a month of all records"] = run(
            "archive", "maintain", settings={"LAKE_LOCATION": str(crowded)}
        )
        print(f"  {_CROWDED_FILES} files became {len(live_files(Folder(crowded), RAW).uris)}")
        _fill_one_month(Folder(crowded), articles, folder)
        runs["dropping all records of a month that are there twice"] = run(
            "archive", "maintain", settings={"LAKE_LOCATION": str(crowded)}
        )
        assert live_files(Folder(crowded), RAW).rows == articles // _CROWDED_FILES * _CROWDED_FILES
        size = sum(path.stat().st_size for path in place.rglob("*.parquet"))
        print(f"  {rows} rows, {size / 1e9:.2f} GB with what was replaced", flush=True)
        return [
            Figure("lake", f"peak memory, {what}", one.peak_bytes / 1e6, " MB", MEGABYTES_LIMIT)
            for what, one in runs.items()
        ]


def _fill_one_month(place: Folder, records: int, folder: Path) -> None:
    """Have the table of records hold so many in one month, of a kilobyte each."""
    each = records // _CROWDED_FILES
    text = (
        "(SELECT string_agg(md5((1000 * ($1 + number) + part)::text), '') FROM range(24) p(part))"
    )
    columns = ", ".join(
        f"CAST({text if name == 'record' else _VALUES[kind]} AS {kind}) AS {name}"
        for name, kind in RAW.columns.items()
    )
    statement = f"SELECT {columns}, '2026-10' AS {MONTH} FROM range(1, {each + 1}) AS n(number)"
    with duckdb.connect(config={"threads": 1}) as connection:
        for number in range(_CROWDED_FILES):
            rows = connection.sql(statement, params=[each * number])
            delta.append(place, RAW, rows, {delta.APPLICATION: each * (number + 1)})
    write_lake(place, Lake(), folder)
