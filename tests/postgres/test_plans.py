"""Statements are planned for the values at hand, and for the rows that are there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from newsapi_dentsu.warehouse.engines.base import Row, Session, one
from newsapi_dentsu.warehouse.tables import assessments, final, text_bands, tone
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


def test_articles_with_new_tones_or_none_are_found_by_an_index(opened: Open) -> None:
    warehouse = opened()
    warehouse.upgrade()
    times = "now() - i * INTERVAL '1 minute', now(), now()"
    execute(
        warehouse,
        f"INSERT INTO {final.TABLE} (article_id, url, link, title, body, lang, authors, "
        "concepts, categories, version, origin, publishedAt, fetched_at, updated_at, change_seq) "
        "SELECT i::text, i::text, '', '', repeat('x', 500), 'eng', '[]', '[]', '[]', 1, 'newsapi', "
        f"{times}, i FROM generate_series(1, 5000) AS g(i)",
    )
    execute(
        warehouse,
        f"INSERT INTO {tone.ARTICLES} (article_id, label, model, brands, text_hash, change_seq, "
        "tone_seq) SELECT i::text, 'neutral', 'm@1', 'b', '', i, i "
        "FROM generate_series(1, 5000) AS g(i)",
    )
    execute(warehouse, f"ANALYZE {final.TABLE}")
    execute(warehouse, f"ANALYZE {tone.ARTICLES}")
    span = tone.Span(4990, 5000)

    def plans(session: Session) -> list[str]:
        explained = _Explained(session)
        tone.changed(explained, span, datetime.now(UTC) - timedelta(days=1), 10, 10)
        tone.changed_after(explained, span.after)
        return explained.plans

    found = warehouse.read(plans)
    indexes = ("idx_final_change", "idx_final_change", "idx_tone_seq")
    assert [index in plan for plan, index in zip(found, indexes, strict=True)] == [True] * 3


class _Explained(Session):
    """Plans queries instead of executing them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.plans: list[str] = []

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        planned = self._session.rows(f"EXPLAIN {sql}", *parameters)
        self.plans.append("\n".join(line for (line,) in planned))
        return []

    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        return iter(self.rows(sql, *parameters))

    def execute(self, sql: str, *parameters: object) -> None:
        self.rows(sql, *parameters)
