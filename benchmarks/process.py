"""`process`: the whole `newsapi run` against bare Dagster."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Execution, alternate, execute, program, ratio
from benchmarks.pipeline import NEW_ARTICLES, pipeline_with_history
from benchmarks.report import Figure, print_medians
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine

STORED = 1_000
ROUNDS, ROUNDS_QUICKLY = 9, 3
RATIO_LIMIT = 1.5

_BARE = "materialize()"

_ASSET = """\
import dagster


@dagster.asset
def empty() -> None: ...


defs = dagster.Definitions([empty])
"""
_IN_MEMORY = "from empty import empty, dagster\nassert dagster.materialize([empty]).success\n"
_ON_A_HOME = """\
from empty import empty, dagster
with dagster.DagsterInstance.get() as instance:
    assert dagster.materialize([empty], instance=instance).success
"""


def process(quick: bool) -> list[Figure]:
    """Compare with materializing one empty asset: by the library, on a home, by the command."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "pipeline"
        database = folder / "data" / "news.duckdb"
        database.parent.mkdir(parents=True)
        warehouse = Warehouse(DuckDBEngine(database, memory_limit="1GB", wait=5))
        bare = _bare(Path(temporary) / "bare")
        with pipeline_with_history(folder, STORED, warehouse) as pipeline:
            subjects: dict[str, Callable[[], Execution]] = {
                "newsapi run": lambda: pipeline.run().execution,
                **bare,
            }
            for warm_up in bare.values():
                warm_up()
            measured = alternate(subjects, ROUNDS_QUICKLY if quick else ROUNDS)
    print_medians(
        f"  medians in seconds ({NEW_ARTICLES} new articles, {STORED:,} stored):",
        {
            name: [{"whole process": run.seconds, "CPU time": run.cpu_seconds} for run in runs]
            for name, runs in measured.items()
        },
    )
    ours = measured.pop("newsapi run")
    figures = []
    for name, theirs in measured.items():
        limit = RATIO_LIMIT if name == _BARE else None
        wall = ratio([run.seconds for run in ours], [run.seconds for run in theirs])
        cpu = ratio([run.cpu_seconds for run in ours], [run.cpu_seconds for run in theirs])
        figures.append(Figure("process", f"time, newsapi run to {name}", wall, limit=limit))
        figures.append(Figure("process", "the same in CPU time", cpu))
    return figures


def _bare(folder: Path) -> dict[str, Callable[[], Execution]]:
    home = folder / "home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (folder / "empty.py").write_text(_ASSET)
    (folder / "in_memory.py").write_text(_IN_MEMORY)
    (folder / "on_a_home.py").write_text(_ON_A_HOME)
    python = program("python")
    on_home = {"DAGSTER_HOME": str(home)}
    command = [program("dagster"), "asset", "materialize", "-f", "empty.py", "--select", "empty"]
    return {
        _BARE: lambda: execute([python, "in_memory.py"], folder),
        "the same on a home": lambda: execute([python, "on_a_home.py"], folder, on_home),
        "dagster asset materialize": lambda: execute(command, folder, on_home),
    }
