"""Whether the tables are as this version of the code wants them: `newsapi db check`.

What they should be is not written down a second time: the schema's history is played to an empty
DuckDB in memory, and both are asked for their structure.
"""

from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.errors import NewerTablesError
from newsapi_dentsu.warehouse.engines.base import DIMENSIONS, Engine, Session
from newsapi_dentsu.warehouse.schema import history

_TYPES = {
    "varchar": "text",
    "double": "double precision",
    "varchar[]": "array",
    # Vectors: on DuckDB, on PostgreSQL with pgvector, and without it.
    f"float[{DIMENSIONS}]": "vector",
    "user-defined": "vector",
    "halfvec": "vector",
    "bytea": "vector",
    "blob": "vector",
    # Full text, which DuckDB has no type for.
    "tsvector": "text",
}

_COLUMNS = (
    "SELECT lower(table_schema || '.' || table_name), lower(column_name), lower(data_type), "
    "is_nullable = 'YES' FROM information_schema.columns "
    "WHERE table_catalog = current_database() AND table_schema IN (SELECT unnest($1::text[]))"
)
_KEYS = (
    "SELECT lower(t.table_schema || '.' || t.table_name), lower(k.column_name) "
    "FROM information_schema.table_constraints t JOIN information_schema.key_column_usage k "
    "ON k.constraint_schema = t.constraint_schema AND k.constraint_name = t.constraint_name "
    "AND k.table_schema = t.table_schema AND k.table_name = t.table_name "
    "WHERE t.constraint_type = 'PRIMARY KEY' AND t.table_catalog = current_database() "
    "AND t.table_schema IN (SELECT unnest($1::text[]))"
)


@dataclass(frozen=True, slots=True)
class Structure:
    """Tables by name: each column's type and whether it may be null, and the primary key."""

    columns: dict[str, dict[str, tuple[str, bool]]]
    keys: dict[str, frozenset[str]]


def differences(engine: Engine, session: Session) -> list[str]:
    """What is missing or otherwise than this version of the code wants it, in one line each."""
    version = history.applied_version(engine, session)
    if version == 0:
        return ["there are no tables: run `newsapi db upgrade`"]
    try:
        steps = history.pending(engine, session)
    except NewerTablesError as error:
        return [error.problem]
    if steps:
        needs = steps[-1].version
        return [f"schema version {version}, this program needs {needs}: run `newsapi db upgrade`"]
    found, wanted = structure(session), _wanted()
    # What a newer program has added, and lets this one work beside, is not this one's to judge.
    newer = version > history.migrations()[-1].version
    problems = []
    for table, columns in wanted.columns.items():
        if table not in found.columns:
            problems.append(f"table {table} is missing")
            continue
        problems += _column_differences(table, found.columns[table], columns, newer=newer)
        key = found.keys.get(table, frozenset())
        wanted_key = wanted.keys.get(table, frozenset())
        if key != wanted_key:
            shown = ", ".join(sorted(wanted_key))
            problems.append(f"table {table} lacks its primary key ({shown})")
    problems += _index_differences(engine, session)
    problems += [
        f"schema {name} is missing: run `newsapi db upgrade`"
        for name in engine.other_schemas
        if not engine.schema_exists(session, name)
    ]
    return problems


def structure(session: Session) -> Structure:
    """The tables in the pipeline's schemas."""
    names = list(history.schemas())
    columns: dict[str, dict[str, tuple[str, bool]]] = {}
    for table, column, type_, nullable in session.rows(_COLUMNS, names):
        columns.setdefault(table, {})[column] = (str(_TYPES.get(type_, type_)), bool(nullable))
    keys: dict[str, set[str]] = {}
    for table, column in session.rows(_KEYS, names):
        keys.setdefault(table, set()).add(column)
    return Structure(columns, {table: frozenset(key) for table, key in keys.items()})


def size_and_time(session: Session) -> tuple[int, datetime]:
    """A PostgreSQL database's size in bytes, and what its clock says."""
    rows = session.rows("SELECT pg_database_size(current_database()), clock_timestamp()")
    return int(rows[0][0]), rows[0][1]


def _wanted() -> Structure:
    import duckdb

    from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession

    with duckdb.connect(":memory:") as connection:
        session = DuckDBSession(connection)
        for statement in history.script("DuckDB"):
            session.execute(statement)
        return structure(session)


def _column_differences(
    table: str,
    found: dict[str, tuple[str, bool]],
    wanted: dict[str, tuple[str, bool]],
    *,
    newer: bool,
) -> list[str]:
    problems = [f"column {table}.{name} is missing" for name in wanted if name not in found]
    if not newer:
        problems += [f"column {table}.{name} is not known" for name in found if name not in wanted]
    for name, (type_, nullable) in wanted.items():
        if name in found and found[name] != (type_, nullable):
            problems.append(
                f"column {table}.{name} is {_shown(*found[name])} instead of "
                f"{_shown(type_, nullable)}"
            )
    return problems


def _shown(type_: str, nullable: bool) -> str:
    return type_ if nullable else f"{type_} NOT NULL"


def _index_differences(engine: Engine, session: Session) -> list[str]:
    there, unique = engine.index_names(session), engine.unique_indexes(session)
    problems = [
        f"index {name} is missing: run `newsapi db upgrade`"
        for name in history.indexes(engine.name)
        if name not in there
    ]
    problems += [
        f"index {name} is not unique"
        for name, statement in history.indexes(engine.name).items()
        if name in there and statement.startswith("CREATE UNIQUE") and name not in unique
    ]
    return problems
