"""The monthly estimate of each stack, printed."""

import sys

from newsapi_infra.cost.costs import Estimate, estimate
from newsapi_infra.offline.configuration import STACKS, read_config

DAILY_ARTICLES, ARTICLE_KB = 50, 5


def as_table(stack: str, result: Estimate) -> str:
    """The estimate as a table in Markdown."""
    rows = [
        f"| {line.what} | {line.usd:,.2f} | {line.status} |"
        for line in sorted(result.lines, key=lambda line: -line.usd)
    ]
    return "\n".join(
        [
            f"| {stack}: what | US$ a month | price |",
            "| --- | ---: | --- |",
            *rows,
            f"| **total** | **{result.total:,.0f}** | prices as of {result.recorded} |",
        ]
    )


def main() -> None:
    """Print the estimate of each stack."""
    for stack in STACKS:
        sys.stdout.write(as_table(stack, estimate(read_config(stack))) + "\n\n")
    month = DAILY_ARTICLES * ARTICLE_KB * 30 / 1000
    sys.stdout.write(
        f"Data to expect: {DAILY_ARTICLES} articles of {ARTICLE_KB} KB a day, {month:g} MB a "
        f"month, {DAILY_ARTICLES * ARTICLE_KB * 365 / 1000:.0f} MB a year.\n"
    )


if __name__ == "__main__":
    main()
