"""`python -m benchmarks`: execute benchmarks and judge their figures."""

import argparse
import time
from collections.abc import Callable

from benchmarks.alerts import alerts
from benchmarks.inserts import inserts
from benchmarks.lake import lake
from benchmarks.meaning import meaning
from benchmarks.migration import migration
from benchmarks.process import process
from benchmarks.rebuild import rebuild, template, workers
from benchmarks.refresh import refresh
from benchmarks.report import Figure, print_table
from benchmarks.retention import retention
from benchmarks.scale import scale, scale_postgres
from benchmarks.sentiment import sentiment
from benchmarks.serving import serving
from benchmarks.stories import stories

BENCHMARKS: dict[str, Callable[..., list[Figure]]] = {
    "alerts": alerts,
    "inserts": inserts,
    "lake": lake,
    "meaning": meaning,
    "migration": migration,
    "process": process,
    "rebuild": rebuild,
    "refresh": refresh,
    "retention": retention,
    "scale": scale,
    "scale-postgres": scale_postgres,
    "sentiment": sentiment,
    "serving": serving,
    "stories": stories,
    "template": template,
    "workers": workers,
}
NOT_QUICK = {"rebuild", "scale-postgres", "template", "workers"}
SIZED = {"rebuild", "refresh", "scale", "scale-postgres", "serving", "template", "workers"}
"""Those that take a number of articles."""


def main() -> int:
    """Return 1 when a figure is beyond its limit."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Speed and memory of the pipeline, as ratios measured in one run. "
        "Exits with 1 when a limit is missed. What each one measures: benchmarks/README.md.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which to execute (default: all): {', '.join(BENCHMARKS)}",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer rounds and a tenth of the history; leaves out "
        f"{', '.join(sorted(NOT_QUICK))} unless it is named",
    )
    parser.add_argument(
        "--articles",
        type=int,
        help=f"how many are stored, for {', '.join(sorted(SIZED))} "
        "(default: a million; 100,000 for refresh, 50,000 for template, 45,000 for workers, "
        "20,000 for serving)",
    )
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    chosen = options.names or [
        name for name in BENCHMARKS if not (options.quick and name in NOT_QUICK)
    ]
    figures: list[Figure] = []
    for name in chosen:
        print(f"\n{name}", flush=True)
        started = time.perf_counter()
        sized = [options.articles] if name in SIZED else []
        figures += BENCHMARKS[name](options.quick, *sized)
        print(f"  took {time.perf_counter() - started:.0f} s", flush=True)
    print_table(figures)
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main())
