"""Executing the Dagster job in this process, on a home that the UI shares."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from filelock import FileLock
from sqlalchemy.exc import DBAPIError

from newsapi_dentsu import logs
from newsapi_dentsu.dagster_private import InstanceRef, kept_connections
from newsapi_dentsu.defs.failures import first_error
from newsapi_dentsu.defs.resources import ATTENDED, progress_of_stage
from newsapi_dentsu.errors import PipelineError, WarehouseAwayError, WarehouseError
from newsapi_dentsu.hosting.home import NO_COMPUTE_LOGS, database_prepared, prepare_home
from newsapi_dentsu.progress import Bars
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.pipeline import JOB, Stage
from newsapi_dentsu.warehouse.queries.dagster_records import damaged_records

REPOSITORY = "__repository__@newsapi_dentsu.definitions"

_IN_PROCESS: dict[str, Any] = {
    # Capturing output costs a process for each stream, and would swallow the progress bars.
    "compute_logs": {**NO_COMPUTE_LOGS, "config": {}}
}
_KEPT_SECONDS = 60
"""So long a run uses one of Dagster's own connections; the next one asks where the server is."""

_UNKNOWN = "the run failed; see its log in the Dagster UI (`newsapi dev`)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; `error` is the first failure, in one line."""

    run_id: str
    succeeded: bool
    error: str | None
    failed_checks: list[str]


def execute_pipeline(
    settings: Settings, ops: dict[str, Any], progress: Bars, *, stages: Sequence[Stage] = ()
) -> Outcome:
    """Execute the pipeline once, as a run that Dagster's UI and sensors see.

    Args:
        settings: the settings of this process.
        ops: run configuration of the assets, by op name.
        progress: gives the callback that is told how far a stage is.
        stages: the stages to execute; all where none is named.

    Raises:
        SettingsError, WarehouseError: Dagster's home or its database can't be written.
    """
    from newsapi_dentsu.definitions import defs

    tables = [table for stage in stages for table in (stage.table, *stage.also)]

    home = prepare_home(settings)
    token = progress_of_stage.set(progress)
    try:
        with opened_instance(settings, home) as instance:
            result = defs.resolve_job_def(JOB).execute_in_process(
                run_config={"ops": ops},
                instance=instance,
                tags={".dagster/repository": REPOSITORY, ATTENDED: "true"},
                raise_on_error=False,
                asset_selection=[dg.AssetKey(table.split(".")) for table in tables] or None,
            )
    except Exception as error:
        if not _is_of_records(error):
            raise
        raise _records_error(settings, home, error) from error
    finally:
        progress_of_stage.reset(token)
    return Outcome(
        run_id=result.run_id,
        succeeded=result.success,
        error=None
        if result.success
        else logs.without_secrets(first_error(result.all_events) or _UNKNOWN),
        failed_checks=[
            f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
            for evaluation in result.get_asset_check_evaluations()
            if not evaluation.passed
        ],
    )


@contextmanager
def opened_instance(settings: Settings, home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance for this process, its tables created.

    Raises:
        WarehouseError: the database can't be reached, its tables not be made or its files not be
            opened.
    """
    kept: AbstractContextManager[None]
    # Two processes that create Dagster's tables at once stumble over each other.
    if settings.use_postgres:
        with database_prepared(settings, "newsapi"):
            instance = _instance(home)
        kept = kept_connections(instance, _KEPT_SECONDS)
    else:
        try:
            with FileLock(home / ".opening.lock"):
                instance = _instance(home)
        except OSError as error:
            raise WarehouseError(
                f"Dagster's home can't be used: {error.filename or home}: "
                f"{error.strerror or error}; make it writable, move away what is in "
                "its place, or set DAGSTER_HOME to another place, and run again"
            ) from error
        kept = nullcontext()
    with instance, kept:
        yield instance


@contextmanager
def opened_records(settings: Settings, home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance, to look at what it has recorded.

    Raises:
        WarehouseError: it can't be reached.
    """
    try:
        with opened_instance(settings, home) as instance:
            yield instance
    except Exception as error:
        if not _is_of_records(error):
            raise
        raise _records_error(settings, home, error) from error


def upgrade_records(settings: Settings) -> None:
    """Create Dagster's own tables, or bring them to the version of Dagster that is installed.

    Raises:
        SettingsError, WarehouseError: Dagster's home or its database can't be written.
    """
    home = prepare_home(settings)
    try:
        with database_prepared(settings, "newsapi db upgrade"), _instance(home) as instance:
            instance.upgrade()
    except Exception as error:
        if not _is_of_records(error):
            raise
        raise _records_error(settings, home, error) from error


def _instance(home: Path) -> dg.DagsterInstance:
    overrides = dict(_IN_PROCESS)
    configured = yaml.safe_load((home / "dagster.yaml").read_text("utf-8")) or {}
    if not any("storage" in name for name in configured):
        overrides["storage"] = {
            "custom": {
                "module": "newsapi_dentsu.hosting.sqlite_storage",
                "class": "ProcessStorage",
                "config": {"base_dir": str(home)},
            }
        }
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides))


def _is_of_records(error: Exception) -> bool:
    """Whether Dagster's own storage failed, by the error's name: its module is slow to import."""
    return isinstance(error, DBAPIError) or type(error).__name__ == "DagsterPostgresException"


def _records_error(settings: Settings, home: Path, error: Exception) -> PipelineError:
    """Word a failure of Dagster's own storage."""
    cause = error if isinstance(error, DBAPIError) else error.__cause__
    text = str(cause.orig if isinstance(cause, DBAPIError) else cause).strip()
    reason = text.splitlines()[0] if text else type(error).__name__
    if settings.use_postgres and "unsupported startup parameter" in text:
        return WarehouseError(
            f"the pooler at {settings.postgres_host} refuses what Dagster sends ({reason}); what "
            "the run had stored stays. Let the pooler ignore it (ignore_startup_parameters = "
            "options), as docs/postgresql.md tells, or set POSTGRES_HOST and POSTGRES_PORT to "
            "PostgreSQL itself, and run again"
        )
    if settings.use_postgres:
        return WarehouseAwayError(
            f"Dagster's records in PostgreSQL at {settings.postgres_host} can't be written "
            f"({reason}); what the run had stored stays: run again when the server is back"
        )
    damaged = damaged_records(home)
    if damaged:
        return WarehouseError(
            f"{damaged} is damaged ({reason}): move it away and run again; Dagster makes it anew, "
            "without what it told of earlier runs, and no article is lost"
        )
    return WarehouseError(
        f"Dagster's records in {home} can't be written ({reason}): make room or make the "
        "folder writable, or set DAGSTER_HOME, and run again"
    )
