"""`meaning`: making the vectors of many articles, and finding that all are there."""

import itertools
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import execute, program
from benchmarks.report import Figure
from benchmarks.stories import TITLE, bodies, fill
from newsapi_dentsu.domain.passages import passages
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine

ARTICLES, ARTICLES_QUICKLY = 10_000, 2_000
SAMPLE = 300
CPU_LIMIT, RATIO_LIMIT, AGAIN_LIMIT, MEGABYTES_LIMIT = 20, 1.3, 0.1, 550


def meaning(quick: bool) -> list[Figure]:
    """Compare the stage with the model alone."""
    count = ARTICLES_QUICKLY if quick else ARTICLES
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "news.duckdb"
        warehouse = Warehouse(DuckDBEngine(path, memory_limit="1GB", wait=5))
        warehouse.upgrade()
        fill(warehouse, count)
        command = [program("python"), str(Path(__file__).with_name("understanding.py")), str(path)]
        before = path.stat().st_size
        first = execute(command, folder)
        grown = path.stat().st_size - before
        again = execute(command, folder)
    made, seconds, _, peak = map(float, first.stdout.split())
    made_again, _, looked, _ = map(float, again.stdout.split())
    if (made, made_again) != (count, 0):
        raise RuntimeError(f"made {made:.0f} and {made_again:.0f} vectors of {count}")
    each, alone = first.cpu_seconds / count, _alone()
    print(f"  {count:,} vectors in {seconds:.1f} s, {grown / count:.0f} bytes each in the file")
    print(f"  CPU time for each, in ms: the stage {each * 1e3:.2f}, the model {alone * 1e3:.2f}")
    return [
        Figure("meaning", "CPU time for the vectors of 1,000", each * 1e3, " s", CPU_LIMIT),
        Figure("meaning", "the same to that of the model alone", each / alone, "", RATIO_LIMIT),
        Figure(
            "meaning",
            "CPU time for finding that 1,000 have theirs",
            looked / count * 1e3,
            " s",
            AGAIN_LIMIT,
        ),
        Figure("meaning", "peak memory of all processes", peak / 1e6, " MB", MEGABYTES_LIMIT),
    ]


def _alone() -> float:
    """Seconds of CPU that the model takes for a text, once it is loaded."""
    texts = [
        passage
        for body in itertools.islice(bodies(SAMPLE), SAMPLE)
        for passage in passages(f"{TITLE}, report 1", body)
    ]
    sentence_model().embed(texts[:1])
    started = time.process_time()
    sentence_model().embed(texts)
    return (time.process_time() - started) / len(texts)
