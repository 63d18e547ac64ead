"""What the rows of the tables declare is what the schema's history makes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema.inspection import structure
from newsapi_dentsu.warehouse.tables import assessments, embeddings, final, processed, returns, tone
from newsapi_dentsu.warehouse.tables.rows import BigInt, columns_of

pytestmark = pytest.mark.each_engine

DECLARED = {
    processed.TABLE: processed.COLUMNS,
    processed.OUTCOMES: columns_of(processed.RecordOutcome),
    assessments.TABLE: assessments.COLUMNS,
    final.TABLE: final.COLUMNS,
    final.REJECTED: final.REJECTED_COLUMNS,
    returns.TABLE: returns.COLUMNS,
    embeddings.TABLE: embeddings.COLUMNS,
    tone.MENTIONS: tone.MENTION_COLUMNS,
    tone.TARGETS: tone.TARGET_COLUMNS,
    tone.ARTICLES: tone.ARTICLE_COLUMNS,
}
TYPES = {"float8": "double precision", "timestamptz": "timestamp with time zone"}


@pytest.mark.parametrize("table", DECLARED)
def test_a_table_has_the_columns_that_its_rows_declare(warehouse: Warehouse, table: str) -> None:
    with warehouse.snapshot() as session:
        made = structure(session).columns[table]

    declared = {name.lower(): TYPES.get(type_, type_) for name, type_ in DECLARED[table].items()}
    assert {name: type_ for name, (type_, _) in made.items()} == declared


def test_types_follow_from_the_fields() -> None:
    @dataclass
    class Row:
        name: str
        size: BigInt
        count: int | None
        share: float
        seen: bool | None
        published_at: datetime | None
        role: Literal["one", "other"]

    assert columns_of(Row) == {
        "name": "text",
        "size": "bigint",
        "count": "integer",
        "share": "float8",
        "seen": "boolean",
        "publishedAt": "timestamptz",
        "role": "text",
    }
