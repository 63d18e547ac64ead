"""Group all articles of a DuckDB file, in a process of its own, and print the seconds."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pipeline import shipped_topics
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.duckdb_engine import DuckDBEngine


def main() -> None:
    """Rebuild, and say how long it took and how many copies were found."""
    warehouse = Warehouse(DuckDBEngine(Path(sys.argv[1]), memory_limit="192MB", wait=5))
    topics = shipped_topics()
    started = time.perf_counter()
    report = group(warehouse, topics, now=datetime.now(UTC), full_refresh=True)
    print(time.perf_counter() - started, report.copies)


if __name__ == "__main__":
    main()
