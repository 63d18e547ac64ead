"""Articles to read and search, put straight into the tables that readers see."""

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, insert
from newsapi_dentsu.warehouse.tables import assessments, final, positions, processed

VOCABULARY = 60_000
WORDS = 300
SOURCES = 800
BATCH = 5_000
TEXTS = 50_000
"""Articles whose texts are made up; of more, those before repeat them under names of their own."""

SPAN = timedelta(days=730)
_TABLES = {
    final.TABLE: final.COLUMNS,
    processed.TABLE: processed.COLUMNS,
    assessments.TABLE: assessments.COLUMNS,
}
_NAMING = ("article_id", "story_id", "reference_id", "text_hash")
_MOMENTS = ("publishedAt", "first_published_at", "fetched_at", "updated_at", "indexed_at")
NEWEST = datetime(2026, 11, 28, 20, tzinfo=UTC)


def vocabulary() -> list[str]:
    """Made-up words; the first ones are the frequent ones."""
    source = random.Random(1)
    syllables = [c + v for c in "bcdfghjklmnpqrstvwz" for v in "aeiou"]
    words = dict.fromkeys(
        "".join(source.choices(syllables, k=source.randint(1, 5))) for _ in range(2 * VOCABULARY)
    )
    return list(words)[:VOCABULARY]


def fill(warehouse: Warehouse, articles: int, first: int = 0, newest: datetime = NEWEST) -> None:
    """Add articles, a story each but for every tenth, which a copy elsewhere tells again.

    Their words follow Zipf's law, as those of prose do: the most frequent ones are in nearly every
    article, most of them in a few. They are spread evenly over two years up to `newest`. Of many,
    the newest ones are made up, and those before repeat their texts.

    Args:
        warehouse: an empty one, or one filled up to `first`.
        articles: how many there are to be in the end.
        first: how many there are.
        newest: when the last one is published.
    """
    words = vocabulary()
    weights = [1 / (rank + 2) for rank in range(len(words))]
    totals = [sum(weights[:1])]
    for weight in weights[1:]:
        totals.append(totals[-1] + weight)
    source = random.Random(first)
    times = -(-(articles - first) // TEXTS)
    each = (articles - first) // times
    begin = articles - each
    for start in range(begin, articles, BATCH):
        numbers = range(start, min(start + BATCH, articles))
        rows = [_article(number, articles, words, totals, source, newest) for number in numbers]
        _store(warehouse, rows)
    for before in range(1, times):
        _repeat(warehouse, begin, before, each, SPAN * (each / articles) * before)


def _article(
    number: int,
    articles: int,
    words: list[str],
    totals: list[float],
    source: random.Random,
    newest: datetime,
) -> dict[str, Any]:
    at = newest - SPAN * ((articles - number) / articles)
    chosen = source.choices(words, cum_weights=totals, k=WORDS)
    site = int(SOURCES * source.random() ** 2)
    concepts = source.choices(words[100:], cum_weights=totals[100:], k=4)
    article_id = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return {
        "article_id": article_id,
        "url": f"https://site{site}.example/{number}",
        "link": f"https://site{site}.example/{number}",
        "title": " ".join(chosen[:9]).capitalize(),
        "body": " ".join(chosen[9:]),
        "publishedAt": at,
        "first_published_at": at,
        "source_name": f"Site {site}",
        "source_uri": f"site{site}.example",
        "lang": "eng" if number % 9 else "deu",
        "data_type": "news",
        "authors": "[]",
        "sentiment": 0.1,
        "concepts": json.dumps(
            [
                {"uri": f"c/{word}", "type": "wiki", "score": 3, "label": word}
                for word in dict.fromkeys(concepts)
            ]
        ),
        "categories": "[]",
        "version": 1,
        "origin": "sandbox",
        "fetched_at": at,
        "story_id": article_id,
        "duplicate_count": int(number % 10 == 0),
        "other_sources": "[]",
        "relevance": source.random(),
        "topic_relevance": json.dumps({"AI": source.random(), "Marketing": source.random()}),
        "flags": "[]",
        "updated_at": at,
        "change_seq": number + 1,
        "indexed_at": at,
        "is_duplicate": False,
        "text_hash": article_id,
        "raw_seq": number + 1,
        "role": "original",
    }


def _copies(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield row
        if row["duplicate_count"]:
            later = row["publishedAt"] + timedelta(hours=3)
            yield row | {
                "article_id": "c" + row["article_id"],
                "url": row["url"] + "/copy",
                "publishedAt": later,
                "source_uri": "copies.example",
                "role": "copy",
                "reference_id": row["article_id"],
            }


def _store(warehouse: Warehouse, rows: list[dict[str, Any]]) -> None:
    members = list(_copies(rows))

    def of(columns: dict[str, str], told: list[dict[str, Any]]) -> list[Row]:
        return [tuple(row.get(name) for name in columns) for row in told]

    with warehouse.transaction() as session:
        for table, columns in _TABLES.items():
            told = rows if table == final.TABLE else members
            insert(session, table, columns, of(columns, told))
        positions.set_position(session, final.CHANGES_SEQUENCE, rows[-1]["change_seq"])


def _repeat(warehouse: Warehouse, begin: int, before: int, each: int, earlier: timedelta) -> None:
    """Store the articles from number `begin` on once more, as others that were published before.

    Args:
        warehouse: has them already.
        begin: how many there are before them.
        before: how many times they are repeated, with this time.
        each: how many there are.
        earlier: how much earlier those are published.
    """
    changes = {
        **{name: f"md5({name} || '{before}')" for name in _NAMING},
        **{name: f"{name} || '/{before}'" for name in ("url", "link")},
        **{name: f"{name} - {before * each}" for name in ("change_seq", "raw_seq")},
        **{name: f"{name} - INTERVAL '{earlier.total_seconds()} seconds'" for name in _MOMENTS},
    }
    with warehouse.transaction() as session:
        for table, columns in _TABLES.items():
            told = ", ".join(changes.get(name, name) for name in columns)
            session.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {told} FROM {table} WHERE change_seq > {begin}"
            )
