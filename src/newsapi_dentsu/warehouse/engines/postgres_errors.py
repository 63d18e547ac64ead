"""PostgreSQL's errors in one line each: what is wrong and what to do next."""

import re

import psycopg

from newsapi_dentsu.errors import WarehouseAwayError, WarehouseBusyError, WarehouseError

_AWAY = re.compile(
    "connection refused|no such file or directory|timeout expired|timed out|starting up"
    "|shutting down|recovery mode|not yet accepting|server closed the connection"
    "|terminating connection|connection is lost|connection has been closed|connection reset"
    "|the connection is closed|consuming input failed|network is unreachable|no route to host"
    "|sending query failed|broken pipe|connection not open",
    re.IGNORECASE,
)
_FULL = re.compile(
    "too many clients|too many connections|remaining connection slots"
    # Poolers: PgBouncer, Supavisor.
    "|no more connections allowed|max(imum)? client(s| connections) reached",
    re.IGNORECASE,
)
_NO_ROOM = "query_wait_timeout"
_UNKNOWN_HOST = re.compile("could not translate host|name or service not known|resolve host", re.I)
_PASSWORD = re.compile("password authentication failed|no password supplied", re.I)
_TLS = re.compile("does not support SSL|certificate|SSL error|no encryption|sslmode", re.I)
_NAMED = re.compile(r'(role|database) "(.*)" does not exist')

_LOST_STATES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
_REPEATABLE_STATES = frozenset({"40001", "40P01"})


def lost(error: psycopg.Error) -> bool:
    """Tell whether the server went away rather than refused something."""
    state = error.sqlstate
    if state is not None:
        return state in _LOST_STATES or state.startswith("08")
    return isinstance(error, psycopg.OperationalError) and bool(_AWAY.search(str(error)))


def password_refused(error: BaseException) -> bool:
    """Tell whether the server didn't take the password; libpq says so in words only."""
    return bool(_PASSWORD.search(str(error)))


def soon_ready(error: BaseException) -> bool:
    """Tell whether the server answers, but has no connection to give just now."""
    text = str(error)
    return isinstance(error, psycopg.OperationalError) and bool(
        _FULL.search(text) or "starting up" in text or "not yet accepting" in text
    )


def explained(location: str, error: psycopg.Error) -> Exception:
    """Word an error for a person; one that only a bug can cause is given back as it is."""
    place = f"PostgreSQL at {location}"
    if error.sqlstate is None:
        if isinstance(error, psycopg.OperationalError):
            return _connection_error(place, error)
        return error
    return _statement_error(place, error.sqlstate, error)


def held_up(location: str, holder: str) -> Exception:
    """The error for a wait for a table or row that was given up."""
    return WarehouseBusyError(
        f"PostgreSQL at {location}: somebody else holds a lock for too long ({holder}); nothing of "
        "this step was stored. Run again later, end that session, or raise "
        "POSTGRES_LOCK_TIMEOUT_SECONDS."
    )


def _connection_error(place: str, error: psycopg.Error) -> Exception:
    """What kept a connection from being made; libpq tells it in words only."""
    text = str(error)
    if _FULL.search(text):
        return _no_connection_free(place)
    if named := _NAMED.search(text):
        kind, name = named.groups()
        setting = "POSTGRES_USER" if kind == "role" else "POSTGRES_DB"
        return WarehouseError(f"{place}: there is no {kind} {name}: create it or check {setting}")
    if password_refused(error):
        return WarehouseError(
            f"{place} refused the login: check POSTGRES_USER and POSTGRES_PASSWORD "
            "(or POSTGRES_AUTH, POSTGRES_PASSWORD_URL)"
        )
    if "permission denied for database" in text:
        return WarehouseError(
            f"{place}: the role may not connect to this database: ask its administrator for "
            "GRANT CONNECT"
        )
    if _UNKNOWN_HOST.search(text):
        return WarehouseAwayError(f"{place}: the host has no address: check POSTGRES_HOST")
    if _AWAY.search(text):
        return WarehouseAwayError(
            f"{place} doesn't answer ({_reason(text)}): check that the server runs, and "
            "POSTGRES_HOST and POSTGRES_PORT"
        )
    if _TLS.search(text):
        return WarehouseError(
            f"{place}: no TLS connection ({_reason(text)}): check POSTGRES_SSLMODE and "
            "POSTGRES_SSLROOTCERT"
        )
    return WarehouseError(f"{place}: {_reason(text)}")


def _statement_error(place: str, state: str, error: psycopg.Error) -> Exception:
    message = error.diag.message_primary or _reason(str(error))
    if _NO_ROOM in message:
        return WarehouseBusyError(
            f"{place} is a pooler that had no session free in time ({_NO_ROOM}); nothing of this "
            "step was stored. Run again later, make its pool (default_pool_size) larger, or "
            "connect to PostgreSQL itself."
        )
    if lost(error):
        return WarehouseAwayError(
            f"{place} went away ({message}); nothing of this step was stored: run again when it "
            "is back"
        )
    if state in _REPEATABLE_STATES:
        return WarehouseAwayError(f"{place}: {message}; nothing of this step was stored, run again")
    if state == "53300":
        return _no_connection_free(place)
    if state == "53100":
        return WarehouseError(
            f"{place}: the server's disk is full; nothing of this step was stored. "
            "Make its storage larger and run again."
        )
    if state == "25006":
        return WarehouseError(
            f"{place} is read-only: a standby, or its storage is nearly full (Azure stops writing "
            "at 95 %). Make the storage larger or name the primary, and run again."
        )
    if state == "57014":
        return WarehouseBusyError(
            f"{place}: a statement took too long and was stopped; nothing of this step was stored. "
            "Run again when the server is less busy, or raise POSTGRES_STATEMENT_TIMEOUT_SECONDS."
        )
    if state == "42501":
        return WarehouseError(
            f"{place}: {message}: ask its administrator to run what `newsapi db sql` prints"
        )
    if state == "42P07":
        return WarehouseError(
            f"{place}: {message}, made by another program: move it to another schema, or set "
            "POSTGRES_DB to another database"
        )
    if state in ("42P01", "42703", "3F000"):
        return WarehouseError(f"{place}: {message}: `newsapi db check` tells what is missing")
    if isinstance(error, psycopg.OperationalError):
        return WarehouseError(f"{place}: {message}")
    return error


def _no_connection_free(place: str) -> WarehouseError:
    return WarehouseBusyError(
        f"{place} has no connection free (max_connections, or a pooler's max_client_conn): run "
        "again later, close others, or raise it on the server"
    )


def _reason(text: str) -> str:
    """The part of libpq's message that says why, without its repetition of the address."""
    first = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return re.sub(r"^.*?\b(?:failed|FATAL): +", "", first.removeprefix("connection failed: "))
