"""The pipeline's settings, warehouse and source, as the resource that assets and checks use."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import dagster as dg
from pydantic import PrivateAttr

from newsapi_dentsu.defs.failures import first_error
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import WarehouseBusyError
from newsapi_dentsu.masking import known_secrets, mask
from newsapi_dentsu.progress import Bars, no_progress
from newsapi_dentsu.runs.measuring import begin_run, end_run, refuse_run
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.source import load_topics
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.tables.run_metrics import RunMetrics

logger = logging.getLogger(__name__)

progress_of_stage: ContextVar[Bars] = ContextVar(
    "progress_of_stage", default=lambda _stage: no_progress
)
"""Set by whoever executes a run in its own process and wants to show how far each stage is."""

ATTENDED = "newsapi/attended"
"""Tag of a run that somebody waits for, who rather hears of trouble than waits for retries."""


UNATTENDED_PATIENCE = 20
"""How many times longer a run waits for a DuckDB file that another process holds when nobody waits
for the run: somebody's notebook is closed in a while, and the next run would be hours away.
"""

LONGEST_PATIENCE = 600.0
"""Seconds that such a run waits at most, unless DATABASE_WAIT_SECONDS is more."""


def patient(settings: Settings) -> Settings:
    """The settings of a run that nobody waits for."""
    wait = settings.database_wait_seconds
    if settings.use_postgres:
        return settings
    longer = max(wait, min(UNATTENDED_PATIENCE * wait, LONGEST_PATIENCE))
    return settings.model_copy(update={"database_wait_seconds": longer})


_SEARCH_SECONDS = 20.0
"""How long a run goes on making the index of searches, where there is much to make."""


class PipelineResource(dg.ConfigurableResource["PipelineResource"]):
    """What every step of a run shares; holds the run lock from the first step to the last.

    A run that finds another one under way waits for it, so that two never interleave.
    """

    _settings: Settings = PrivateAttr()
    _topics: Topics = PrivateAttr()
    _warehouse: Warehouse = PrivateAttr()
    _counted: dict[str, int] = PrivateAttr()

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self._settings

    @property
    def topics(self) -> Topics:
        """The topics to search for."""
        return self._topics

    @property
    def warehouse(self) -> Warehouse:
        """The tables, up to date."""
        return self._warehouse

    @property
    def counted(self) -> dict[str, int]:
        """The rows of the tables that this run has brought up to date."""
        return self._counted

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["PipelineResource"]:
        """Prepare the warehouse and hold the run lock while the run lasts."""
        self._settings = load_settings()
        if context.run is not None and ATTENDED not in context.run.tags:
            self._settings = patient(self._settings)
        self._topics = load_topics(self._settings)
        self._warehouse = open_warehouse(self._settings)
        self._counted = {}
        with closing(self._warehouse):
            if context.run is None or context.instance is None:
                wait = self._settings.run_wait_seconds
                with self._warehouse.run_lock("an execution outside a run", wait):
                    self._warehouse.upgrade()
                    yield self
            else:
                with self._measured(context.run.run_id, context.instance):
                    yield self

    @contextmanager
    def _measured(self, run_id: str, instance: dg.DagsterInstance) -> Iterator[None]:
        """Hold the run lock for a run and keep its figures."""
        ended: list[RunMetrics] = []
        with ExitStack() as held:
            try:
                wait = self._settings.run_wait_seconds
                held.enter_context(self._warehouse.run_lock(f"run {run_id}", wait))
            except WarehouseBusyError as busy:
                refuse_run(self._warehouse, run_id, datetime.now(UTC), str(busy))
                raise
            with self._warehouse.kept_open():
                self._warehouse.upgrade()
                ended += begin_run(self._warehouse, run_id, datetime.now(UTC))
            yield
            error = self._failure(run_id, instance)
            done = end_run(
                self._warehouse, run_id, datetime.now(UTC), error=error, counted=self._counted
            )
            ended += [done] if done else []
            self._publish()
        if self._settings.sends_figures:
            from newsapi_dentsu.telemetry.export import export

            export(self._settings, ended)

    def _publish(self) -> None:
        """Bring what readers read up to date; where that fails, the next run completes it."""
        from newsapi_dentsu.meaning.embedder import open_embedder
        from newsapi_dentsu.reading.copy import publish
        from newsapi_dentsu.reading.index import publish_search, reach_told

        folder = self._settings.reading_folder
        try:
            if not self._settings.use_postgres:
                publish(self._warehouse, folder)
            model = open_embedder(self._settings).model
            reach = publish_search(self._warehouse, folder, model, seconds=_SEARCH_SECONDS)
            if reach is None or reach.missing:
                logger.warning(
                    "%s; later runs go on, or `newsapi searches index`", reach_told(reach)
                )
        except Exception as error:
            # What the run has stored is right, whatever becomes of the copy.
            logger.warning("Readers see the copy of before, which the next run renews: %s", error)

    def _failure(self, run_id: str, instance: dg.DagsterInstance) -> str | None:
        """Why a step of the run failed, secrets masked; None where none did."""
        failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if not failures:
            return None
        told = first_error(entry.dagster_event for entry in failures if entry.dagster_event)
        return mask(told or "a step failed", known_secrets(self._settings))
