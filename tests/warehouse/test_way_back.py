"""After a release that is taken back: the older program on the newer tables.

This code is the older program; the newer one is this code and one more step, which adds whatever an
expanding step may add: columns to every table, a table, an index.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer.files import export, load
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.schema.inspection import differences
from support.api import serving
from support.articles import many
from support.clock import NOON, Clock
from support.databases import Database, disconnect
from support.limits import LIMITS
from support.tables import column, count, dump, execute

LATEST = history.migrations()[-1].version
EXPANDING = re.compile(
    r"CREATE SCHEMA IF NOT EXISTS \w+|CREATE TABLE \w+\.\w+ |CREATE INDEX |INSERT INTO |"
    # PostgreSQL takes it only where the columns of before stay what and where they were.
    r"CREATE OR REPLACE VIEW |"
    r"ALTER TABLE \w+\.\w+ ADD COLUMN \w+ (?!.*NOT NULL(?!.*DEFAULT))",
    re.DOTALL,
)
CREATED = re.compile(r"CREATE TABLE (\w+\.\w+)")
ADDED = re.compile(r"ALTER TABLE (\w+\.\w+) ADD COLUMN (\w+)")
CHANGED = re.compile(r"(?:ALTER TABLE|UPDATE|CREATE UNIQUE INDEX \w+ ON) (\w+\.\w+)")
ASSIGNED = re.compile(r"(?:\bSET|,)\s+(\w+) =")


def not_adding(statements: Sequence[str]) -> list[str]:
    """The statements of a step that change what was there before it.

    What the step itself adds, a table or a column, it may also fill and alter.
    """
    created = {match[1] for statement in statements if (match := CREATED.match(statement))}
    added = {match.groups() for statement in statements if (match := ADDED.match(statement))}

    def adds(statement: str) -> bool:
        if EXPANDING.match(statement):
            return True
        changed = CHANGED.match(statement)
        if changed is None:
            return False
        assigned = ASSIGNED.findall(statement.partition("FROM")[0].partition("WHERE")[0])
        own = {(changed[1], column) for column in assigned}
        return changed[1] in created or (bool(own) and own <= added)

    return [statement for statement in statements if not adds(statement)]


def silent(_done: int, _total: int) -> None:
    """Show no progress."""


def newer_step(works_from: int | None) -> history.Migration:
    added = [
        f"ALTER TABLE {table} ADD COLUMN {column}"
        for table in (*history.tables(), *history.CACHES)
        for column in ("newer_text text DEFAULT 'from the future'", "newer_number integer")
    ]
    table = "CREATE TABLE ops.newer (a integer NOT NULL PRIMARY KEY)"
    return history.Migration(LATEST + 1, "newer", (*added, table), works_from)


@contextmanager
def newer_program(works_from: int | None) -> Iterator[None]:
    steps = (*history.migrations(), newer_step(works_from))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "migrations", lambda: steps)
        yield


def test_a_release_that_only_adds_is_taken_back_and_the_older_program_works_on(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    warehouse = database.open()
    with serving(many(30, at=NOON - timedelta(hours=1)), clock=clock) as api:
        api.run(warehouse, lookback_days=3)
        with newer_program(LATEST):
            assert warehouse.closing_the_way_back() == []
            assert [step.version for step in warehouse.upgrade()] == [LATEST + 1]
        before = dump(warehouse)
        api.add(*many(5, at=clock.now, prefix="late"))
        clock.advance(hours=1)
        report = api.run(warehouse, lookback_days=3)
    assert report.collect.new == 5
    assert warehouse.upgrade() == []
    with warehouse.snapshot() as session:
        assert differences(warehouse.engine, session) == []
        findings = {audit.name: audit.examine(session, clock.now, LIMITS) for audit in AUDITS}
    assert all(finding.passed for finding in findings.values()), findings
    assert count(warehouse, "final.filtered_news", "newer_text = 'from the future'") == 35
    assert len(dump(warehouse)["final.filtered_news"]) == len(before["final.filtered_news"]) + 5
    exported = export(warehouse, tmp_path / "out", "parquet", "128MB", silent, now=clock.now)
    assert exported.equal
    load(tmp_path / "out", tmp_path / "again.duckdb", "128MB", silent)
    with newer_program(LATEST):
        assert warehouse.upgrade() == []
        assert count(warehouse, "ops.newer") == 0
    disconnect(warehouse)


def test_the_older_program_refuses_what_the_newer_one_has_not_declared(
    warehouse: Warehouse,
) -> None:
    with newer_program(None):
        (step,) = warehouse.closing_the_way_back()
        assert step.name == "newer"
        warehouse.upgrade()
    with pytest.raises(WarehouseError, match="newer version of newsapi-dentsu"):
        warehouse.upgrade()
    with pytest.raises(WarehouseError, match="newer than this program"), warehouse.snapshot():
        pass


def test_a_program_older_than_the_declared_one_refuses_as_well(warehouse: Warehouse) -> None:
    with newer_program(LATEST + 1):
        assert warehouse.closing_the_way_back()
        warehouse.upgrade()
    with pytest.raises(WarehouseError, match="newer than this program"), warehouse.snapshot():
        pass


def test_tables_of_before_programs_could_work_on_say_no(warehouse: Warehouse) -> None:
    """A database from before the column that says which programs may go on."""
    execute(warehouse, "ALTER TABLE ops.schema_migrations DROP COLUMN works_from")
    execute(
        warehouse,
        "INSERT INTO ops.schema_migrations (version, name, applied_at) VALUES ($1, 'x', $2)",
        LATEST + 7,
        NOON,
    )
    with pytest.raises(WarehouseError, match="newer than this program"), warehouse.snapshot():
        pass


def test_an_empty_database_needs_no_way_back(empty_database: Database) -> None:
    warehouse = empty_database.open()
    if warehouse.engine.exists():
        assert warehouse.closing_the_way_back() == []
    warehouse.upgrade()
    written = {step.version: step.works_from for step in history.migrations() if step.works_from}
    assert column(warehouse, "ops.schema_migrations", "works_from", "works_from > 0") == sorted(
        written.values()
    )
    disconnect(warehouse)


@pytest.mark.parametrize(
    "step",
    [*history.migrations(), newer_step(LATEST)],
    ids=lambda step: f"{step.version:04}",
)
def test_a_step_that_lets_older_programs_go_on_only_adds(step: history.Migration) -> None:
    if step.works_from is not None:
        assert step.works_from < step.version
        assert not_adding(step.statements) == [], "older programs may rely on what these change"


@pytest.mark.parametrize(
    ("statements", "adds"),
    [
        (["ALTER TABLE a.b ADD COLUMN c text"], True),
        (["ALTER TABLE a.b ADD COLUMN c text NOT NULL"], False),
        (["ALTER TABLE a.b ADD COLUMN c text NOT NULL DEFAULT ''"], True),
        (["ALTER TABLE a.b DROP COLUMN c"], False),
        (["ALTER TABLE a.b RENAME COLUMN c TO d"], False),
        (["UPDATE a.b SET c = 1"], False),
        (["ALTER TABLE a.b ADD COLUMN c int", "UPDATE a.b AS x SET c = y.c FROM a.y AS y"], True),
        (["ALTER TABLE a.b ADD COLUMN c int", "UPDATE a.b SET c = 1, d = 2 WHERE e = 3"], False),
        (["ALTER TABLE a.b ADD COLUMN c int", "UPDATE a.z SET c = 1"], False),
        (["CREATE TABLE a.n AS SELECT 1", "ALTER TABLE a.n ADD PRIMARY KEY (c)"], True),
        (["ALTER TABLE a.b ADD PRIMARY KEY (c)"], False),
        (["CREATE UNIQUE INDEX i ON a.b (c)"], False),
        (["DELETE FROM a.b"], False),
    ],
)
def test_what_adds_and_what_changes(statements: list[str], adds: bool) -> None:
    assert (not_adding(statements) == []) is adds
