"""Dagster's own connections to PostgreSQL with a password that is changed under way.

Dagster reads its storage's password once, when a process starts. Where it is in a vault, each new
connection asks for it instead, as those of the warehouse do, from when this module is imported on:
Dagster's instance imports it before it opens its storage.
"""

import time
from functools import cache
from typing import Any

from sqlalchemy import Engine, event

from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse.engines.postgres_errors import password_refused
from newsapi_dentsu.warehouse.engines.postgres_login import VaultLogin

_PAUSE_SECONDS = 0.5


@cache
def _login(address: str) -> VaultLogin:
    return VaultLogin(address)


@event.listens_for(Engine, "do_connect")
def connect(
    dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]
) -> Any | None:
    """A connection of any engine in this process; None: SQLAlchemy makes it as it always does."""
    if dialect.name != "postgresql":
        return None
    settings = load_settings()
    if settings.postgres_password_url is None:
        return None
    login = _login(settings.postgres_password_url)
    deadline = time.monotonic() + settings.database_wait_seconds
    while True:
        try:
            return dialect.connect(*arguments, **parameters | {"password": login.password()})
        except dialect.loaded_dbapi.OperationalError as error:
            if not password_refused(error) or time.monotonic() > deadline:
                raise
            login.refused()
            time.sleep(_PAUSE_SECONDS)
