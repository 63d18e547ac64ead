"""`sentiment`: what reading the tones of 100 new articles adds to a run."""

import hashlib
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import execute, program
from benchmarks.pipeline import shipped_topics
from benchmarks.report import Figure
from benchmarks.stories import made_article
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import processed

ARTICLES = 100
SECONDS_LIMIT = 4
NAMES = ("Acme", "Novatune", "Belcourt")
_SENTENCES = (
    "{} said that its generative AI for marketing teams had halved the time from a brief to the "
    "first draft of a campaign, although two clients want more say in what it may write by itself.",
    "Buyers of artificial intelligence for advertising praise {} for prices that stay what they "
    "were, and blame it for an outage in the week before the largest sale of the year.",
)
"""Each names a target and has some 35 tokens, which is what real articles have on average."""


def sentiment(_quick: bool) -> list[Figure]:
    """Read the tones of a run's new articles, in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "news.duckdb"
        _fill(path)
        command = [
            program("python"),
            str(Path(__file__).with_name("scoring.py")),
            str(path),
            *NAMES,
        ]
        first = execute(command, folder)
        again = execute(command, folder)
    articles, mentions = map(int, first.stdout.split())
    if articles != ARTICLES or again.stdout.split()[0] != "0":
        raise RuntimeError(f"read {first.stdout} articles and mentions, then {again.stdout}")
    added = first.cpu_seconds - again.cpu_seconds
    each = added / (articles + mentions)
    print(f"  {articles} articles with {mentions} mentions; {each:.4f} s for each text")
    return [Figure("sentiment", "CPU time for the tones of 100", added, " s", SECONDS_LIMIT)]


def _fill(path: Path) -> None:
    warehouse = Warehouse(DuckDBEngine(path, memory_limit="1GB", wait=5))
    warehouse.upgrade()
    now = datetime.now(UTC)
    articles = [
        made_article(
            number,
            " ".join(
                f"{_own_words(number, part)}. {sentence.format(name)}"
                for part, name in enumerate(NAMES)
                for sentence in _SENTENCES
            ),
            now,
        )
        for number in range(ARTICLES)
    ]
    with warehouse.transaction() as session:
        processed.save_articles(session, articles, {}, now)
    group(warehouse, shipped_topics(), now=now)
    curate(warehouse, now=now)


def _own_words(number: int, part: int) -> str:
    """Words that no other article has: without them all would be copies of one."""
    digests = (
        hashlib.md5(f"{number}.{part}.{place}".encode(), usedforsecurity=False).hexdigest()
        for place in range(12)
    )
    return " of the ".join(digests)
