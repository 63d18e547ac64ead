"""One page under several spellings of its url: one article, whatever the order of arrival."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed
from support.articles import record
from support.databases import Databases, fresh
from support.examples import costly
from support.processing import process, process_in_pieces, store
from support.tables import NUMBERS, Dump, column, dump, row

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
PAGE = "https://adledger.example/story"
SPELLINGS = (
    PAGE,
    "http://adledger.example/story",
    "https://www.adledger.example/story/",
    "https://ADLEDGER.example:443/story#top",
    f"{PAGE}?utm_source=feed&fbclid=1",
)


def twin(number: int, published: float, **fields: Any) -> dict[str, Any]:
    """A record of the page; `published` in hours from the morning, negative ones before it."""
    moment = MORNING + timedelta(hours=published)
    values: dict[str, Any] = {
        "url": SPELLINGS[number % len(SPELLINGS)],
        "title": "The story",
        "body": "Artificial intelligence in marketing.",
        "dateTimePub": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "image": f"https://adledger.example/{number}.jpg",
        **fields,
    }
    return record(f"{number}", MORNING + timedelta(minutes=number), **values)


def test_spellings_of_one_url_are_one_article(warehouse: Warehouse) -> None:
    store(warehouse, *(twin(number, 0) for number in range(len(SPELLINGS))))
    process(warehouse)
    assert column(warehouse, final.TABLE, "url") == [PAGE]
    assert column(warehouse, processed.OUTCOMES, "outcome") == ["article"] + ["url_twin"] * 4


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_of_twins_with_the_same_text_the_earliest_published_wins(
    warehouse: Warehouse, order: tuple[int, ...]
) -> None:
    twins = [twin(0, -1), twin(1, -3), twin(2, -2)]
    for number in order:
        store(warehouse, twins[number])
        process(warehouse)
    stored = row(warehouse, final.TABLE, "1 = 1")
    assert stored["image"] == "https://adledger.example/1.jpg"
    assert stored["publishedAt"] == MORNING - timedelta(hours=3)
    assert stored["version"] == 1


def test_of_texts_the_newest_wins_with_its_date_and_the_earliest_is_kept(
    warehouse: Warehouse,
) -> None:
    store(warehouse, twin(2, -1, body="Newest artificial text."), twin(0, -5, body="Old text."))
    process(warehouse)
    store(warehouse, twin(1, -3, body="Middle text."))
    process(warehouse)
    stored = row(warehouse, final.TABLE, "1 = 1")
    assert stored["body"] == "Newest artificial text."
    assert stored["publishedAt"] == MORNING - timedelta(hours=1)
    assert stored["first_published_at"] == MORNING - timedelta(hours=5)
    assert stored["version"] == 3
    assert column(warehouse, processed.OUTCOMES, "outcome") == [
        "article",
        "superseded",
        "superseded",
    ]


def test_texts_that_differ_in_white_space_and_entities_only_are_the_same(
    warehouse: Warehouse,
) -> None:
    store(warehouse, twin(0, -1, body="Ads &amp; AI\n\n now"), twin(1, -2, body="Ads & AI now"))
    process(warehouse)
    assert row(warehouse, final.TABLE, "1 = 1")["version"] == 1


records = st.lists(
    st.builds(
        twin,
        st.integers(0, 9),
        st.integers(-30, 0),
        body=st.sampled_from(["One text.", "Another text.", "A third."]),
    ),
    min_size=2,
    max_size=6,
    unique_by=lambda one: one["uri"],
)


@costly(5)
@given(data=st.data(), arriving=records)
def test_every_order_of_arrival_gives_the_same_tables(
    databases: Databases, data: st.DataObject, arriving: list[dict[str, Any]]
) -> None:
    seen: list[Dump] = []
    for _ in range(2):
        with fresh(databases) as made:
            process_in_pieces(made, data, arriving)
            seen.append(dump(made, processed.TABLE, final.TABLE, skip=NUMBERS))
            outcomes = dump(made, processed.OUTCOMES, skip=NUMBERS)
            seen[-1][processed.OUTCOMES] = sorted(
                outcomes[processed.OUTCOMES], key=lambda one: str(one["uri"])
            )
    assert seen[0] == seen[1]
