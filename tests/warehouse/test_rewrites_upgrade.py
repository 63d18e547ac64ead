"""A database of before rewrites were called so."""

import json

import pytest

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import assessments
from support.databases import Database, disconnect
from support.tables import column

STEP = 10
ASSESSED = (
    "INSERT INTO processed.assessments (article_id, text_hash, flags, relevance, topic_relevance, "
    "story_id, role, change_seq) VALUES ($1, 't', '[]', 0.5, '{}', 'a', $2, 1)"
)
RAN = (
    "INSERT INTO ops.stage_runs VALUES "
    "($1, $2, 1, 'succeeded', '2026-11-20 12:00:00+00', NULL, $3, NULL)"
)


def test_roles_and_reports_of_before_have_the_word_of_today(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse: Warehouse = empty_database.open()
    known = history.migrations()
    with monkeypatch.context() as before:
        before.setattr(
            history, "migrations", lambda: tuple(one for one in known if one.version < STEP)
        )
        before.setattr(history, "indexes", lambda _engine: {})
        warehouse.upgrade()
    with warehouse.transaction() as session:
        for role in ("original", "version", "copy"):
            session.execute(ASSESSED, role, role)
        session.execute(RAN, "r", "group", json.dumps({"originals": 1, "versions": 2}))
        session.execute(RAN, "r", "collect", json.dumps({"versions": 3}))

    warehouse.upgrade()

    assert sorted(column(warehouse, assessments.TABLE, "role")) == ["copy", "original", "rewrite"]
    reports = column(warehouse, "ops.stage_runs", "report")
    assert sorted(reports) == ['{"originals": 1, "rewrites": 2}', '{"versions": 3}']
    disconnect(warehouse)
