"""The schema's history: numbered SQL files, applied once each; indexes and views on top."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import chain

from newsapi_dentsu.errors import NewerTablesError, WarehouseError
from newsapi_dentsu.warehouse.engines.base import DIMENSIONS, Engine, Session
from newsapi_dentsu.warehouse.schema import views

_VERSION_TABLE = (
    "CREATE TABLE ops.schema_migrations "
    "(version integer NOT NULL PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL)"
)

_OWN_TYPE = re.compile(r"\b(?:vector|full_text)_type\b")
"""What stands for the types of vectors and of full text, of which each engine has its own."""


_WORKS_FROM = re.compile(r"^-- Programs of schema version (\d+) and newer work on\.$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema's history."""

    version: int
    name: str
    statements: tuple[str, ...]
    works_from: int | None = None
    """The oldest program, by its schema version, that works on the tables after this step although
    it doesn't know it; None: each refuses them. A release can be taken back only if it has one."""


@cache
def migrations() -> tuple[Migration, ...]:
    """The schema's history, oldest first."""
    folder = resources.files(__package__) / "migrations"
    files = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return tuple(_migration(name, (folder / name).read_text("utf-8")) for name in files)


def _migration(file: str, text: str) -> Migration:
    works = _WORKS_FROM.search(text)
    version = int(works[1]) if works else None
    return Migration(int(file[:4]), file[5:-4], _statements(text), version)


@cache
def indexes(engine: str) -> dict[str, str]:
    """Each index's name on an engine (by the engine's name), and the statement that creates it."""
    files = ["indexes.sql", *(["indexes_postgresql.sql"] if engine == "PostgreSQL" else [])]
    text = "".join((resources.files(__package__) / name).read_text("utf-8") for name in files)
    return {
        match[1]: statement
        for statement in _statements(text)
        if (match := re.match(r"CREATE (?:UNIQUE )?INDEX (\w+) ", statement))
    }


CACHES = (
    *("processed.text_bands", "processed.banded_days", "processed.embeddings"),
    *("final.search_entries", "final.search_state"),
    *("processed.mentions", "final.article_sentiment", "final.article_tone"),
)
"""Tables that can be made again from the others; nothing carries them to another database."""


@cache
def tables() -> tuple[str, ...]:
    """The tables that hold the pipeline's data, by qualified name."""
    statements = chain.from_iterable(step.statements for step in migrations())
    return tuple(
        match[1]
        for statement in statements
        if (match := re.match(r"CREATE TABLE (\w+\.\w+)", statement)) and match[1] not in CACHES
    )


def applied_version(engine: Engine, session: Session) -> int:
    """The version that the database is at; 0 for an empty one.

    Raises:
        WarehouseError: a migration has filled it in part (see `transfer.unfinished`).
    """
    return max(_applied(engine, session), default=0)


def pending(engine: Engine, session: Session) -> list[Migration]:
    """The steps that the database hasn't taken yet.

    Raises:
        NewerTablesError: the database was made by a newer version of the code, which left this
            one no way to work on it.
        WarehouseError: a migration has filled it in part.
    """
    # By number and not by the highest: steps of two branches may be joined in either order.
    applied = _applied(engine, session)
    if unknown := applied - {step.version for step in migrations()}:
        version, latest = max(applied), migrations()[-1].version
        works_from = _works_from(session)
        if any((works_from.get(step) or version) > latest for step in unknown):
            raise NewerTablesError(engine.location, version, latest)
    return [step for step in migrations() if step.version not in applied]


def closing_the_way_back(engine: Engine, session: Session) -> list[Migration]:
    """The pending steps after which the program that made the tables would refuse them.

    Raises:
        WarehouseError: as `pending` does.
    """
    version = applied_version(engine, session)
    if version == 0:
        return []
    return [
        step
        for step in pending(engine, session)
        if step.works_from is None or step.works_from > version
    ]


def behind(engine: Engine, session: Session) -> bool:
    """Tell whether `upgrade` has anything to do.

    Raises:
        WarehouseError: as `pending` does.
    """
    return (
        bool(pending(engine, session))
        or not indexes(engine.name).keys() <= engine.index_names(session)
        or (_has_views(engine, session) and bool(views.missing(engine, session)))
        or any(not engine.schema_exists(session, name) for name in engine.other_schemas)
    )


def drop_indexes(engine: Engine, session: Session) -> None:
    """Drop the indexes before tables are altered, in a transaction before that of `apply`.

    DuckDB refuses to alter a table that has indexes, even one that the same transaction dropped.
    """
    engine.lift_limits(session)
    if not pending(engine, session):
        return
    existing = engine.index_names(session)
    # Those of both engines: what is PostgreSQL's alone may once have been DuckDB's, too.
    for name, statement in indexes("PostgreSQL").items():
        if name in existing:
            session.execute(drop_index(name, statement))


