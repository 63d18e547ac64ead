"""The audits hold on sound tables, and each fails when its own promise is broken."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from newsapi_dentsu.domain.listing import DayListing
from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.audit import AUDITS, Audit, AuditResult
from newsapi_dentsu.warehouse.tables import final, positions, processed, raw
from support.articles import record
from support.clock import NOON
from support.limits import LIMITS
from support.processing import broken_promises, process, store
from support.tables import execute

ACCOUNTED_RECORDS = (processed.TABLE, "every_record_accounted_for")
ACCOUNTED_ARTICLES = (final.TABLE, "every_article_accounted_for")


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    """Tables with every kind of row in them."""
    store(
        warehouse,
        record("1", NOON),
        record("2", NOON),
        {**record("1", NOON), "uri": "twin", "url": "http://www.adledger.example/1/"},
        record("junk", NOON, body=""),
        record("bad", NOON, url=None),
    )
    store(warehouse, record("2", NOON, title="Changed"), now=NOON + timedelta(hours=1))
    process(warehouse)
    return warehouse


def test_all_audits_hold_on_sound_tables(filled: Warehouse) -> None:
    assert broken_promises(filled) == set()


def test_all_audits_hold_on_empty_tables(warehouse: Warehouse) -> None:
    assert broken_promises(warehouse) == set()


def test_all_audits_hold_while_articles_wait_to_be_judged(filled: Warehouse) -> None:
    store(filled, record("3", NOON), record("1", NOON, title="Changed too"))
    assert broken_promises(filled) == set()
    from newsapi_dentsu.stages.deduplicate import deduplicate

    deduplicate(filled, now=NOON)
    assert broken_promises(filled) == set()


BREACHES: dict[str, tuple[str, tuple[str, str]]] = {
    "an outcome is lost": (
        f"DELETE FROM {processed.OUTCOMES} WHERE outcome = 'url_twin'",
        ACCOUNTED_RECORDS,
    ),
    "a raw row is lost": (f"DELETE FROM {raw.TABLE} WHERE uri = 'bad'", ACCOUNTED_RECORDS),
    "an article is two records'": (
        f"UPDATE {processed.OUTCOMES} SET outcome = 'article' WHERE outcome = 'superseded'",
        ACCOUNTED_RECORDS,
    ),
    "a final row is lost": (
        f"DELETE FROM {final.TABLE} WHERE title = 'Changed'",
        ACCOUNTED_ARTICLES,
    ),
    "a rejection is lost": (f"DELETE FROM {final.REJECTED}", ACCOUNTED_ARTICLES),
    "a final row has no title": (
        f"UPDATE {final.TABLE} SET title = '' WHERE title = 'Changed'",
        (final.TABLE, "no_nulls"),
    ),
    "a final row has no body": (
        f"UPDATE {final.TABLE} SET body = '' WHERE title = 'Changed'",
        (final.TABLE, "no_nulls"),
    ),
    "a processed row has no hash": (
        f"UPDATE {processed.TABLE} SET text_hash = '' WHERE title = 'Changed'",
        (processed.TABLE, "no_nulls"),
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_broken_promise_is_found(filled: Warehouse, breach: str) -> None:
    statement, promise = BREACHES[breach]
    execute(filled, statement)
    assert promise in broken_promises(filled)


@pytest.mark.parametrize("table", [processed.TABLE, final.TABLE])
def test_a_url_that_stands_twice_is_found(filled: Warehouse, table: str) -> None:
    index = "idx_processed_url" if table == processed.TABLE else "idx_final_url"
    execute(filled, f"DROP INDEX {table.split('.')[0]}.{index}")
    execute(filled, f"UPDATE {table} SET url = 'https://a.example/'")
    assert (table, "unique_urls") in broken_promises(filled)


def test_a_processed_row_that_nobody_accounts_for_is_found(filled: Warehouse) -> None:
    execute(filled, f"DELETE FROM {processed.TABLE} WHERE title = 'Changed'")
    assert broken_promises(filled) == {ACCOUNTED_RECORDS, ACCOUNTED_ARTICLES}


def audit(name: str) -> Audit:
    (found,) = [one for one in AUDITS if one.name == name]
    return found


def examine(warehouse: Warehouse, name: str) -> AuditResult:
    with warehouse.snapshot() as session:
        return audit(name).examine(session, NOON, LIMITS)


def begin(warehouse: Warehouse, totals: dict[date, int], through: timedelta) -> None:
    """Pretend that these days were read, up to a moment before now."""
    with warehouse.transaction() as session:
        raw.activate_query(session, "q", definition="{}", start_day=min(totals), now=NOON)
        for day, total in totals.items():
            raw.save_day_listing(
                session, "q", day, DayListing(total, complete_at=day_start(day)), None
            )
        raw.advance_watermark(session, "q", NOON - through)
        positions.set_position(session, positions.CURATED, 1)


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (12, True), (13, False), (100, False)])
def test_freshness_is_two_intervals_of_the_schedule(
    warehouse: Warehouse, age: int, fresh: bool
) -> None:
    begin(warehouse, {NOON.date(): 1}, timedelta(hours=age))
    assert examine(warehouse, "fresh").passed is fresh


def test_tables_that_were_never_filled_are_not_fresh(warehouse: Warehouse) -> None:
    assert not examine(warehouse, "fresh").passed


@pytest.mark.parametrize(
    ("yesterday", "usual"), [(100, True), (25, True), (24, False), (0, False), (401, False)]
)
def test_a_volume_far_from_the_usual_is_found(
    warehouse: Warehouse, yesterday: int, usual: bool
) -> None:
    days = {NOON.date() - timedelta(days=age): 100 for age in range(2, 12)}
    begin(warehouse, {**days, NOON.date() - timedelta(days=1): yesterday}, timedelta())
    assert examine(warehouse, "usual_volume").passed is usual


@pytest.mark.parametrize(
    "totals", [{}, {2: 100, 3: 100, 4: 100, 5: 100}, dict.fromkeys(range(2, 12), 3)]
)
def test_few_days_or_few_articles_are_no_measure(
    warehouse: Warehouse, totals: dict[int, int]
) -> None:
    days = {NOON.date() - timedelta(days=age): total for age, total in totals.items()}
    begin(warehouse, {**days, NOON.date() - timedelta(days=1): 0}, timedelta())
    assert examine(warehouse, "usual_volume").passed


def test_every_audit_has_a_promise_and_a_table() -> None:
    assert len({(one.table, one.name) for one in AUDITS}) == len(AUDITS)
    assert {one.table for one in AUDITS} == {raw.TABLE, processed.TABLE, final.TABLE}
    checks: list[Callable[..., AuditResult]] = [one.examine for one in AUDITS]
    assert len(set(checks)) == len(AUDITS)
