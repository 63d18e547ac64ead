"""A text costs no more than its length, whatever it is made of, in any stage."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import newsapi_dentsu
from newsapi_dentsu.domain.assessment import assess
from newsapi_dentsu.domain.record import MAX_RECORD_LENGTH
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.text import clean_text
from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.warehouse.tables import final, processed, raw
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases, disconnect
from support.parts import first_quick
from support.processing import broken_promises, process, store
from support.tables import column, count

TOPICS = parse_topics(
    (Path(newsapi_dentsu.__file__).parent / "topics.yaml").read_text("utf-8"), "topics.yaml"
)
SECONDS = 2.0
LENGTH = MAX_RECORD_LENGTH - 20_000
"""Two megabytes in bytes: a record that is longer in characters makes no article."""


def drawn(numbers: range, count: int) -> list[int]:
    """Numbers by chance, the same ones each time."""
    return random.Random(7).choices(numbers, k=count)


TEXTS: dict[str, Callable[[], str]] = {
    "marks": lambda: "a" + "\u0315\u0300" * (LENGTH // 2),
    "double marks": lambda: "a" + "\u0344\u0315" * (LENGTH // 2),
    "marks by compatibility": lambda: "a" + "\u0300\uff9e" * (LENGTH // 2),
    "ampersands": lambda: "&" * LENGTH,
    "number signs": lambda: "&#" * (LENGTH // 2),
    "nested escapes": lambda: "&" + "amp;" * (LENGTH // 4),
    "escaped marks": lambda: "a" + "&#789;&#768;" * (LENGTH // 12),
    "less-than signs": lambda: "<" * LENGTH,
    "nested tags": lambda: "<div>" * (LENGTH // 5),
    "one word": lambda: "a" * LENGTH,
    "digits": lambda: "7" * LENGTH,
    "white space": lambda: " \u00a0\u2028" * (LENGTH // 3),
    "words and spaces": lambda: "a b " * (LENGTH // 4),
    "prices": lambda: "$1 " * (LENGTH // 3),
    "prices behind": lambda: "1 € " * (LENGTH // 4),
    "grouped digits": lambda: "1,234" * (LENGTH // 5),
    "capitals": lambda: "ABC DEF " * (LENGTH // 8),
    "sentences": lambda: "A. " * (LENGTH // 3),
    "bidirectional": lambda: "\u202e\u05d0\u202c" * (LENGTH // 3),
    "hangul": lambda: "\u1100\u1161\u11a8" * (LENGTH // 3),
    "emoji": lambda: "\U0001f468\u200d\U0001f469\u200d" * (LENGTH // 4),
    "joiners": lambda: "a\u200c" * (LENGTH // 2),
    "dots": lambda: "a." * (LENGTH // 2),
    "apostrophes": lambda: "a'" * (LENGTH // 2),
    "addresses": lambda: "https://a.example/b?c=d " * (LENGTH // 24),
    "expanding": lambda: "\ufdfa " * (LENGTH // 2),
    "different words": lambda: " ".join(f"{one:x}" for one in drawn(range(16**11), LENGTH // 12)),
    "quotes": lambda: "\u201c'" * (LENGTH // 2),
    "keywords": lambda: "marketing artificial intelligence " * (LENGTH // 34),
    "far apart": lambda: "marketing " * (LENGTH // 20) + "x " * 10 + "openai " * (LENGTH // 15),
    "line breaks": lambda: "Of a b\u2029" * (LENGTH // 7),
    "mojibake": lambda: "Ã©" * (LENGTH // 2),
    "cjk": lambda: "".join(map(chr, drawn(range(0x4E00, 0x9FFF), LENGTH))),
}
"""What makes each text: together they would take a quarter of a gigabyte."""


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Load what is loaded once: models, patterns."""
    text = "Wört und Wört und Wört " * 20
    fields = {"title": "Töst", "lang": "fra", "concepts": "[]", "categories": "[]"}
    assess(Yardstick(TOPICS), body=clean_text(text), published_at=NOON, meaning=None, **fields)


DEAREST = ("less-than signs", "expanding", "marks", "one word", "prices", "emoji", "far apart")
"""Those that cost most, in all (the first two) or in some stage."""


@pytest.mark.parametrize(
    "name",
    [
        *first_quick(DEAREST),
        *(pytest.param(name, marks=pytest.mark.slow) for name in TEXTS if name not in DEAREST),
    ],
)
def test_two_megabytes_of_it_pass_through_every_stage_in_time(
    duckdb_databases: DuckDBDatabases, name: str
) -> None:
    warehouse = duckdb_databases.create().open()
    piece = TEXTS[name]()
    text = piece[: LENGTH * len(piece) // len(piece.encode())]
    at = NOON - timedelta(hours=1)
    good = [record(f"good{n}", at) for n in range(3)]
    store(warehouse, *good)
    process(warehouse, topics=TOPICS)
    started = time.process_time()
    # Beside it one that is nearly the same, so that the two are compared.
    store(warehouse, record("bad", at, body=text), record("similar", at, body=text + " x"))
    process(warehouse, topics=TOPICS)
    seconds = (time.process_time() - started) / 2
    assert seconds < SECONDS
    assert column(warehouse, raw.TABLE, "unusable", "unusable IS NOT NULL") == []
    assert count(warehouse, final.TABLE) + count(warehouse, final.REJECTED) == 5
    assert set(column(warehouse, processed.TABLE, "url")) >= {one["url"] for one in good}
    assert broken_promises(warehouse) == set()
    disconnect(warehouse)
