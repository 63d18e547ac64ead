"""How the press speaks about watched brands, of late and before, as the tables tell it."""

from datetime import timedelta

from newsapi_dentsu.alerts.table_facts import read_brands
from newsapi_dentsu.domain.alerts.facts import BrandStories
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, tone
from support.articles import record
from support.clock import NOON
from support.processing import process, store
from support.tables import execute


def test_stories_of_late_and_before_are_told_apart_and_each_counts_once(
    warehouse: Warehouse,
) -> None:
    store(
        warehouse,
        *(record(f"{n}", NOON - timedelta(days=days)) for n, days in enumerate((1, 2, 9, 40))),
    )
    process(warehouse)
    with warehouse.snapshot() as session:
        stored = session.rows(f"SELECT article_id, title FROM {final.TABLE}")
    for key, title in stored:
        bad = 1.0 if title in ("Story 0", "Story 1") else 0.0
        told = tone.TargetRow(key, "Nova", "brand", 1, bad, 0.5, 1 - bad, "neutral", "m@1")
        other = tone.TargetRow(key, "Acme", "org", 1, bad, 0.5, 1 - bad, "neutral", "m@1")
        with warehouse.transaction() as session:
            tone.save(
                session,
                [tone.ArticleRow(key, "neutral", 0.0, 1.0, 0.0, "m@1", "b", "h", 1)],
                [told, other],
                [],
            )

    with warehouse.snapshot() as session:
        apart = read_brands(session, 7, NOON)
    execute(
        warehouse, f"UPDATE {final.TABLE} SET story_id = 's' WHERE title IN ('Story 0', 'Story 1')"
    )
    with warehouse.snapshot() as session:
        as_one = read_brands(session, 7, NOON)

    assert apart == (BrandStories("Nova", 2, -1.0, 1, 1.0),)
    assert as_one == (BrandStories("Nova", 1, -1.0, 1, 1.0),)
