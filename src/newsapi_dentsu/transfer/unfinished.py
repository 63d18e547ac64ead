"""A transfer to PostgreSQL that has begun and not ended: what the target's `ops.transfer` tells.

The table keeps runs out while it is there (see `history.applied_version`). Row 0 says what is being
loaded and how to undo what makes loading quick; every other row stands for a part that is in,
written in the transaction of that part. It goes when both sides have been proven equal.
"""

import json
from dataclasses import dataclass

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.transfer.tables import tables
from newsapi_dentsu.warehouse.engines.postgres import (
    PostgresEngine,
    connection,
    own_sql,
)
from newsapi_dentsu.warehouse.engines.postgres_session import Connection
from newsapi_dentsu.warehouse.schema import history

_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}


@dataclass(frozen=True, slots=True)
class Pending:
    """A transfer that has begun in the target and not ended."""

    source: str | None
    version: int
    restore: tuple[str, ...]


def pending(engine: PostgresEngine) -> Pending | None:
    """The transfer that has begun in the target and not ended, if any."""
    with connection(engine) as opened:
        there = opened.execute("SELECT to_regclass('ops.transfer') IS NOT NULL").fetchone()
        if not there or not there[0]:
            return None
        found = opened.execute("SELECT note FROM ops.transfer WHERE part = 0").fetchone()
    note = json.loads(found[0]) if found else {"source": None, "version": 0, "restore": []}
    return Pending(note["source"], note["version"], tuple(note["restore"]))


def discard(engine: PostgresEngine, left: Pending) -> None:
    """Empty a target that an unfinished transfer has filled in part, and open it again."""
    with connection(engine) as opened, opened.transaction():
        for (name,) in opened.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables "
            "WHERE schemaname || '.' || tablename = ANY(%s)",
            [[*(table.name for table in tables()), *history.CACHES]],
        ).fetchall():
            opened.execute(own_sql(f"TRUNCATE {name}"))
        for statement in left.restore:
            opened.execute(own_sql(statement))
        opened.execute("DROP TABLE ops.transfer")


def begin(engine: PostgresEngine, source: str | None, *, compress: bool) -> Pending:
    """Empty the target's tables, close it to runs and make it quick to fill.

    Raises:
        WarehouseError: the target's encoding isn't UTF-8, or the role may not do this.
    """
    with connection(engine) as opened, opened.transaction():
        encoding = opened.execute("SHOW server_encoding").fetchone()
        if encoding and encoding[0] != "UTF8":
            raise WarehouseError(
                f"PostgreSQL at {engine.location}: the database's encoding is {encoding[0]}: "
                "create it with ENCODING 'UTF8'"
            )
        names = ", ".join([*(table.name for table in tables()), *history.CACHES])
        opened.execute(own_sql(f"TRUNCATE {names}"))
        for name, statement in history.indexes("PostgreSQL").items():
            opened.execute(own_sql(history.drop_index(name, statement)))
        restore = _quick_storage(opened, compress=compress)
        note = Pending(source, history.migrations()[-1].version, tuple(restore))
        opened.execute(
            "CREATE TABLE ops.transfer (part integer NOT NULL PRIMARY KEY, note text NOT NULL)"
        )
        opened.execute(
            "INSERT INTO ops.transfer (part, note) VALUES (0, %s)",
            [json.dumps({"source": source, "version": note.version, "restore": restore})],
        )
    return note


def release(engine: PostgresEngine) -> None:
    """Open the target to runs; everything before this is on the server's disk when it returns."""
    with connection(engine) as opened, opened.transaction():
        opened.execute("SET LOCAL synchronous_commit = on")
        opened.execute("DROP TABLE ops.transfer")


def distrust(engine: PostgresEngine) -> None:
    """Have the next migration begin anew, as what was loaded turned out not to be right."""
    with connection(engine) as opened:
        note = json.dumps({"source": None, "version": 0, "restore": []})
        opened.execute("UPDATE ops.transfer SET note = %s WHERE part = 0", [note])


def parts_there(engine: PostgresEngine) -> set[int]:
    """The numbers of the parts that are in."""
    with connection(engine) as opened:
        return {number for (number,) in opened.execute("SELECT part FROM ops.transfer")}


def note_part(opened: Connection, number: int, table: str) -> bool:
    """Note in the part's own transaction that it is in; False where it is already."""
    return bool(
        opened.execute(
            "INSERT INTO ops.transfer (part, note) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [number, table],
        ).rowcount
    )


def _quick_storage(opened: Connection, *, compress: bool) -> list[str]:
    """Make long texts cheap to store while loading; returns the statements that undo it."""
    lz4 = opened.execute(
        "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' "
        "AND 'lz4' = ANY(enumvals)"
    ).fetchone()
    if lz4 is None and compress:
        return []
    restore = []
    for table in tables():
        found = opened.execute(
            "SELECT attname, attstorage::text, attcompression::text FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "AND atttypid = 'text'::regtype",
            [table.name],
        ).fetchall()
        change, undo = [], []
        for name, storage, compression in found:
            if lz4 is None:
                # pglz takes most of the time of loading; what comes later is compressed again.
                change.append(f"ALTER COLUMN {name} SET STORAGE EXTERNAL")
                undo.append(f"ALTER COLUMN {name} SET STORAGE {_STORAGE[storage]}")
            else:
                before = {"p": "pglz", "l": "lz4"}.get(compression, "default")
                change.append(f"ALTER COLUMN {name} SET COMPRESSION lz4")
                undo.append(f"ALTER COLUMN {name} SET COMPRESSION {before}")
        if change:
            opened.execute(own_sql(f"ALTER TABLE {table.name} {', '.join(change)}"))
            restore.append(f"ALTER TABLE {table.name} {', '.join(undo)}")
    return restore
