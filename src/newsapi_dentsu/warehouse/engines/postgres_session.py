"""What a session on PostgreSQL must be: set as the code relies on it, and nobody else's.

Roles, databases and servers have defaults of their own for all that can be set. They are set by
statements and not by `options` of the connection, which poolers refuse.
"""

import os
import socket
from contextlib import suppress
from typing import Final, LiteralString

import psycopg

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.lock_keys import LockKey

Connection = psycopg.Connection[Row]

_SETTINGS: Final = {
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "array_nulls": "on",
    "transform_null_equals": "off",
    # Every table is named with its schema.
    "search_path": "pg_catalog",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # A plan made for any parameters takes the wrong index for a list or a range of days.
    "plan_cache_mode": "force_custom_plan",
    # Work between two statements may take long; a client that has died is told by keepalives.
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # A refused statement is an answer, and no reason to lose the session and its locks.
    "exit_on_error": "off",
}
_TRANSACTION_TIMEOUT_SINCE = 170_000
_LOOKS = 3

_HOLDERS = (
    "SELECT a.application_name, a.usename, a.pid, a.state, a.xact_start, a.backend_start "
    "FROM pg_stat_activity a JOIN pg_locks l USING (pid) "
    "WHERE l.granted AND a.pid <> pg_backend_pid() AND a.datname = current_database() AND "
)


def backend_pid(connection: Connection) -> int:
    """The server process of a connection; through a pooler, only the server itself knows it."""
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return int(row[0]) if row else 0


def is_pooled(connection: Connection) -> bool:
    """Whether a pooler stands between: it shows clients another process than the server does."""
    return connection.info.backend_pid != backend_pid(connection)


def refuse_shared_sessions(location: str, connection: Connection, other: Connection) -> None:
    """Tell a pooler that gives one session to several clients from one that doesn't, and refuse it.

    Nothing is changed on the server meanwhile. Where sessions are shared, the server process of an
    idle client is given to the next one, or the client gets another process each time.

    Args:
        location: the address, for the message.
        connection: a connection through the pooler.
        other: another one.

    Raises:
        WarehouseError: the sessions are shared.
    """
    ours = {backend_pid(connection) for _ in range(_LOOKS)}
    theirs = {backend_pid(other) for _ in range(_LOOKS)}
    ours |= {backend_pid(connection) for _ in range(_LOOKS)}
    if len(ours) > 1 or len(theirs) > 1 or ours & theirs:
        raise WarehouseError(
            f"{location} is a pooler that shares sessions (PgBouncer in transaction mode, port "
            "6432 on Azure): the run lock needs a session of its own, and nothing was done. Set "
            "POSTGRES_HOST and POSTGRES_PORT to PostgreSQL itself, or the pooler to session mode "
            "(pool_mode = session)"
        )


def refuse_lost_schema(location: str, connection: Connection, schema: str) -> None:
    """Refuse a pooler that loses what says in which schema Dagster's tables are.

    Dagster names its schema in `options`, which a pooler drops: so the role must have it.

    Raises:
        WarehouseError: the role's own first schema is another one.
    """
    row = connection.execute("SELECT current_setting('search_path')", prepare=False).fetchone()
    path = str(row[0]) if row else ""
    if path.partition(",")[0].strip(' "') != schema:
        raise WarehouseError(
            f"{location} is a pooler, through which Dagster would not find its schema: let the "
            "pooler ignore options (ignore_startup_parameters = options), and run ALTER ROLE "
            f"{connection.info.user} IN DATABASE {connection.info.dbname} SET search_path = "
            f"{schema}; nothing was done"
        )


def refuse_narrow_encoding(location: str, connection: Connection) -> None:
    """Refuse to keep the tables in a database whose encoding can't hold the news of all languages.

    SQL_ASCII holds any bytes, and so what the connection sends, which is UTF-8.

    Raises:
        WarehouseError: it is LATIN1 or the like.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in ("UTF8", "SQL_ASCII"):
        raise WarehouseError(
            f"{location} is a database in {encoding}, which has no place for the news of all "
            "languages; nothing was done. Create one with CREATE DATABASE … ENCODING 'UTF8' "
            "TEMPLATE template0, and set POSTGRES_DB to its name"
        )


def prepare_session(
    connection: Connection,
    *,
    role: str | None,
    statement_timeout: float,
    lock_timeout: float,
    clean: bool,
) -> None:
    """Set what the code relies on, whatever the role, the database and the environment say.

    Args:
        connection: the new connection.
        role: the role to take; None: the one that has logged in.
        statement_timeout: the longest time for a statement, in seconds; 0 for no limit.
        lock_timeout: the longest wait for a lock, in seconds; 0 for no limit.
        clean: whether a client before this one may have left something in the session.
    """
    if clean:
        connection.execute("DISCARD ALL")
    values = {
        **_SETTINGS,
        "statement_timeout": str(int(statement_timeout * 1000)),
        "lock_timeout": str(int(lock_timeout * 1000)),
    }
    if connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE:
        values["transaction_timeout"] = "0"
    if role is not None:
        values["role"] = role
    connection.execute(
        "SELECT set_config(name, value, false) "
        "FROM unnest(%s::text[], %s::text[]) AS chosen (name, value)",
        [list(values), list(values.values())],
    )


def cut(connection: Connection) -> None:
    """End a connection on which another thread waits: that thread gets an error."""
    with (
        suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)


def lock_holder(connection: Connection, key: LockKey) -> str:
    """Who has an advisory lock of this database, in words."""
    return _holder(connection, "l.locktype = 'advisory' AND l.objid = %s", key.value)


def table_holder(connection: Connection) -> str:
    """Who has had locks on the pipeline's tables for longest, in words."""
    return _holder(
        connection,
        "l.relation IN (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = ANY(%s)) AND l.database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
        ["raw", "processed", "final", "ops"],
    )


def _holder(connection: Connection, locks: LiteralString, parameter: object) -> str:
    found = None
    with suppress(psycopg.Error):
        found = connection.execute(
            f"{_HOLDERS}{locks} ORDER BY a.xact_start NULLS LAST LIMIT 1",
            [parameter],
        ).fetchone()
    if found is None:
        return "unknown"
    name, role, pid, state, since, connected = found
    # Sessions of other roles show neither name nor state nor time.
    began = since or connected
    doing = f", {state}" if state and state != "active" else ""
    return f"{name or f'role {role}'}, backend {pid}{doing}" + (
        f", since {began:%H:%M:%S}" if began else ""
    )
