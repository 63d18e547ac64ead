"""Group all articles of a DuckDB file, in a process of its own, and print how that went."""

import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.source import SHIPPED_TOPICS
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine


def main() -> None:
    """Rebuild; print the seconds, the copies found, and the most bytes that all processes held."""
    warehouse = Warehouse(DuckDBEngine(Path(sys.argv[1]), memory_limit="192MB", wait=5))
    topics = parse_topics(SHIPPED_TOPICS.read_text("utf-8"), SHIPPED_TOPICS.name)
    started = time.perf_counter()
    with warehouse.kept_open():
        report = group(warehouse, topics, now=datetime.now(UTC), full_refresh=True)
    seconds = time.perf_counter() - started
    # The largest helper as often as there may be helpers: a little more than there was at once.
    own, largest = (
        resource.getrusage(who).ru_maxrss * 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(seconds, report.copies, own + largest * (os.cpu_count() or 1))


if __name__ == "__main__":
    main()
