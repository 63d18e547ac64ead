"""The schema's history: numbered SQL files, applied once each, and the indexes on top."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import chain

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse.engine import Engine, Session

_VERSION_TABLE = (
    "CREATE TABLE ops.schema_migrations "
    "(version integer NOT NULL PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema's history."""

    version: int
    name: str
    statements: tuple[str, ...]


@cache
def migrations() -> tuple[Migration, ...]:
    """The schema's history, oldest first."""
    folder = resources.files(__package__) / "migrations"
    files = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return tuple(
        Migration(int(name[:4]), name[5:-4], _statements((folder / name).read_text("utf-8")))
        for name in files
    )


@cache
def indexes() -> dict[str, str]:
    """Each index's name and the statement that creates it."""
    text = (resources.files(__package__) / "indexes.sql").read_text("utf-8")
    return {
        match[1]: statement
        for statement in _statements(text)
        if (match := re.match(r"CREATE (?:UNIQUE )?INDEX (\w+) ", statement))
    }


@cache
def tables() -> tuple[str, ...]:
    """The tables that hold the pipeline's data, by qualified name."""
    statements = chain.from_iterable(step.statements for step in migrations())
    return tuple(
        match[1]
        for statement in statements
        if (match := re.match(r"CREATE TABLE (\w+\.\w+)", statement))
    )


def applied_version(engine: Engine, session: Session) -> int:
    """The version that the database is at; 0 for an empty one."""
    if not engine.table_exists(session, "ops", "schema_migrations"):
        return 0
    (version,) = session.rows("SELECT max(version) FROM ops.schema_migrations")[0]
    return version or 0


def upgrade(engine: Engine, session: Session, now: datetime) -> list[Migration]:
    """Bring the database to this version of the code, in the caller's transaction.

    Returns:
        The steps that were applied.

    Raises:
        WarehouseError: the database was made by a newer version of the code.
    """
    version = applied_version(engine, session)
    latest = migrations()[-1].version
    if version > latest:
        raise WarehouseError(
            f"{engine.location} has schema version {version}, newer than this program's {latest}: "
            "install the newer version of newsapi-dentsu"
        )
    pending = [step for step in migrations() if step.version > version]
    existing = engine.index_names(session)
    if version and pending:
        # DuckDB refuses to alter a table that has indexes.
        for name, statement in indexes().items():
            if name in existing:
                schema = re.search(r" ON (\w+)\.", statement)
                session.execute(f"DROP INDEX {schema[1] if schema else 'raw'}.{name}")
        existing = set()
    for step in pending:
        for statement in step.statements:
            session.execute(statement)
        if step.version == 1:
            session.execute(_VERSION_TABLE)
        session.execute(
            "INSERT INTO ops.schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
            step.version,
            step.name,
            now,
        )
    for name, statement in indexes().items():
        if name not in existing:
            session.execute(statement)
    return pending


def _statements(text: str) -> tuple[str, ...]:
    without_comments = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
    return tuple(part.strip() for part in without_comments.split(";") if part.strip())