def apply(engine: Engine, session: Session, now: datetime) -> list[Migration]:
    """Take the steps that the database hasn't taken yet, in the caller's transaction.

    Returns:
        The steps that were taken.

    Raises:
        WarehouseError: as `pending` does.
    """
    engine.lift_limits(session)
    steps = pending(engine, session)
    for name in engine.other_schemas:
        _create_schema(engine, session, name)
    if steps:
        views.drop_views(engine, session)
    for step in steps:
        for statement in step.statements:
            if created := re.match(r"CREATE SCHEMA IF NOT EXISTS (\w+)$", statement):
                _create_schema(engine, session, created[1])
            else:
                session.execute(_typed(statement, engine.name, lambda: engine.vector_type(session)))
        if step.version == 1:
            session.execute(_VERSION_TABLE)
        session.execute(
            "INSERT INTO ops.schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
            step.version,
            step.name,
            now,
        )
    # All of them: the column for it may have come after the steps that it tells of.
    if steps and _tells_works_from(session):
        for statement in _notes_of_older_programs(migrations()):
            session.execute(statement)
    return steps


def create_derived(engine: Engine, session: Session) -> None:
    """Create the indexes that are missing, and the views where all steps were taken."""
    engine.lift_limits(session)
    existing = engine.index_names(session)
    for name, statement in indexes(engine.name).items():
        if name not in existing:
            session.execute(statement)
    if _has_views(engine, session):
        views.create_views(engine, session)


def script(engine: str) -> list[str]:
    """Every statement that `upgrade` runs on an empty database of an engine, in order.

    On PostgreSQL the one of embeddings is that of a server without pgvector.
    """
    vectors = "bytea" if engine == "PostgreSQL" else f"float[{DIMENSIONS}]"
    statements: list[str] = []
    for step in migrations():
        statements += [_typed(statement, engine, lambda: vectors) for statement in step.statements]
        if step.version == 1:
            statements.append(_VERSION_TABLE)
        statements.append(
            "INSERT INTO ops.schema_migrations (version, name, applied_at) "
            f"VALUES ({step.version}, '{step.name}', now())"
        )
    statements += _notes_of_older_programs(migrations())
    return [*statements, *indexes(engine).values(), *views.statements(engine)]


def _notes_of_older_programs(steps: Iterable[Migration]) -> list[str]:
    """Statements that write down which programs may go on; last, as the column came in a step."""
    return [
        f"UPDATE ops.schema_migrations SET works_from = {step.works_from} "
        f"WHERE version = {step.version}"
        for step in steps
        if step.works_from is not None
    ]


def schemas() -> tuple[str, ...]:
    """The schemas that hold the tables."""
    statements = chain.from_iterable(step.statements for step in migrations())
    return tuple(
        match[1]
        for statement in statements
        if (match := re.match(r"CREATE SCHEMA IF NOT EXISTS (\w+)$", statement))
    )


def _typed(statement: str, engine: str, vector_type: Callable[[], str]) -> str:
    """A statement with the types of vectors and full text that a database is to have."""
    full_text = "tsvector" if engine == "PostgreSQL" else "text"
    return _OWN_TYPE.sub(
        lambda named: vector_type() if named[0] == "vector_type" else full_text, statement
    )


def _applied(engine: Engine, session: Session) -> set[int]:
    """The steps that the database has taken; fails where a migration has filled it in part."""
    if engine.table_exists(session, "ops", "transfer"):
        raise WarehouseError(
            f"{engine.location} is being filled by a migration that has not ended: run the same "
            "`newsapi migrate` (or `import`) again to go on with it, or fill it from elsewhere"
        )
    if not engine.table_exists(session, "ops", "schema_migrations"):
        return set()
    return {number for (number,) in session.rows("SELECT version FROM ops.schema_migrations")}


def _works_from(session: Session) -> dict[int, int | None]:
    """What the applied steps say of older programs; nothing before there was a column for it."""
    if not _tells_works_from(session):
        return {}
    found = session.rows("SELECT version, works_from FROM ops.schema_migrations")
    return {row[0]: row[1] for row in found}


def _tells_works_from(session: Session) -> bool:
    """Whether there is a column for what steps say of older programs."""
    return bool(
        session.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'ops' "
            "AND table_name = 'schema_migrations' AND column_name = 'works_from' "
            "AND table_catalog = current_database()"
        )
    )


def _has_views(engine: Engine, session: Session) -> bool:
    """Whether the tables are those that the views read."""
    return not pending(engine, session) and applied_version(engine, session) >= views.SINCE


def _create_schema(engine: Engine, session: Session, name: str) -> None:
    # PostgreSQL asks for the right to create schemas even where IF NOT EXISTS finds one.
    if not engine.schema_exists(session, name):
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")


def drop_index(name: str, statement: str) -> str:
    """The statement that drops the index of this name, which `statement` creates."""
    table = re.search(r" ON (\w+)\.", statement)
    if table is None:
        raise ValueError(f"{statement} doesn't name its table with its schema")
    return f"DROP INDEX {table[1]}.{name}"


def _statements(text: str) -> tuple[str, ...]:
    without_comments = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
    return tuple(part.strip() for part in without_comments.split(";") if part.strip())
