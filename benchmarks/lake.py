"""`lake`: the memory that the lake needs, whatever is done to it, with a million articles in it."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.history import History, fill
from benchmarks.measuring import Execution, execute, program
from benchmarks.pipeline import shipped_topics
from benchmarks.report import Figure
from newsapi_dentsu.lake.delta import live_files
from newsapi_dentsu.lake.layout import TABLES
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import final

ARTICLES, ARTICLES_QUICKLY = 1_000_000, 100_000
MEGABYTES_LIMIT = 1_000


def lake(quick: bool) -> list[Figure]:
    """Archive all, archive nothing new, write all anew, and compact what can be."""
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

        def run(*arguments: str) -> Execution:
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
        size = sum(path.stat().st_size for path in place.rglob("*.parquet"))
        print(f"  {rows} rows, {size / 1e9:.2f} GB with what was replaced", flush=True)
        return [
            Figure("lake", f"peak memory, {what}", one.peak_bytes / 1e6, " MB", MEGABYTES_LIMIT)
            for what, one in runs.items()
        ]
