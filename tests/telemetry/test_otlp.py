"""A run's figures reach an OpenTelemetry collector, and never harm the run."""

import logging
import socket
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from alerts.servers import make_certificate
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.telemetry import export as exporting
from newsapi_dentsu.telemetry.export import export
from newsapi_dentsu.telemetry.instruments import INSTRUMENTS
from newsapi_dentsu.warehouse.tables.run_metrics import RunMetrics
from support.clock import NOON
from support.collector import Collector, collector
from support.http import FLOODS, OK, WITHOUT_END, Behaviour, answering, raw_server

RUN = RunMetrics(
    "run 1",
    "succeeded",
    NOON,
    origin="newsapi.ai",
    ended_at=NOON + timedelta(seconds=12),
    duration_seconds=12.0,
    fetched=110,
    new_records=100,
    changed_records=2,
    known_records=8,
    unusable_records=1,
    missing_days=2,
    disagreeing_days=1,
    url_twins=3,
    superseded_versions=2,
    copies=5,
    rejected_articles=7,
    rejected_by_reason={"off_topic": 4, "too_short": 3},
    articles_added=83,
    articles_changed=1,
    articles_removed=0,
    requests=4,
    retries=1,
    latency_mean_seconds=0.5,
    latency_min_seconds=0.2,
    latency_max_seconds=0.9,
    tokens_used=4,
    month_tokens=500,
    tokens_left=900,
    raw_rows=1000,
    processed_rows=900,
    final_rows=800,
    rejected_rows=100,
    storage_bytes=5_000_000,
    final_complete_through=NOON,
    freshness_seconds=12.0,
)


def settings(url: str, **others: Any) -> Settings:
    return Settings(_env_file=None, otel_exporter_otlp_endpoint=url, **others)


def decoded(got: Collector) -> dict[str, Any]:
    """The metrics of the only request, by name."""
    (request,) = got.received
    message = ExportMetricsServiceRequest.FromString(request.body)
    (resource,) = message.resource_metrics
    (scope,) = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def numbers(metric: Any) -> dict[tuple[str, ...], float]:
    """A metric's values by their attributes' values, the origin left out."""
    data = getattr(metric, metric.WhichOneof("data"))
    return {
        tuple(
            sorted(
                one.value.string_value for one in point.attributes if one.key != "newsapi.origin"
            )
        ): point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
        for point in data.data_points
    }


def test_every_instrument_arrives_with_its_unit_and_kind() -> None:
    with collector() as got:
        export(settings(got.url), [RUN])

    assert got.received[0].path == "/v1/metrics"
    assert got.received[0].headers["content-type"] == "application/x-protobuf"
    metrics = decoded(got)
    kinds = {"sum": "counter", "gauge": "gauge", "histogram": "histogram"}
    assert {
        name: (kinds[metric.WhichOneof("data")], metric.unit) for name, metric in metrics.items()
    } == {item.name: (item.kind, item.unit) for item in INSTRUMENTS}


def test_the_values_are_those_of_the_run() -> None:
    with collector() as got:
        export(settings(got.url), [RUN])

    metrics = decoded(got)
    prefix = "newsapi.pipeline."
    assert numbers(metrics[prefix + "runs"]) == {("succeeded",): 1}
    assert numbers(metrics[prefix + "run.duration"]) == {("succeeded",): 12.0}
    assert numbers(metrics[prefix + "records"]) == {("new",): 100, ("changed",): 2, ("known",): 8}
    assert numbers(metrics[prefix + "duplicates"]) == {
        ("url_twin",): 3,
        ("superseded_version",): 2,
        ("copy",): 5,
    }
    assert numbers(metrics[prefix + "rejections"]) == {("off_topic",): 4, ("too_short",): 3}
    assert numbers(metrics[prefix + "tokens.used"]) == {(): 504}
    assert numbers(metrics[prefix + "tokens.left"]) == {(): 900}
    assert numbers(metrics[prefix + "table.rows"])["final.filtered_news",] == 800
    assert numbers(metrics[prefix + "storage"]) == {(): 5_000_000}
    assert numbers(metrics[prefix + "freshness"]) == {(): 12.0}


def test_counts_are_of_the_run_alone_and_last_as_long_as_it() -> None:
    with collector() as got:
        export(settings(got.url), [RUN])

    runs = decoded(got)["newsapi.pipeline.runs"].sum
    assert runs.is_monotonic
    assert runs.aggregation_temporality == 1
    (point,) = runs.data_points
    assert point.start_time_unix_nano == NOON.timestamp() * 1e9
    assert point.time_unix_nano - point.start_time_unix_nano == 12_000_000_000
    assert {one.key: one.value.string_value for one in point.attributes} == {
        "newsapi.run.status": "succeeded",
        "newsapi.origin": "newsapi.ai",
    }


