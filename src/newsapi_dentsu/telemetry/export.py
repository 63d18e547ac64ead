"""Sending a run's figures away when it ends: OTLP over HTTP, Azure Monitor.

The libraries are extras (`otel`, `azure`) and imported only where an address is set. Points are
made here rather than by a meter: a run is one moment of measuring, known whole when it ends, and
runs that died are told by the next one with the times at which they ran.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsapi_dentsu.deadline import within
from newsapi_dentsu.masking import known_secrets, mask
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.telemetry.instruments import INSTRUMENTS, Durations, Instrument
from newsapi_dentsu.warehouse.tables.raw import SANDBOX
from newsapi_dentsu.warehouse.tables.run_metrics import RunMetrics

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricExporter, MetricsData

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a receiver has, all tries included."""

_GRACE = 1.0
"""Seconds more that a run waits for the receiver's library to give up."""

_NAME = "newsapi-dentsu"
_WHAT_THEY_LOG = ("opentelemetry", "azure")


def export(settings: Settings, runs: Sequence[RunMetrics]) -> None:
    """Send the figures of runs that ended to whatever the settings name.

    What goes wrong is one warning each, and never an error: the rows in the database stay.
    """
    if runs and settings.otel_exporter_otlp_endpoint:
        _send("OTLP", settings, runs, _otlp, "otel")
    if runs and settings.applicationinsights_connection_string:
        _send("Azure Monitor", settings, runs, _azure_monitor, "azure")


def _send(
    receiver: str,
    settings: Settings,
    runs: Sequence[RunMetrics],
    exporter: Callable[[Settings], "MetricExporter"],
    extra: str,
) -> None:
    try:
        with _overheard() as said:
            sender, data = exporter(settings), metrics_data(runs, settings.newsapi_host)
            trouble = None if _sent(sender, data) else said[-1] if said else "it refused them"
    except ImportError as error:
        trouble = f"{error}: install newsapi-dentsu[{extra}]"
    except Exception as error:
        # The run has ended by now, so no fault of a receiver's library may change how.
        trouble = f"{type(error).__name__}: {error}"
    if trouble:
        reason = mask(" ".join(trouble.split()), known_secrets(settings))
        logger.warning("The run's figures could not be sent to %s: %s", receiver, reason)


def _sent(sender: "MetricExporter", data: "MetricsData") -> bool:
    """Send; the libraries' time limits don't cover all that they do."""
    from opentelemetry.sdk.metrics.export import MetricExportResult

    try:
        result = within(PATIENCE + _GRACE, lambda: sender.export(data))
    except TimeoutError:
        raise TimeoutError(f"no answer within {PATIENCE:g} s") from None
    return result is MetricExportResult.SUCCESS


def _otlp(settings: Settings) -> "MetricExporter":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.util.re import parse_env_headers

    from newsapi_dentsu.telemetry.session import bounded_session

    headers = settings.otel_exporter_otlp_headers
    return OTLPMetricExporter(
        endpoint=f"{settings.otel_exporter_otlp_endpoint}/v1/metrics",
        headers=parse_env_headers(headers.get_secret_value(), liberal=True) if headers else None,
        timeout=PATIENCE,
        session=bounded_session(),
    )


def _azure_monitor(settings: Settings) -> "MetricExporter":
    # Its statistics about itself would go to Microsoft, from threads that outlive the export.
    os.environ.setdefault("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    os.environ.setdefault("APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED", "true")
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter

    secret = settings.applicationinsights_connection_string
    return AzureMonitorMetricExporter(
        connection_string=secret.get_secret_value() if secret else None,
        disable_offline_storage=True,
        timeout=PATIENCE,
        retry_total=0,
    )


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Keep what the libraries log, so that one warning can quote it."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    listener = Listener(logging.WARNING)
    loggers = [logging.getLogger(name) for name in _WHAT_THEY_LOG]
    before = [one.propagate for one in loggers]
    for one in loggers:
        one.addHandler(listener)
        one.propagate = False
    try:
        yield said
    finally:
        for one, propagate in zip(loggers, before, strict=True):
            one.removeHandler(listener)
            one.propagate = propagate


def metrics_data(runs: Sequence[RunMetrics], host: str) -> "MetricsData":
    """The figures of runs as OpenTelemetry holds them; each point lasts from start to end.

    Args:
        runs: runs that ended.
        host: base address of the API that requests were sent to.
    """
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    own = {"service.name": _NAME, "service.version": version(_NAME)}
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word.
    resource = Resource.create(own).merge(OTELResourceDetector().detect())
    metrics = [
        one for one in (_metric(item, runs, host) for item in INSTRUMENTS) if one is not None
    ]
    scope = ScopeMetrics(InstrumentationScope(_NAME, version(_NAME)), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(instrument: Instrument, runs: Sequence[RunMetrics], host: str) -> "Metric | None":
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Gauge,
        Histogram,
        HistogramDataPoint,
        Metric,
        NumberDataPoint,
        Sum,
    )

    numbers: list[NumberDataPoint] = []
    histograms: list[HistogramDataPoint] = []
    for run in runs:
        begin, end = _nanoseconds(run.started_at), _nanoseconds(run.ended_at or run.started_at)
        for attributes, value in instrument.points(run):
            marked = dict[str, str | int](attributes)
            if run.origin:
                marked["newsapi.origin"] = run.origin
            if isinstance(value, Durations):
                histograms.append(
                    HistogramDataPoint(
                        attributes=marked | _server(host, run),
                        start_time_unix_nano=begin,
                        time_unix_nano=end,
                        count=value.count,
                        sum=value.total,
                        # One bucket: no record is kept of how the times are spread.
                        bucket_counts=[value.count],
                        explicit_bounds=[],
                        min=value.shortest,
                        max=value.longest,
                    )
                )
            elif value is not None:
                numbers.append(NumberDataPoint(marked, begin, end, value))
    delta = AggregationTemporality.DELTA
    data: Sum | Gauge | Histogram
    if histograms:
        data = Histogram(histograms, delta)
    elif not numbers:
        return None
    elif instrument.kind == "counter":
        data = Sum(numbers, delta, is_monotonic=True)
    else:
        data = Gauge(numbers)
    return Metric(instrument.name, instrument.description, instrument.unit, data)


def _server(host: str, run: RunMetrics) -> dict[str, str | int]:
    """Whom requests were sent to; the built-in sandbox listens wherever there is room."""
    parts = urlsplit(host)
    if run.origin == SANDBOX or not parts.hostname:
        return {"server.address": "localhost"}
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"server.address": parts.hostname, "server.port": port}


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
