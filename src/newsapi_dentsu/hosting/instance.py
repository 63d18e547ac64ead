"""Dagster's instance as every process of a deployment makes it: masked, and with our logs."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import dagster as dg
from typing_extensions import override

import newsapi_dentsu.hosting.database_connections  # noqa: F401 (they ask where to go)
from newsapi_dentsu import logs
from newsapi_dentsu.dagster_private import (
    ConfigurableClassData,
    DaemonHeartbeat,
    InstanceRef,
    InstigatorTick,
    TickData,
)
from newsapi_dentsu.hosting.dagster_logs import take_over_dagster
from newsapi_dentsu.stages.pipeline import STEPS, read_report
from newsapi_dentsu.stages.report import CollectReport, DeduplicateReport

logger = logging.getLogger(__name__)

DagsterRecord = TypeVar(
    "DagsterRecord", dg.EventLogEntry, TickData, InstigatorTick, DaemonHeartbeat
)

_ENDS = {
    dg.DagsterEventType.RUN_SUCCESS: "success",
    dg.DagsterEventType.RUN_FAILURE: "failure",
    dg.DagsterEventType.RUN_CANCELED: "canceled",
}
_IDENTIFIERS = frozenset(
    {"__class__", "__enum__", "run_id", "job_name", "pipeline_name", "step_key", "event_type_value"}
)
"""Fields that hold names of ours, which would stop working if a part of one were masked."""


class PipelineInstance(dg.DagsterInstance):
    """Keeps secrets out of what Dagster stores, and reports in the logs how each run ended.

    Every process makes one (`instance_class` in dagster.yaml), which is also when it begins to log
    as the pipeline does.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not logs.configured():
            logs.configure_service()
        take_over_dagster()

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Keys of dagster.yaml that this class adds to Dagster's: none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """What dagster.yaml doesn't name: as Dagster has it."""
        return InstanceRef.config_defaults(base_dir)

    @override
    def get_handlers(self) -> Sequence[logging.Handler]:
        handlers = logs.run_handlers()
        for handler in handlers:
            handler.addFilter(_name_stage)
        return [*super().get_handlers(), *handlers]

    @override
    def store_event(self, event: dg.EventLogEntry) -> None:
        super().store_event(masked(event))

    @override
    def handle_new_event(self, event: dg.EventLogEntry, *, batch_metadata: Any = None) -> None:
        super().handle_new_event(masked(event), batch_metadata=batch_metadata)
        happened = event.dagster_event
        if happened is not None and happened.event_type in _ENDS and logs.run_handlers():
            try:
                self._log_end(event.run_id, _ENDS[happened.event_type])
            except Exception:
                # The run has ended by now, so no fault in logging may change how.
                logger.exception("The figures of run %s can't be read", event.run_id)

    @override
    def create_tick(self, tick_data: TickData) -> InstigatorTick:
        return super().create_tick(masked(tick_data))

    @override
    def update_tick(self, tick: InstigatorTick) -> InstigatorTick:
        updated: InstigatorTick = super().update_tick(masked(tick))
        return updated

    @override
    def add_daemon_heartbeat(self, daemon_heartbeat: DaemonHeartbeat) -> None:
        super().add_daemon_heartbeat(masked(daemon_heartbeat))

    def _log_end(self, run_id: str, status: str) -> None:
        record = self.get_run_record_by_id(run_id)
        if record is None:
            return
        fields: dict[str, Any] = {
            "event": logs.RUN_FINISHED,
            "status": status,
            "run_id": run_id,
            "job": record.dagster_run.job_name,
        }
        if record.start_time and record.end_time:
            fields["seconds"] = round(record.end_time - record.start_time, 3)
        fields |= self._figures(run_id)
        level = logging.ERROR if status == "failure" else logging.INFO
        logger.log(level, "Run %s ended: %s", run_id, status, extra=fields)

    def _figures(self, run_id: str) -> dict[str, int]:
        """The run's figures, from the metadata of what it materialized before it ended."""
        entries = self.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        figures: dict[str, int] = {}
        for entry in entries:
            event = entry.dagster_event
            stage = STEPS.get(event.step_key or "") if event else None
            if event is None or stage is None:
                continue
            values = event.step_materialization_data.materialization.metadata
            report = read_report(stage.name, {name: value.value for name, value in values.items()})
            if isinstance(report, CollectReport):
                figures["articles_fetched"] = report.fetched
                figures["articles_new"] = report.new
                figures["days_missing"] = len(report.missing_days)
            elif isinstance(report, DeduplicateReport):
                figures["duplicates_removed"] = report.url_twins + report.superseded
        return figures


def _name_stage(record: logging.LogRecord) -> bool:
    """Add to a line of a run's step which stage and asset it is of."""
    stage = STEPS.get((getattr(record, "dagster_meta", None) or {}).get("step_key") or "")
    if stage is not None:
        record.stage, record.asset = stage.name, stage.asset
    return True


def masked(stored: DagsterRecord) -> DagsterRecord:
    """What Dagster is about to store, with every secret in its texts masked."""
    plain = json.loads(dg.serialize_value(stored))
    texts = "\0".join(_texts(plain))
    if logs.without_secrets(texts) == texts:
        return stored
    value: DagsterRecord = dg.deserialize_value(json.dumps(_masked(plain)), type(stored))
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("__class__") == "AssetKey":
            return value
        return {key: item if key in _IDENTIFIERS else _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return logs.without_secrets_in(value)
