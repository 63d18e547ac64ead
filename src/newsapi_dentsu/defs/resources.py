"""The pipeline's settings, warehouse and source, as the resource that assets and checks use."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar

import dagster as dg
from pydantic import PrivateAttr

from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.source import load_topics
from newsapi_dentsu.stages.report import Progress, no_progress
from newsapi_dentsu.warehouse import Warehouse, open_warehouse

progress_of_stage: ContextVar[Callable[[str], Progress]] = ContextVar(
    "progress_of_stage", default=lambda _stage: no_progress
)
"""Set by whoever executes a run in its own process and wants to show how far each stage is."""


class PipelineResource(dg.ConfigurableResource["PipelineResource"]):
    """What every step of a run shares; holds the run lock from the first step to the last.

    A run that finds another one under way waits for it, so that two never interleave.
    """

    _settings: Settings = PrivateAttr()
    _topics: Topics = PrivateAttr()
    _warehouse: Warehouse = PrivateAttr()

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

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["PipelineResource"]:
        """Prepare the warehouse and hold the run lock while the run lasts."""
        self._settings = load_settings()
        self._topics = load_topics(self._settings)
        self._warehouse = open_warehouse(self._settings)
        holder = f"run {context.run.run_id}" if context.run else "an execution outside a run"
        with (
            closing(self._warehouse),
            self._warehouse.run_lock(holder, self._settings.run_wait_seconds),
        ):
            self._warehouse.upgrade()
            yield self