def test_request_durations_follow_the_semantic_conventions() -> None:
    with collector() as got:
        export(settings(got.url, newsapi_host="https://api.example.com"), [RUN])

    metric = decoded(got)["http.client.request.duration"]
    (point,) = metric.histogram.data_points
    assert metric.unit == "s"
    assert (point.count, point.sum, point.min, point.max) == (4, 2.0, 0.2, 0.9)
    attributes = {
        one.key: one.value.string_value or one.value.int_value for one in point.attributes
    }
    assert attributes == {
        "http.request.method": "POST",
        "server.address": "api.example.com",
        "server.port": 443,
        "newsapi.origin": "newsapi.ai",
    }


def test_what_a_run_does_not_know_is_left_out() -> None:
    failed = RunMetrics("run 2", "failed", NOON, "no key", ended_at=NOON, duration_seconds=0.0)
    with collector() as got:
        export(settings(got.url), [failed])

    assert set(decoded(got)) == {"newsapi.pipeline.runs", "newsapi.pipeline.run.duration"}


def test_headers_and_resource_attributes_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=production")
    with collector() as got:
        export(settings(got.url, otel_exporter_otlp_headers="api-key=secret-1,x-team=news"), [RUN])

    (request,) = got.received
    assert request.headers["api-key"] == "secret-1"
    assert request.headers["x-team"] == "news"
    message = ExportMetricsServiceRequest.FromString(request.body)
    resource = {
        one.key: one.value.string_value for one in message.resource_metrics[0].resource.attributes
    }
    assert resource["service.name"] == "newsapi-dentsu"
    assert resource["service.version"]
    assert resource["deployment.environment.name"] == "production"


def test_a_collector_that_refuses_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with collector(403) as got:
        export(settings(got.url), [RUN])

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("The run's figures could not be sent to OTLP: ")
    assert "403" in line
    assert "\n" not in line


@pytest.mark.parametrize("trouble", ["overloaded", "hanging", "away"])
def test_a_collector_in_trouble_costs_little_time_and_one_line(
    trouble: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PATIENCE", 1.0)
    with collector(503, hang=trouble == "hanging") as got:
        url = "http://127.0.0.1:9" if trouble == "away" else got.url
        started = time.monotonic()
        export(settings(url), [RUN])
        took = time.monotonic() - started

    assert took < 4
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "could not be sent to OTLP" in caplog.text


def test_a_collector_whose_answer_never_ends_costs_little_time_and_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PATIENCE", 1.0)

    def took(behave: Behaviour) -> float:
        with raw_server(behave) as url:
            started = time.monotonic()
            export(settings(url), [RUN])
            return time.monotonic() - started

    with ThreadPoolExecutor(len(WITHOUT_END)) as pool:
        times = dict(zip(WITHOUT_END, pool.map(took, WITHOUT_END.values()), strict=True))
    assert {kind: seconds for kind, seconds in times.items() if seconds > 1 + 2} == {}
    lines = [one for one in caplog.records if "could not be sent to OTLP" in one.getMessage()]
    # A body that floods over the limit comes after a status that says that the figures arrived.
    assert len(lines) >= len(WITHOUT_END) - len(FLOODS)


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/", "\xff\xfe", "/v1/metrics"])
def test_a_redirect_is_no_success_and_not_followed(
    location: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"HTTP/1.1 307 Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with raw_server(answering(head.encode("latin-1"))) as url:
        export(settings(url), [RUN])

    line = caplog.records[-1].getMessage()
    assert line.startswith("The run's figures could not be sent to OTLP: ")
    assert "307, a redirect" in line


def test_the_collector_may_have_a_certificate_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(exporting, "PATIENCE", 1.0)
    certificate, key = make_certificate(tmp_path_factory.mktemp("certificate"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[bytes] = []

    def behave(connection: socket.socket, _stop: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            asked.append(secure.recv(65536))
            secure.recv(65536)
            secure.sendall(f"{OK}Content-Length: 0\r\n\r\n".encode())

    with raw_server(behave, reads=False) as url:
        secure = url.replace("http:", "https:")
        export(settings(secure), [RUN])
        assert "could not be sent to OTLP" in caplog.text
        assert asked == []
        caplog.clear()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate))
        export(settings(secure), [RUN])
    assert asked[0].startswith(b"POST /v1/metrics HTTP/1.1")
    assert caplog.records == []


def test_without_the_extra_it_says_what_to_install(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    export(settings("http://127.0.0.1:9"), [RUN])

    (line,) = [record.getMessage() for record in caplog.records]
    assert "install newsapi-dentsu[otel]" in line
