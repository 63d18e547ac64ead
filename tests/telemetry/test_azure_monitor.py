"""A run's figures reach Application Insights as custom metrics, by Microsoft's exporter."""

import json

import pytest

from newsapi_dentsu.settings import Settings
from newsapi_dentsu.telemetry import export as exporting
from newsapi_dentsu.telemetry.export import export
from support.collector import collector

from .test_otlp import RUN

KEY = "00000000-0000-4000-8000-000000000001"
ACCEPTED = json.dumps({"itemsReceived": 1, "itemsAccepted": 1, "errors": []}).encode()


def settings(url: str) -> Settings:
    connection = f"InstrumentationKey={KEY};IngestionEndpoint={url}"
    return Settings(_env_file=None, applicationinsights_connection_string=connection)


def test_figures_arrive_as_custom_metrics() -> None:
    with collector(answer=ACCEPTED) as got:
        export(settings(got.url), [RUN])

    sent = [
        item["data"]["baseData"]
        for request in got.received
        for item in json.loads(request.body)
        if "/track" in request.path
    ]
    values = {
        (data["metrics"][0]["name"], data["properties"].get("newsapi.duplicate.kind")): data[
            "metrics"
        ][0]["value"]
        for data in sent
    }
    assert values["newsapi.pipeline.duplicates", "copy"] == 5
    assert values["newsapi.pipeline.tokens.left", None] == 900
    assert values["http.client.request.duration", None] == 2.0


def test_a_receiver_that_refuses_is_one_line_without_its_key(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PATIENCE", 3.0)
    with collector(400, answer=b"no") as got:
        export(settings(got.url), [RUN])

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("The run's figures could not be sent to Azure Monitor: ")
    assert KEY not in line
