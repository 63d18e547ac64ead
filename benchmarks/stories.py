"""`stories`: finding copies among many articles, against what else finds them."""

import hashlib
import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measuring import execute, program
from benchmarks.report import Figure
from newsapi_dentsu.domain.assessment import assess
from newsapi_dentsu.domain.comparison import compare
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.similarity import prepare
from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.source import SHIPPED_TOPICS
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.tables import processed

ARTICLES, ARTICLES_QUICKLY = 100_000, 10_000
WORDS = 400
TITLE = "Generative AI in marketing"
COPIED_EVERY = 10
DAYS = 110
SECONDS_LIMIT, MEGABYTES_LIMIT = 60, 1_000

SAMPLE_OF_LSH, SAMPLE_OF_PAIRS = 2_000, 400
_PERMUTATIONS, _THRESHOLD = 128, 0.7
_COMMON = "the of and to a in is that for it as was with be by on not his which but are from or at"
_BATCH = 2_000


def stories(quick: bool) -> list[Figure]:
    """Compare a full rebuild with datasketch's LSH, and with comparing all pairs."""
    count = ARTICLES_QUICKLY if quick else ARTICLES
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "news.duckdb"
        warehouse = Warehouse(DuckDBEngine(path, memory_limit="1GB", wait=5))
        warehouse.upgrade()
        fill(warehouse, count)
        script = str(Path(__file__).with_name("regroup.py"))
        rebuilt = execute([program("python"), script, str(path)], folder)
    seconds, copies, peak = map(float, rebuilt.stdout.split())
    each, judged, lsh, pairs = seconds / count, _by_judging(), _by_lsh(), _by_all_pairs()
    print(f"  {count:,} articles of {WORDS} words in {seconds:.1f} s, {copies:.0f} copies found")
    print(
        f"  for each article, in ms: stories {each * 1e3:.2f}, of which judging takes one "
        f"processor {judged * 1e3:.2f}; datasketch {lsh * 1e3:.2f}"
    )
    return [
        Figure(
            "stories",
            f"{ARTICLES:,} judged and put into stories anew",
            each * ARTICLES,
            " s",
            SECONDS_LIMIT,
        ),
        Figure("stories", "peak memory of all processes", peak / 1e6, " MB", MEGABYTES_LIMIT),
        Figure("stories", "datasketch's MinHashLSH alone to all of that", lsh / each),
        Figure(
            "stories",
            f"all pairs to all of that, at {SAMPLE_OF_PAIRS} articles",
            pairs * (SAMPLE_OF_PAIRS - 1) / 2 / each,
        ),
    ]


def bodies(count: int) -> Iterator[str]:
    """Texts like English ones: half of them common words; every tenth is an edited copy."""
    rng = random.Random(1)
    vocabulary = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(4, 10))) for _ in range(20_000)]
    weights = list(itertools.accumulate(1 / (place + 20) for place in range(len(vocabulary))))
    earlier: list[list[str]] = []
    for number in range(count):
        if number % COPIED_EVERY == COPIED_EVERY - 1:
            words = [
                word if rng.random() > 0.05 else rng.choice(vocabulary)
                for word in earlier[-rng.randint(1, COPIED_EVERY - 1)]
            ]
        else:
            rare = rng.choices(vocabulary, cum_weights=weights, k=WORDS // 2)
            common = rng.choices(_COMMON.split(), k=WORDS // 2)
            words = [word for pair in zip(rare, common, strict=True) for word in pair]
            earlier = [*earlier[-COPIED_EVERY:], words]
        yield " ".join(words)


def fill(warehouse: Warehouse, count: int) -> None:
    """Have articles that no stage has looked at."""
    now = datetime.now(UTC)
    start, step = now - timedelta(days=DAYS), timedelta(days=DAYS) / count
    made = enumerate(bodies(count))
    while batch := list(itertools.islice(made, _BATCH)):
        articles = [made_article(number, body, start + step * number) for number, body in batch]
        with warehouse.transaction() as session:
            processed.save_articles(session, articles, {}, now)


def made_article(number: int, body: str, moment: datetime) -> processed.Article:
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return processed.Article(
        article_id=digest,
        url=f"https://adledger.example/{number}",
        link=f"https://adledger.example/{number}",
        title=f"{TITLE}, report {number}",
        body=body,
        published_at=moment,
        first_published_at=moment,
        indexed_at=moment,
        source_name="Ad Ledger",
        source_uri="adledger.example",
        lang="eng",
        data_type="news",
        authors="[]",
        image=None,
        sentiment=None,
        concepts="[]",
        categories="[]",
        event_uri=None,
        is_duplicate=False,
        version=1,
        text_hash=digest,
        raw_seq=number + 1,
        origin="sandbox",
        fetched_at=moment,
        text_start=0,
        text_end=len(body),
    )


def _by_judging() -> float:
    """Seconds that judging an article by itself takes."""
    measure = Yardstick(parse_topics(SHIPPED_TOPICS.read_text("utf-8"), SHIPPED_TOPICS.name))
    texts = list(bodies(SAMPLE_OF_LSH))
    now = datetime.now(UTC)
    started = time.perf_counter()
    for body in texts:
        assess(
            measure,
            title=TITLE,
            body=body,
            published_at=now,
            lang="eng",
            concepts="[]",
            categories="[]",
            meaning=None,
        )
    return (time.perf_counter() - started) / SAMPLE_OF_LSH


def _by_lsh() -> float:
    """Seconds that datasketch takes for an article: its sketch, the query, the insertion."""
    # It brings SciPy, which all who share something with this module would load.
    from datasketch import MinHash, MinHashLSH

    texts = [body.split() for body in bodies(SAMPLE_OF_LSH)]
    index = MinHashLSH(threshold=_THRESHOLD, num_perm=_PERMUTATIONS)
    started = time.perf_counter()
    for number, words in enumerate(texts):
        sketch = MinHash(num_perm=_PERMUTATIONS)
        runs = {" ".join(run) for run in zip(words, words[1:], words[2:], strict=False)}
        sketch.update_batch([run.encode() for run in runs])
        index.query(sketch)
        index.insert(str(number), sketch)
    return (time.perf_counter() - started) / SAMPLE_OF_LSH


def _by_all_pairs() -> float:
    """Seconds for one comparison of two texts."""
    texts = [prepare(body) for body in bodies(SAMPLE_OF_PAIRS)]
    started = time.perf_counter()
    count = 0
    for one, other in itertools.combinations(texts, 2):
        compare(one, other)
        count += 1
    return (time.perf_counter() - started) / count
