"""The engine that the settings name; a driver is imported only where it is used."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Engine

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
    from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
    from newsapi_dentsu.warehouse.engines.postgres_silence import Silence


def open_engine(settings: Settings) -> Engine:
    """Make the engine that the settings name; nothing is opened yet."""
    if settings.use_postgres:
        return open_postgres(settings)
    return open_duckdb(settings, settings.duckdb_path)


def open_duckdb(settings: Settings, path: Path) -> "DuckDBEngine":
    """Make the engine of a DuckDB file, with the limits that the settings give."""
    from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine

    return DuckDBEngine(
        path, memory_limit=settings.duckdb_memory_limit, wait=settings.database_wait_seconds
    )


def open_postgres(settings: Settings) -> "PostgresEngine":
    """Make the engine of the PostgreSQL server that the settings name."""
    from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine

    return PostgresEngine(**_of_postgres(settings))


def open_postgres_for_people(
    settings: Settings, silence: "Silence | None" = None
) -> "PostgresEngine":
    """The same for those whom people wait for: a server that is silent is given up.

    Args:
        settings: the settings.
        silence: what other engines of this server know of that.
    """
    from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine

    silence = silence or silence_of(settings)
    return PostgresEngine(**_of_postgres(settings), silence=silence)


def silence_of(settings: Settings) -> "Silence":
    """What engines of one server may share; nothing is known yet."""
    from newsapi_dentsu.warehouse.engines.postgres_silence import Silence

    return Silence(settings.postgres_statement_timeout_seconds)


def open_postgres_to_read(
    settings: Settings, *, own_writes: bool, silence: "Silence | None" = None
) -> "PostgresEngine":
    """Make the engine for people who only read: the replica's, where the settings name one.

    Args:
        settings: the settings.
        own_writes: whether they must see what was written before they began.
        silence: what other engines of the primary know of its silence.
    """
    if settings.postgres_read_host is None:
        return open_postgres_for_people(settings, silence)
    from newsapi_dentsu.warehouse.engines.postgres_replica import ReadingEngine

    replica = {
        "postgres_host": settings.postgres_read_host,
        "postgres_port": settings.postgres_read_port or settings.postgres_port,
        "postgres_standby": None,
    }
    return ReadingEngine(
        {**_of_postgres(settings.model_copy(update=replica)), "silence": silence_of(settings)},
        most_lag=settings.postgres_read_lag_seconds,
        own_writes=own_writes,
        silence=silence or silence_of(settings),
        **_of_postgres(settings),
    )


def _of_postgres(settings: Settings) -> dict[str, Any]:
    password = settings.postgres_password
    return {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "database": settings.postgres_db,
        "user": settings.postgres_user,
        "role": settings.postgres_role,
        "password": password.get_secret_value() if password else None,
        "wait": settings.database_wait_seconds,
        "auth": settings.postgres_auth,
        "password_url": settings.postgres_password_url,
        "standby": settings.standby_server,
        "sslmode": settings.sslmode,
        "sslrootcert": settings.postgres_sslrootcert,
        "pool_size": settings.postgres_pool_size,
        "statement_timeout": settings.postgres_statement_timeout_seconds,
        "lock_timeout": settings.postgres_lock_timeout_seconds,
        "patience": settings.postgres_reconnect_seconds,
    }
