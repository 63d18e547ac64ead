"""Read the tones in a DuckDB file, in a process of its own, and print how many were read."""

import sys
from pathlib import Path

from newsapi_dentsu.domain.brands import parse_brands
from newsapi_dentsu.meaning import tone_model
from newsapi_dentsu.stages.sentiment import score_sentiment
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine


def main() -> None:
    """Print the articles and the mentions that were read."""
    warehouse = Warehouse(DuckDBEngine(Path(sys.argv[1]), memory_limit="192MB", wait=5))
    brands = parse_brands(
        f"brands: [{', '.join(f'{{name: {one}}}' for one in sys.argv[2:])}]", "brands"
    )
    report = score_sentiment(warehouse, tone_model(), brands)
    print(report.articles, report.mentions)


if __name__ == "__main__":
    main()
