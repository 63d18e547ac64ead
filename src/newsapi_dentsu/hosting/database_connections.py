"""Dagster's own connections to PostgreSQL, whose password or server may change meanwhile.

Dagster reads its storage's address and password once, when a process starts. Where the password is
in a vault, or the database has a second server, each new connection asks instead, as those of the
warehouse do, from when this module is imported on: Dagster's instance imports it before it opens
its storage.
"""

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

from newsapi_dentsu.errors import WarehouseAwayError
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse.engines.opening import open_postgres

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine

_PAUSE_SECONDS = 0.5


@cache
def _engine() -> "PostgresEngine":
    return open_postgres(load_settings())


@event.listens_for(Engine, "do_connect")
def connect(
    dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]
) -> Any | None:
    """A connection of any engine in this process; None: SQLAlchemy makes it as it always does."""
    if dialect.name != "postgresql":
        return None
    settings = load_settings()
    if settings.postgres_password_url is None and settings.standby_server is None:
        return None
    from newsapi_dentsu.warehouse.engines.postgres_errors import password_refused

    engine = _engine()
    deadline = time.monotonic() + settings.database_wait_seconds
    while True:
        try:
            return dialect.connect(*arguments, **parameters | engine.reaching())
        except (dialect.loaded_dbapi.OperationalError, WarehouseAwayError) as error:
            engine.servers.forget()
            again = settings.standby_server is not None
            if password_refused(error):
                again = engine.login.refused()
            if not again or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
