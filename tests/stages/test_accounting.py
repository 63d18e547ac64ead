"""Every record can be explained: raw = processed + superseded + twins + unusable, and so on."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.stages import curate as curating
from newsapi_dentsu.stages import deduplicate as deduplicating
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed, raw
from support.articles import record
from support.clock import NOON
from support.databases import Databases, fresh
from support.examples import costly
from support.processing import broken_promises, process, store
from support.tables import column, count, dump

URLS = st.sampled_from(
    [
        "https://a.example/1",
        "http://www.a.example/1/",
        "https://a.example/2",
        "https://a.example/3?utm_source=x",
        "https://a.example/3",
        "not a url",
        None,
    ]
)


@st.composite
def any_record(draw: st.DrawFn) -> Any:
    at = NOON - timedelta(hours=draw(st.integers(0, 50)))
    return record(
        draw(st.sampled_from("abcdefgh")),
        at,
        url=draw(URLS),
        title=draw(st.sampled_from(["One", "Two", "", "[Removed]"])),
        body=draw(st.sampled_from(["First text.", "Second text.", "", None])),
        lang=draw(st.sampled_from(["eng", "eng", "deu", None])),
        dateTimePub=draw(
            st.sampled_from(["2026-11-19T00:00:00Z", "2026-11-18T00:00:00Z", "1970-01-01", None])
        ),
    )


streams = st.lists(st.lists(any_record(), min_size=1, max_size=5), min_size=1, max_size=5)


def assert_accounted_for(warehouse: Warehouse) -> None:
    outcomes = column(warehouse, processed.OUTCOMES, "outcome")
    assert count(warehouse, raw.TABLE) == len(outcomes)
    assert set(outcomes) <= {"article", "superseded", "url_twin", "unusable"}
    assert outcomes.count("article") == count(warehouse, processed.TABLE)
    assert column(warehouse, raw.TABLE, "seq") == column(warehouse, processed.OUTCOMES, "raw_seq")
    kept = column(warehouse, final.TABLE, "article_id")
    rejected = column(warehouse, final.REJECTED, "article_id")
    assert sorted(kept + rejected) == column(warehouse, processed.TABLE, "article_id")
    assert broken_promises(warehouse) == set()


@costly(8)
@given(stream=streams, batch=st.integers(1, 4), data=st.data())
def test_every_record_of_any_stream_is_accounted_for_after_each_run(
    databases: Databases, stream: list[list[Any]], batch: int, data: st.DataObject
) -> None:
    with fresh(databases) as warehouse:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deduplicating, "BATCH_ROWS", batch)
            patch.setattr(curating, "BATCH_ROWS", batch)
            for number, page in enumerate(stream):
                now = NOON + timedelta(hours=number)
                store(warehouse, *page, now=now)
                if data.draw(st.booleans()):
                    process(warehouse, now)
                    assert_accounted_for(warehouse)
            process(warehouse)
        assert_accounted_for(warehouse)


@costly(5)
@given(stream=streams, batch=st.integers(1, 4), data=st.data())
def test_a_full_refresh_after_any_history_changes_nothing(
    databases: Databases, stream: list[list[Any]], batch: int, data: st.DataObject
) -> None:
    with fresh(databases) as warehouse:
        for number, page in enumerate(stream):
            now = NOON + timedelta(hours=number)
            store(warehouse, *page, now=now)
            if data.draw(st.booleans()):
                process(warehouse, now)
        process(warehouse, NOON)
        before = dump(
            warehouse, processed.TABLE, processed.OUTCOMES, final.TABLE, final.REJECTED, times=True
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deduplicating, "BATCH_ROWS", batch)
            patch.setattr(curating, "BATCH_ROWS", batch)
            process(warehouse, NOON + timedelta(days=9), full_refresh=True)
        after = dump(warehouse, *before, times=True)
        assert after == before


@costly(5)
@given(stream=streams, data=st.data())
def test_tables_built_run_by_run_equal_tables_built_at_once(
    databases: Databases, stream: list[list[Any]], data: st.DataObject
) -> None:
    with fresh(databases) as step_by_step, fresh(databases) as at_once:
        for number, page in enumerate(stream):
            now = NOON + timedelta(hours=number)
            store(step_by_step, *page, now=now)
            store(at_once, *page, now=now)
            if data.draw(st.booleans()):
                process(step_by_step, now)
        process(step_by_step)
        process(at_once)
        tables = (processed.TABLE, processed.OUTCOMES, final.TABLE, final.REJECTED)
        skip = {"change_seq"}
        assert dump(step_by_step, *tables, skip=skip) == dump(at_once, *tables, skip=skip)


def test_large_texts_make_small_batches(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deduplicating, "BATCH_CHARACTERS", 1500)
    monkeypatch.setattr(curating, "BATCH_CHARACTERS", 300)
    store(warehouse, *(record(f"{n}", NOON, body="x" * 200 * n) for n in range(1, 9)))
    process(warehouse)
    assert count(warehouse, final.TABLE) == 8
    assert_accounted_for(warehouse)
