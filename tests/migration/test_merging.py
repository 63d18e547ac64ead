"""Merging adds what the target lacks, in the order of time, and the tables still add up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.transfer import merging
from newsapi_dentsu.transfer.merging import Merged, StoredRevision, interleave
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from newsapi_dentsu.warehouse.tables import raw, verdicts
from newsapi_dentsu.warehouse.tables.verdicts import Verdict
from support.api import serving
from support.articles import TOPICS, article, many, record
from support.clock import NOON, Clock
from support.databases import Databases
from support.limits import LIMITS
from support.processing import process, store
from support.tables import column, dump, execute, final_urls, raw_uris, row, watermark


def at(minute: int) -> datetime:
    return datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=minute)


def versions(*contents: tuple[str, int], first: int = 1) -> list[StoredRevision]:
    return [
        StoredRevision(first + place, place + 1, content, at(minute))
        for place, (content, minute) in enumerate(contents)
    ]


def test_an_older_version_comes_before_the_newer_one() -> None:
    both = interleave(versions(("new", 9)), versions(("old", 1), first=100))
    assert (both.renumber, both.add) == ({1: 2}, {100: 1})


def test_a_newer_version_comes_after() -> None:
    both = interleave(versions(("a", 1), ("b", 2)), versions(("a", 1), ("c", 5), first=100))
    assert (both.renumber, both.add) == ({}, {101: 3})


def test_known_contents_are_not_added() -> None:
    both = interleave(versions(("a", 1), ("b", 2)), versions(("b", 3), ("a", 9), first=100))
    assert both.add == {}


_sides = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 30)), max_size=6)


@given(_sides, _sides)
def test_versions_are_numbered_through_and_nothing_is_lost(
    ours: list[tuple[str, int]], theirs: list[tuple[str, int]]
) -> None:
    target, source = versions(*ours), versions(*theirs, first=100)
    both = interleave(target, source)
    numbers = {item.seq: item.version for item in target} | both.renumber | both.add
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    known = {item.record_hash for item in target}
    assert set(both.add) == {item.seq for item in source if item.record_hash not in known}
    order = sorted(numbers, key=numbers.__getitem__)
    assert [seq for seq in order if seq < 100] == [item.seq for item in target]
    assert [seq for seq in order if seq >= 100] == [s.seq for s in source if s.seq in both.add]


def merge(source: Warehouse, target: Warehouse, now: datetime) -> Merged:
    """Merge, and let the stages follow, as the command does."""
    target.upgrade()
    with source.snapshot() as session:
        merged = merging.merge(session, target, lambda _done, _total: None)
    deduplicate(target, now=now)
    group(target, TOPICS, now=now)
    curate(target, now=now)
    return merged


def assert_sound(warehouse: Warehouse, now: datetime) -> None:
    with warehouse.snapshot() as session:
        for audit in AUDITS:
            if audit.blocking:
                finding = audit.examine(session, now, LIMITS)
                assert finding.passed, (audit.name, finding)


@pytest.fixture
def other(databases: Databases, other_warehouse: Warehouse) -> Warehouse:
    return other_warehouse


def test_what_either_side_has_is_there_afterwards(
    warehouse: Warehouse, other: Warehouse, clock: Clock
) -> None:
    old = [a for age in range(4, 8) for a in many(25, at=_day(age), prefix=f"{age}-")]
    both = many(30, at=_day(3), prefix="both-")
    new = [a for age in range(3) for a in many(25, at=_day(age), prefix=f"{age}-")]
    clock.now = _day(3) + timedelta(hours=1)
    with serving([*old, *both], clock=clock) as api:
        api.run(other, lookback_days=10)
    clock.now = NOON
    with serving([*both, *new], clock=clock) as api:
        api.run(warehouse, lookback_days=4)
        mark = watermark(warehouse)
        merged = merge(other, warehouse, clock.now)
        assert (merged.records, merged.added, merged.complete) == (130, 100, True)
        assert len(raw_uris(warehouse)) == len(set(raw_uris(warehouse))) == 205
        assert len(final_urls(warehouse)) == 205
        assert watermark(warehouse) == mark
        assert_sound(warehouse, clock.now)
        # Both searches were whole from where the earlier began.
        assert column(warehouse, "raw.queries", "start_day") == [(NOON - timedelta(days=13)).date()]

        before = dump(warehouse, times=True)
        again = merge(other, warehouse, clock.now)
        assert (again.added, again.complete) == (0, True)
        assert dump(warehouse, times=True) == before

        clock.advance(hours=6)
        assert api.run(warehouse, lookback_days=4).collect.new == 0


def test_of_two_versions_the_later_one_is_shown_whichever_side_had_it(
    warehouse: Warehouse, other: Warehouse, clock: Clock
) -> None:
    first = article("1", at=_day(1), title="First")
    with serving([first], clock=clock) as api:
        api.run(other, lookback_days=2)
    clock.advance(hours=6)
    with serving([article("1", at=_day(1), title="Second")], clock=clock) as api:
        api.run(warehouse, lookback_days=2)
    merged = merge(other, warehouse, clock.now)
    assert (merged.added, merged.complete) == (1, True)
    assert row(warehouse, "final.filtered_news", "1 = 1")["title"] == "Second"
    with warehouse.snapshot() as session:
        found = session.rows(f"SELECT version, title FROM {raw.TABLE} ORDER BY version")
    assert found == [(1, "First"), (2, "Second")]
    assert_sound(warehouse, clock.now)


@pytest.mark.parametrize("returning", ["here", "there", "both"])
def test_a_record_that_came_back_on_either_side_is_shown(
    warehouse: Warehouse, other: Warehouse, returning: str
) -> None:
    def tell(to: Warehouse, *hours: tuple[int, str]) -> None:
        for hour, title in hours:
            store(to, record("1", _day(1), title=title), now=NOON + timedelta(hours=hour))

    tell(other, (0, "A"), (2, "B"), (8, "C"))
    tell(warehouse, (1, "A"), (3, "B"))
    if returning != "there":
        tell(warehouse, (9, "A"))
        deduplicate(warehouse, now=NOON)
    if returning != "here":
        tell(other, (10, "B"))
    shown = "A" if returning == "here" else "B"
    for _ in range(2):
        assert merge(other, warehouse, NOON).complete
        assert column(warehouse, "processed.processed_news", "title") == [shown]
        assert column(warehouse, raw.TABLE, "version") == [1, 2, 3]
        assert_sound(warehouse, NOON)
    tell(warehouse, (11, "D"))
    process(warehouse)
    assert column(warehouse, "processed.processed_news", "title") == ["D"]


def test_what_came_back_to_each_of_two_pages_of_a_uri_is_known_after_merging(
    warehouse: Warehouse, other: Warehouse
) -> None:
    def tell(to: Warehouse, *hours: tuple[int, str, str]) -> None:
        for hour, title, page in hours:
            told = record("1", _day(1), title=title, url=f"https://{page}.example/x")
            store(to, told, now=NOON + timedelta(hours=hour))

    first = (0, "A", "a"), (1, "B", "a"), (2, "C", "c"), (3, "D", "c")
    tell(other, *first, (4, "A", "a"))
    tell(warehouse, *first, (5, "C", "c"), (6, "E", "e"))
    shown = ["A", "C", "E"]
    for _ in range(2):
        assert merge(other, warehouse, NOON).complete
        assert column(warehouse, "processed.processed_news", "title") == shown
        assert_sound(warehouse, NOON)
    deduplicate(warehouse, now=NOON, full_refresh=True)
    assert column(warehouse, "processed.processed_news", "title") == shown


def test_of_what_people_said_the_later_word_counts(warehouse: Warehouse, other: Warehouse) -> None:
    def say(where: Warehouse, name: str, hour: int, *, belongs: bool) -> None:
        when = NOON + timedelta(hours=hour)
        said = Verdict(name, '["AI"]', name, belongs, "", "", "", "[]", "[]", None, "jo", when)
        with where.transaction() as session:
            verdicts.save(session, [said])

    for name, ours, theirs in (("a", 1, 2), ("b", 2, 1)):
        say(warehouse, name, ours, belongs=True)
        say(other, name, theirs, belongs=False)
    say(other, "c", 0, belongs=False)
    for _ in range(2):
        merge(other, warehouse, NOON)
        with warehouse.snapshot() as session:
            found = {one.article_id: one.belongs for one in verdicts.verdicts(session)}
        assert found == {"a": False, "b": True, "c": False}


def test_sandbox_articles_are_not_merged_with_real_ones(
    warehouse: Warehouse, other: Warehouse, clock: Clock
) -> None:
    with serving([article("1", at=_day(1))], clock=clock) as api:
        api.run(warehouse, lookback_days=2)
        api.run(other, lookback_days=2)
    execute(other, f"UPDATE {raw.TABLE} SET origin = 'newsapi.ai'")
    with pytest.raises(WarehouseError, match="must not be mixed"):
        merge(other, warehouse, clock.now)


def _day(age: int) -> datetime:
    return NOON - timedelta(days=age, hours=2)
