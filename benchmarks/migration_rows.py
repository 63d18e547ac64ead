"""Articles of 5 KB for the migration benchmark, in the raw table of a DuckDB file."""

import random
import string
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import raw

WORDS, WORDS_A_RECORD = 6_000, 690
BATCH = 15_000


def make_file(path: Path, articles: int) -> int:
    """Make a DuckDB file of so many articles; returns the bytes of their texts.

    The words of an article follow each other as in prose: few of them often, most of them seldom.
    """
    Warehouse(DuckDBEngine(path, memory_limit="1GB", wait=5)).upgrade()
    source = random.Random(1)
    words = [
        "".join(source.choices(string.ascii_lowercase, k=source.randint(2, 11)))
        for _ in range(WORDS)
    ]
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET checkpoint_threshold = '1TB'")
        for name, statement in history.indexes("DuckDB").items():
            connection.execute(history.drop_index(name, statement))
        connection.execute("CREATE TEMP TABLE vocabulary AS SELECT $1::text[] AS words", [words])
        for first in range(1, articles + 1, BATCH):
            last = min(first + BATCH, articles + 1)
            connection.execute(_INSERT, {"first": first, "last": last, "now": datetime.now(UTC)})
        for statement in history.indexes("DuckDB").values():
            connection.execute(statement)
        row = connection.execute(f"SELECT sum(strlen(record)) FROM {raw.TABLE}").fetchone()
    assert row
    return int(row[0])


_INSERT = f"""
INSERT INTO {raw.TABLE} ({", ".join(raw.COLUMNS)})
SELECT i, (8000000000 + i)::text, 1, 'https://adledger.example/' || i,
    'Generative AI in marketing, report ' || i,
    to_timestamp(1700000000 + i * 60.5), to_timestamp(1700000000 + i * 60.5), 'eng', 'news',
    'adledger.example', 'Ad Ledger', false, NULL, NULL, 'newsapi.ai', 'q', $now, md5(i::text),
    '{{"body":"' || array_to_string(list_transform(range({WORDS_A_RECORD}), lambda place:
        vocabulary.words[1 + floor({WORDS} * power(
            (hash(i * 1000 + place) % 1000003) / 1000003.0, 3))::integer]), ' ')
    || '","uri":"' || i || '"}}'
FROM range($first, $last) AS t(i), vocabulary
"""
