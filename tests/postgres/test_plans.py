"""Statements are planned for the values at hand, and for the rows that are there."""

from datetime import timedelta

from newsapi_dentsu.warehouse.engines.base import Session, one
from newsapi_dentsu.warehouse.tables import assessments, text_bands
from support.articles import body, record
from support.clock import NOON
from support.processing import process, store
from support.tables import count, execute

from .conftest import Open


def test_a_statement_executed_often_is_not_planned_for_any_values(opened: Open) -> None:
    warehouse = opened()
    warehouse.upgrade()

    def often(session: Session) -> tuple[int, int]:
        for number in range(20):
            session.rows("SELECT band FROM processed.text_bands WHERE article_id = $1", str(number))
        prepared = "FROM pg_prepared_statements WHERE statement LIKE '%text_bands%'"
        return (
            one(session, f"SELECT count(*) {prepared}"),
            one(session, f"SELECT sum(generic_plans)::integer {prepared}"),
        )

    assert warehouse.read(often) == (1, 0)


def test_grouping_gets_through_days_that_the_database_has_not_seen_before(opened: Open) -> None:
    warehouse = opened(statement_timeout=15)
    warehouse.upgrade()
    for first, stories_told in ((0, 300), (365, 2_000)):
        store(
            warehouse,
            *(
                record(f"{first}-{number}", at, body=body(f"{first}-{number}"))
                for number in range(stories_told)
                if (at := NOON - timedelta(days=first) - timedelta(minutes=30 * number))
            ),
        )
        process(warehouse)
        execute(warehouse, f"ANALYZE {text_bands.BANDS}")
    # Without the bands of the days long gone, which are made again, and with what is known now.
    process(warehouse, full_refresh=True)
    assert count(warehouse, assessments.TABLE) == 2_300
