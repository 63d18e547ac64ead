"""After a migration the next run goes on as if nothing had happened."""

from datetime import datetime, timedelta
from pathlib import Path

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from newsapi_dentsu.warehouse.tables import raw
from support.api import serving
from support.articles import TOPICS, article, many
from support.clock import NOON, Clock
from support.databases import DuckDBDatabase
from support.limits import LIMITS
from support.tables import dump, raw_uris, watermark

from .conftest import move, move_back


def test_the_next_run_reads_what_is_new_and_nothing_twice(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, clock: Clock, tmp_path: Path
) -> None:
    articles = [a for age in range(6) for a in many(20, at=_day(age), prefix=f"{age}-")]
    with serving(articles, clock=clock) as api:
        api.run(duckdb, lookback_days=5)
        mark = watermark(duckdb)
        assert move(file, postgres).equal
        assert watermark(postgres) == mark

        clock.advance(hours=6)
        fresh = many(7, at=NOON + timedelta(hours=3), prefix="fresh-")
        late = article("late", at=_day(1), arrives=NOON + timedelta(hours=1))
        api.add(*fresh, late)
        api.searches()
        report = api.run(postgres, lookback_days=5)
        searches = api.searches()
        control = api.run(duckdb, lookback_days=5)
        searches_of_control = api.searches()

    assert report.collect.new == 8
    assert report.deduplicate == control.deduplicate
    assert report.curate == control.curate
    assert report.collect.complete_through == control.collect.complete_through
    assert searches == searches_of_control
    assert len(raw_uris(postgres)) == len(set(raw_uris(postgres))) == 128
    assert dump(postgres, times=True) == dump(duckdb, times=True)
    with postgres.snapshot() as session:
        findings = {audit.name: audit.examine(session, clock.now, LIMITS) for audit in AUDITS}
    assert all(finding.passed for finding in findings.values()), findings

    # And back on a laptop, once more.
    assert move_back(postgres, tmp_path / "back.duckdb").equal
    back = DuckDBDatabase(tmp_path / "back.duckdb").open()
    clock.advance(hours=6)
    with serving([*articles, *fresh, late], clock=clock) as api:
        assert api.run(back, lookback_days=5).collect.new == 0
    assert raw_uris(back) == raw_uris(postgres)


def test_rows_that_wait_for_a_stage_wait_on_the_other_side(
    file: DuckDBDatabase, duckdb: Warehouse, postgres: Warehouse, clock: Clock
) -> None:
    from newsapi_dentsu.stages.curate import curate
    from newsapi_dentsu.stages.deduplicate import deduplicate
    from newsapi_dentsu.stages.group import group
    from newsapi_dentsu.warehouse.tables import positions

    with serving(many(30, at=_day(0)), clock=clock) as api:
        api.collect(duckdb, lookback_days=1)
    assert move(file, postgres).equal
    with postgres.snapshot() as session:
        assert positions.waiting(session, positions.DEDUPLICATED) == 30
    assert deduplicate(postgres, now=clock.now).records == 30
    group(postgres, TOPICS, now=clock.now)
    assert curate(postgres, now=clock.now).added == 30
    assert len(raw_uris(postgres)) == 30
    with postgres.snapshot() as session:
        assert positions.position(session, raw.SEQUENCE) == 30


def _day(age: int) -> datetime:
    return NOON - timedelta(days=age, hours=2)
