"""Dagster's home: its `dagster.yaml` as the settings want it, and the database behind it."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.pipeline import MONTH_TAG

DAGSTER_SCHEMA = "dagster"
LEAST_FREE = 32 << 20
"""Bytes that Dagster's home must have free before a run starts."""

NO_COMPUTE_LOGS: Final = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
}
"""The part `compute_logs` of dagster.yaml that leaves what steps print on the console."""

MARK = (
    "# Written by newsapi. To change it by hand, remove this line: the file is then left alone.\n"
)
_SESSION = {
    "search_path": DAGSTER_SCHEMA,
    # Dagster takes the times that the server fills in for UTC.
    "timezone": "UTC",
    "datestyle": "ISO",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read\\ committed",
}
"""What Dagster relies on of a session, whatever role and database say."""

_OF_ADDRESSES: Final = re.compile(r"\?|%[0-9a-fA-F]{2}")
_FIRST_VERSION = "# Dagster's instance on this machine"


def prepare_home(settings: Settings) -> Path:
    """Write Dagster's `dagster.yaml` for these settings and export what it refers to.

    A file that somebody has taken over by removing its first line is left as it is.

    Raises:
        SettingsError: the folder can't be written.
    """
    folder = settings.home
    target = folder / "dagster.yaml"
    if not settings.use_postgres and _OF_ADDRESSES.search(str(folder)):
        raise SettingsError(
            f"{folder}: Dagster takes a ? and signs such as %20 in a folder's name for those of an "
            "address, and looks elsewhere; rename the folder or set DAGSTER_HOME"
        )
    text = MARK + dagster_yaml(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = target.read_text("utf-8") if target.exists() else ""
        # An empty one was cut short, by a full disk or while it was copied.
        ours = not present.strip() or present.startswith((MARK, _FIRST_VERSION))
        if not ours:
            _refuse_unusable(target, present)
        elif present != text:
            part = target.with_name(f".{target.name}.{os.getpid()}")
            part.write_text(text, encoding="utf-8")
            part.replace(target)
    except UnicodeDecodeError:
        raise _unusable(target) from None
    except OSError as error:
        raise SettingsError(
            f"{error.filename or folder} can't be used ({error.strerror}): make it writable, move "
            "away what is in its place, or set DAGSTER_HOME"
        ) from None
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise SettingsError(
            f"only {free >> 20} MB are free on the disk of {folder}; a run needs at least "
            f"{LEAST_FREE >> 20} MB for its records: make room or set DAGSTER_HOME"
        )
    os.environ["DAGSTER_HOME"] = str(folder)
    if settings.use_postgres:
        os.environ.update(_referred_to(settings))
    return folder


def _refuse_unusable(target: Path, text: str) -> None:
    import yaml

    try:
        if isinstance(yaml.safe_load(text) or {}, dict):
            return
    except yaml.YAMLError:
        pass
    raise _unusable(target)


def _unusable(target: Path) -> SettingsError:
    return SettingsError(
        f"{target} is no configuration of Dagster: correct it, or move it away to have it "
        "written anew"
    )


def dagster_yaml(settings: Settings) -> str:
    """The configuration of Dagster's instance; the same for every process of a deployment."""
    import yaml

    text = (resources.files("newsapi_dentsu.defs") / "dagster.yaml").read_text("utf-8")
    limit = {"key": MONTH_TAG, "limit": settings.backfill_jobs}
    chosen: dict[str, Any] = {"concurrency": {"runs": {"tag_concurrency_limits": [limit]}}}
    if settings.use_postgres:
        chosen["storage"] = {"postgres": _storage(settings)}
    logs = settings.compute_logs
    if logs == "auto":
        logs = "console" if settings.use_postgres else "local"
    if logs == "console":
        chosen["compute_logs"] = dict(NO_COMPUTE_LOGS)
    elif logs == "azure":
        chosen["compute_logs"] = {
            "module": "dagster_azure.blob.compute_log_manager",
            "class": "AzureBlobComputeLogManager",
            "config": {
                "storage_account": settings.compute_logs_account,
                "container": settings.compute_logs_container,
                "default_azure_credential": {},
                "upload_interval": 30,
            },
        }
    if settings.run_launcher == "jobs":
        from newsapi_dentsu.hosting.run_launcher import run_launcher

        chosen["run_launcher"] = run_launcher(settings)
    return text + "\n" + yaml.safe_dump(chosen, sort_keys=False)


def _storage(settings: Settings) -> dict[str, Any]:
    # Imported where it is used: with DuckDB nobody needs to wait for it.
    from newsapi_dentsu.warehouse.engines.postgres_login import KEEPALIVES

    socket = settings.postgres_host.startswith(("/", "@"))
    session = dict(_SESSION)
    if settings.postgres_role:
        session["role"] = re.sub(r"([\\\s])", r"\\\1", settings.postgres_role)
    parameters: dict[str, Any] = {
        "options": " ".join(f"-c{name}={value}" for name, value in session.items()),
        "application_name": "newsapi-dagster",
        "sslmode": settings.sslmode,
        "connect_timeout": max(2, int(settings.database_wait_seconds)),
        # A connection that a run keeps may have ended in silence.
        **KEEPALIVES,
    }
    if settings.postgres_sslrootcert:
        parameters["sslrootcert"] = settings.postgres_sslrootcert
    if socket:
        parameters["host"] = settings.postgres_host
    database: dict[str, Any] = {
        # A bare `postgresql` means psycopg 3 to SQLAlchemy, with which Dagster's runs die.
        "scheme": "postgresql+psycopg2",
        "hostname": "" if socket else {"env": "POSTGRES_HOST"},
        "port": {"env": "POSTGRES_PORT"},
        "db_name": {"env": "POSTGRES_DB"},
        "username": {"env": "POSTGRES_USER"},
    }
    if settings.postgres_auth == "password" and settings.postgres_password:
        database["password"] = {"env": "POSTGRES_PASSWORD"}
    storage: dict[str, Any] = {"postgres_db": {**database, "params": parameters}}
    if settings.postgres_auth == "entra":
        storage["auth_provider"] = {"azure_wif": {}}
    return storage


def _referred_to(settings: Settings) -> dict[str, str]:
    """The variables that `dagster.yaml` names, which may come from `.env` or be defaults."""
    values = {
        "POSTGRES_HOST": settings.postgres_host,
        "POSTGRES_PORT": str(settings.postgres_port),
        "POSTGRES_DB": settings.postgres_db,
        "POSTGRES_USER": settings.postgres_user,
    }
    if settings.postgres_password:
        values["POSTGRES_PASSWORD"] = settings.postgres_password.get_secret_value()
    return values


@contextmanager
def database_prepared(settings: Settings, holder: str) -> Iterator[None]:
    """Bring the tables up to date, and keep out whoever else creates tables, Dagster's included.

    Raises:
        WarehouseError: the database can't be reached or its tables not be made.
        WarehouseBusyError: the tables must change, but a run is under way.
    """
    from newsapi_dentsu.warehouse import open_warehouse

    with closing(open_warehouse(settings)) as warehouse:
        if warehouse.is_behind():
            with warehouse.run_lock(holder, settings.run_wait_seconds):
                warehouse.upgrade()
        with warehouse.engine.upgrade_lock():
            yield
