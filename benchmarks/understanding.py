"""Understand all articles of a DuckDB file, in a process of its own, and print how that went."""

import os
import resource
import sys
import time
from pathlib import Path

from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine


def main() -> None:
    """Print the vectors made, the seconds, those of CPU here, and the most bytes held by all."""
    warehouse = Warehouse(DuckDBEngine(Path(sys.argv[1]), memory_limit="192MB", wait=5))
    started, worked = time.perf_counter(), time.process_time()
    with warehouse.kept_open():
        report = understand(warehouse, sentence_model(), full_refresh=True)
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    # The largest helper as often as there may be helpers: a little more than there was at once.
    own, largest = (
        resource.getrusage(who).ru_maxrss * 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(report.made, seconds, work, own + largest * (os.cpu_count() or 1))


if __name__ == "__main__":
    main()
