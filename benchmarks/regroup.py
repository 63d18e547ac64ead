"""Group all articles of a DuckDB file, in a process of its own, and print how that went."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsapi_dentsu.domain import assessment
from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.source import SHIPPED_TOPICS
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.duckdb_engine import DuckDBEngine


def main() -> None:
    """Rebuild; print the seconds, those of judging each article by itself, and the copies found."""
    judging = 0.0
    assess = assessment.assess

    def timed(*arguments: Any, **named: Any) -> assessment.Assessment:
        nonlocal judging
        begun = time.perf_counter()
        found = assess(*arguments, **named)
        judging += time.perf_counter() - begun
        return found

    assessment.assess = timed
    warehouse = Warehouse(DuckDBEngine(Path(sys.argv[1]), memory_limit="192MB", wait=5))
    topics = parse_topics(SHIPPED_TOPICS.read_text("utf-8"), SHIPPED_TOPICS.name)
    started = time.perf_counter()
    report = group(warehouse, topics, now=datetime.now(UTC), full_refresh=True)
    print(time.perf_counter() - started, judging, report.copies)


if __name__ == "__main__":
    main()
