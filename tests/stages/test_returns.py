"""Raw holds each distinct record once, whatever comes back; what was seen last is shown."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed, raw, returns
from support.articles import body, record
from support.clock import NOON
from support.databases import Databases, fresh
from support.examples import costly
from support.processing import broken_promises, process, store
from support.tables import NUMBERS, column, count, dump, row

HOUR = timedelta(hours=1)


def version(title: str, uri: str = "1", **fields: Any) -> dict[str, Any]:
    return record(uri, NOON - timedelta(days=1), title=title, **fields)


def shown(warehouse: Warehouse, uri: str = "1") -> tuple[str, int]:
    article = row(warehouse, final.TABLE, f"url = 'https://adledger.example/{uri}'")
    return article["title"], article["version"]


def test_of_two_records_with_one_uri_on_a_page_both_are_stored(warehouse: Warehouse) -> None:
    page = [
        version("One"),
        version("Two"),
        version("Two"),
        version("Other", url="https://b.example/x"),
    ]
    assert store(warehouse, *page) == raw.Stored(new=1, changed=2, known=1, unusable=0)
    assert store(warehouse, *page, now=NOON + HOUR) == raw.Stored(0, 0, 4, 0)
    process(warehouse)
    assert column(warehouse, raw.TABLE, "version") == [1, 2, 3]
    assert column(warehouse, processed.TABLE, "title") == ["Other", "Two"]
    assert broken_promises(warehouse) == set()


@pytest.mark.parametrize("processed_each_time", [True, False])
def test_records_in_turn_fill_nothing_and_the_last_is_shown(
    warehouse: Warehouse, processed_each_time: bool
) -> None:
    for number, title in enumerate(["A", "B", "A", "B", "A"]):
        now = NOON + number * HOUR
        stored = store(warehouse, version(title, sim=number / 10), now=now)
        assert (stored.new + stored.changed, stored.known) == ((1, 0) if number < 2 else (0, 1))
        if processed_each_time:
            process(warehouse, now)
            assert shown(warehouse) == (title, number + 1)
            assert row(warehouse, final.TABLE, "1 = 1")["updated_at"] == now
    process(warehouse, NOON + 9 * HOUR)
    assert shown(warehouse) == ("A", 5)
    assert (count(warehouse, raw.TABLE), count(warehouse, returns.TABLE)) == (2, 2)
    assert broken_promises(warehouse) == set()


def test_a_return_without_another_text_is_no_new_version(warehouse: Warehouse) -> None:
    for number, sentiment in enumerate([0.1, 0.2, 0.1]):
        store(warehouse, version("A", sentiment=sentiment), now=NOON + number * HOUR)
        process(warehouse, NOON + number * HOUR)
    assert row(warehouse, final.TABLE, "1 = 1")["sentiment"] == 0.1
    assert shown(warehouse) == ("A", 1)


def test_a_new_record_after_a_return_is_shown(warehouse: Warehouse) -> None:
    for number, title in enumerate(["A", "B", "A", "C", "B"]):
        store(warehouse, version(title), now=NOON + number * HOUR)
        process(warehouse, NOON + number * HOUR)
        assert shown(warehouse) == (title, number + 1)
    assert column(warehouse, raw.TABLE, "version") == [1, 2, 4]


def test_two_records_that_one_run_lists_on_different_pages_don_t_take_turns(
    warehouse: Warehouse,
) -> None:
    told = []
    for number in range(4):
        now = NOON + number * HOUR
        store(warehouse, version("A"), now=now)
        store(warehouse, version("B"), now=now)
        process(warehouse, now)
        told.append(shown(warehouse))
    assert len(set(told[1:])) == 1
    assert count(warehouse, raw.TABLE) == 2


def test_a_return_is_known_after_a_full_refresh(warehouse: Warehouse) -> None:
    for number, title in enumerate(["A", "B", "A"]):
        store(warehouse, version(title), now=NOON + number * HOUR)
    process(warehouse, full_refresh=True)
    before = row(warehouse, processed.TABLE, "1 = 1")
    assert before["title"] == "A"
    process(warehouse, NOON + HOUR, full_refresh=True)
    assert row(warehouse, processed.TABLE, "1 = 1") == before


@pytest.mark.parametrize("processed_each_time", [True, False])
def test_a_uri_that_goes_to_and_fro_between_pages_leaves_each_as_it_was_seen_last(
    warehouse: Warehouse, processed_each_time: bool
) -> None:
    story, other = "https://adledger.example/1", "https://adledger.example/2"
    turns = [("A", story), ("B", story), ("C", other), ("A", story), ("C", other)]
    for number, (title, url) in enumerate(turns):
        store(warehouse, version(title, url=url, body=body(url)), now=NOON + number * HOUR)
        if processed_each_time:
            process(warehouse, NOON + number * HOUR)
    process(warehouse, NOON + 8 * HOUR)
    # What came back to a page from another page changed nothing there.
    assert (shown(warehouse, "1"), shown(warehouse, "2")) == (("A", 2), ("C", 1))
    store(warehouse, version("A", url=story, body=body(story)), now=NOON + 9 * HOUR)
    assert process(warehouse, NOON + 9 * HOUR)[1].changed == 0
    assert (count(warehouse, raw.TABLE), broken_promises(warehouse)) == (3, set())


ODD_URIS = [
    *(None, "", " ", "\t\n", "\u200b", True, False, 1.5, [], ["a"], {}, {"a": 1}, float("nan")),
    *("x" * 201, "x" * 100_000, 10**200, 10**251, -(10**251), "\x00"),
]


@pytest.mark.parametrize("uri", ODD_URIS, ids=lambda uri: ascii(uri)[:12])
def test_what_can_be_no_identity_gets_one_and_says_so(uri: Any) -> None:
    records = [read_record({**version(title), "uri": uri}, NOON) for title in ("One", "Two")]
    assert [one.uri for one in records] == [f"content:{one.record_hash}" for one in records]
    assert all("uri" in one.problems for one in records)
    assert records[0].uri != records[1].uri


def test_numbers_that_begin_alike_are_told_apart(warehouse: Warehouse) -> None:
    # Of the same page: 201 digits, of which the first 200 were once an identity.
    page = [{**version("A"), "uri": 10**250 + n, "url": f"https://a.example/{n}"} for n in range(9)]
    assert store(warehouse, *page).new == 9
    assert store(warehouse, {**version("A"), "uri": 12}).new == 1
    assert column(warehouse, raw.TABLE, "uri", "length(uri) < 9") == ["12"]


records = st.builds(
    lambda uri, title, url: {**version(title, url=f"https://a.example/{url}"), "uri": uri},
    st.sampled_from(["a", "b", True, None, 10**250]),
    st.sampled_from("ABC"),
    st.integers(0, 1),
)


@costly(8)
@given(pages=st.lists(st.lists(records, min_size=1, max_size=6), min_size=1, max_size=6))
def test_every_record_ever_received_is_in_raw_once(
    databases: Databases, pages: list[list[dict[str, Any]]]
) -> None:
    with fresh(databases) as warehouse:
        received: set[tuple[str, str]] = set()
        for number, page in enumerate(pages):
            now = NOON + number * HOUR
            stored = store(warehouse, *page, now=now)
            distinct = {(one.uri, one.record_hash) for one in (read_record(r, now) for r in page)}
            assert stored.new + stored.changed == len(distinct - received)
            assert stored.known == len(page) - stored.new - stored.changed
            received |= distinct
            process(warehouse, now)
            assert broken_promises(warehouse) == set()
        with warehouse.snapshot() as session:
            kept = session.rows(f"SELECT uri, record_hash FROM {raw.TABLE}")
        assert sorted(kept) == sorted(received)
        tables = (processed.TABLE, processed.OUTCOMES, final.TABLE)
        made = dump(warehouse, *tables, skip=NUMBERS)
        process(warehouse, full_refresh=True)
        assert dump(warehouse, *tables, skip=NUMBERS) == made
