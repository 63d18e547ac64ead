"""Statements are planned for the values at hand, also when they are executed many times."""

from newsapi_dentsu.warehouse.engine import Session, one

from .conftest import Open


def test_a_statement_executed_often_is_not_planned_for_any_values(opened: Open) -> None:
    warehouse = opened()
    warehouse.upgrade()

    def often(session: Session) -> tuple[int, int]:
        for number in range(20):
            session.rows(
                "SELECT band FROM processed.text_bands "
                "WHERE article_id IN (SELECT unnest($1::text[]))",
                [str(number)],
            )
        prepared = "FROM pg_prepared_statements WHERE statement LIKE '%text_bands%'"
        return (
            one(session, f"SELECT count(*) {prepared}"),
            one(session, f"SELECT sum(generic_plans)::integer {prepared}"),
        )

    assert warehouse.read(often) == (1, 0)
