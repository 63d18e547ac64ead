"""Alerts, queries, diagnostic settings, workbooks, the budget."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from newsapi_infra.config import StackConfig
from newsapi_infra.monitoring import log_contract, queries
from newsapi_infra.monitoring.alert_rules import Alert, LogAlert, MetricAlert, alerts_for
from newsapi_infra.offline.alert_page import page
from newsapi_infra.offline.configuration import read_config
from newsapi_infra.offline.graph import Graph

Graphs = Callable[[str], Graph]
METRICS = yaml.safe_load((Path(__file__).parent / "metrics.yaml").read_text(encoding="utf-8"))
DOCS = Path(__file__).parents[2] / "docs"

METRIC_WINDOWS = {"PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D"}
APPLICATION_SETTINGS = {"REQUEST_TIMEOUT_SECONDS"}

LOG_WINDOWS = {
    *("PT5M", "PT10M", "PT15M", "PT30M", "PT45M"),
    *("PT1H", "PT2H", "PT3H", "PT4H", "PT5H", "PT6H", "P1D", "P2D"),
}


@pytest.fixture(scope="module")
def config() -> StackConfig:
    return read_config("prod")


@pytest.fixture(scope="module")
def alerts(config: StackConfig) -> list[Alert]:
    return alerts_for(config)


def test_metrics_are_ones_that_azure_has(graph: Graph) -> None:
    for item in graph.all("monitor:MetricAlert"):
        for criterion in item.inputs["criteria"]["allOf"]:
            known = METRICS[criterion["metricNamespace"]]["metrics"]
            assert criterion["metricName"] in known, item.logical
            assert METRICS[criterion["metricNamespace"]]["source"]


def test_a_metric_alert_watches_a_resource_of_its_namespace(graph: Graph) -> None:
    for item in graph.all("monitor:MetricAlert"):
        (scope,) = item.inputs["scopes"]
        (criterion,) = item.inputs["criteria"]["allOf"]
        assert f"/providers/{criterion['metricNamespace']}/" in scope


def test_windows_and_frequencies_are_ones_that_azure_takes(alerts: list[Alert]) -> None:
    for alert in alerts:
        windows = METRIC_WINDOWS if isinstance(alert, MetricAlert) else LOG_WINDOWS
        assert alert.window in windows, alert.name
        assert alert.every in {"PT1M", "PT5M", "PT15M", "PT30M", "PT1H"}, alert.name


def test_every_alert_of_the_table_becomes_a_resource(prod: Graph, alerts: list[Alert]) -> None:
    declared = {
        item.logical
        for kind in ("monitor:MetricAlert", "monitor:ScheduledQueryRule")
        for item in prod.all(kind)
    }
    assert declared == {f"alert-{alert.name}" for alert in alerts}
    assert len({alert.name for alert in alerts}) == len(alerts)


def test_every_alert_names_a_runbook_that_exists(prod: Graph) -> None:
    text = (DOCS / "infrastructure-alerts.md").read_text(encoding="utf-8")
    anchors = set(re.findall(r"^## (.+)$", text, re.M))
    for kind in ("monitor:MetricAlert", "monitor:ScheduledQueryRule"):
        for item in prod.all(kind):
            link = item.inputs["description"].rsplit("Runbook: ", 1)[1]
            base, anchor = link.split("#")
            assert base.endswith("/docs/infrastructure-alerts.md")
            assert anchor in anchors, item.logical


def test_every_runbook_says_what_to_do(alerts: list[Alert]) -> None:
    for alert in alerts:
        assert min(len(alert.runbook.means), len(alert.runbook.look), len(alert.runbook.do)) > 15


def test_the_page_of_alerts_is_up_to_date(config: StackConfig) -> None:
    text = (DOCS / "infrastructure-alerts.md").read_text(encoding="utf-8")
    assert text == page(config), "make infra-docs"


def test_owners_hear_what_azure_says_of_itself(stack_graph: Graph) -> None:
    alert = stack_graph.one("monitor:ActivityLogAlert").inputs
    assert alert["condition"] == {"allOf": [{"field": "category", "equals": "ServiceHealth"}]}
    (scope,) = alert["scopes"]
    assert scope == f"/subscriptions/{stack_graph.config['azure-native:subscriptionId']}"
    (action,) = alert["actions"]["actionGroups"]
    assert action["actionGroupId"] == stack_graph.one("monitor:ActionGroup", "notify-warning").id


def test_the_connections_alert_follows_the_servers_size(graphs: Graphs) -> None:
    def threshold(stack: str) -> object:
        item = graphs(stack).one("monitor:MetricAlert", "alert-database-connections")
        return item.inputs["criteria"]["allOf"][0]["threshold"]

    assert threshold("prod") == 687
    assert threshold("dev") == 343


def test_urgencies_lead_to_the_right_people(prod: Graph) -> None:
    groups = {item.logical: item.inputs for item in prod.all("monitor:ActionGroup")}
    critical = groups["notify-critical"]
    assert len(critical["emailReceivers"]) == 2
    assert critical["webhookReceivers"][0]["useCommonAlertSchema"] is True
    assert groups["notify-warning"]["emailReceivers"]
    assert groups["notify-info"]["logicAppReceivers"]
    for group in groups.values():
        assert len(group["groupShortName"]) <= 12


def test_an_alert_goes_to_the_group_of_its_urgency(prod: Graph, alerts: list[Alert]) -> None:
    channels = {alert.name: alert.channel for alert in alerts}
    groups = {
        item.logical.removeprefix("notify-"): item.id for item in prod.all("monitor:ActionGroup")
    }
    for item in prod.all("monitor:MetricAlert"):
        expected = groups[channels[item.logical.removeprefix("alert-")]]
        assert [a["actionGroupId"] for a in item.inputs["actions"]] == [expected]
    for item in prod.all("monitor:ScheduledQueryRule"):
        expected = groups[channels[item.logical.removeprefix("alert-")]]
        assert item.inputs["actions"]["actionGroups"] == [expected]


def test_rules_of_the_application_speak_only_while_it_is_silent(alerts: list[Alert]) -> None:
    twins = {alert.name for alert in alerts if isinstance(alert, LogAlert) and alert.twin}
    assert twins == {"runs-failing", "runs-failing-share", "no-articles", "api-slow"}
    for alert in alerts:
        if isinstance(alert, LogAlert) and alert.twin:
            assert alert.query.startswith(queries.APPLICATION_SILENT)
            assert "silent" in alert.query.removeprefix(queries.APPLICATION_SILENT)
            # The heartbeat is hourly and a rule sees its window only.
            assert alert.window not in {"PT5M", "PT10M", "PT15M", "PT30M", "PT45M", "PT1H"}


ALL_QUERIES = {
    **queries.SAVED,
    **queries.PIPELINE_HEALTH,
    **queries.INFRASTRUCTURE_HEALTH,
    "beats": queries.DAEMON_BEATS,
    "failed": queries.FAILED_RUNS,
    "share": queries.FAILED_SHARE,
    "none": queries.NO_ARTICLES,
    "slow": queries.SLOW_API,
}


@pytest.mark.parametrize("name", ALL_QUERIES)
def test_queries_use_fields_and_events_of_the_agreed_log_lines(name: str) -> None:
    query = ALL_QUERIES[name]
    fields = set(re.findall(r"\bline\.(\w+)", query))
    events = set(re.findall(r'line\.event == "(\w+)"', query))
    assert fields <= set(log_contract.FIELDS)
    assert events <= set(log_contract.EVENTS)
    if events:
        of_every_line = {"time", "level", "logger", "message", "event"}
        of_events = {name for event in events for name in log_contract.EVENTS[event]}
        assert fields <= of_every_line | of_events
    for opening, closing in ("()", "[]", "{}"):
        assert query.count(opening) == query.count(closing)
    assert query.count('"') % 2 == 0


def test_a_rules_measure_is_a_column_of_its_query(alerts: list[Alert]) -> None:
    for alert in alerts:
        if isinstance(alert, LogAlert):
            assert re.search(rf"\b{alert.measure} =", alert.query), alert.name


def test_the_saved_queries_have_the_designed_names(stack_graph: Graph) -> None:
    assert {
        item.inputs["displayName"] for item in stack_graph.all("operationalinsights:SavedSearch")
    } == {
        "containerapp-dagster-webserver",
        "containerapp-dagster-daemon",
        "containerapp-news-api",
        "postgresql-newsapi-db",
        "firewall-false-positives",
    }


def test_one_workspace_keeps_thirty_days_and_older_logs_go_to_storage(stack_graph: Graph) -> None:
    workspace = stack_graph.one("operationalinsights:Workspace")
    assert workspace.inputs["retentionInDays"] == 30
    export = stack_graph.one("operationalinsights:DataExport").inputs
    assert export["resourceId"] == stack_graph.one("storage:StorageAccount").id
    for item in stack_graph.all("monitor:DiagnosticSetting"):
        assert item.inputs["workspaceId"] == workspace.id
    archived = {
        item.logical
        for item in stack_graph.all("monitor:DiagnosticSetting")
        if item.inputs.get("storageAccountId") == stack_graph.one("storage:StorageAccount").id
    }
    gateway = {"diagnostics-gateway"} if stack_graph.all("network:ApplicationGateway") else set()
    replica = stack_graph.config.get("newsapi-infra:databaseReadReplica")
    servers = {"diagnostics-database"} | ({"diagnostics-read-replica"} if replica else set())
    assert archived == servers | gateway
    activity = stack_graph.one("monitor:SubscriptionDiagnosticSetting").inputs
    assert {"Administrative", "Security"} <= {item["category"] for item in activity["logs"]}


EXPORTABLE = yaml.safe_load((Path(__file__).parent / "exportable.yaml").read_text("utf-8"))
ADDRESSES_OF_OPTIONS = ("vpn-ip", "bastion-ip")
"""Watched through what they belong to."""


def test_diagnostic_settings_ask_for_what_a_kind_can_export(graph: Graph) -> None:
    kinds = {item.id: item.arm_name for item in graph.resources}
    for item in graph.all("monitor:DiagnosticSetting"):
        can = EXPORTABLE[kinds[item.inputs["resourceUri"]]]
        assert can["source"]
        asked = {kind for kind in ("logs", "metrics") if item.inputs.get(kind)}
        assert asked, f"{item.logical}: a setting that exports nothing is refused"
        assert asked == {kind for kind in ("logs", "metrics") if can[kind]}, item.logical


def test_everything_that_can_sends_its_diagnostics(graph: Graph) -> None:
    watched = {item.inputs["resourceUri"] for item in graph.all("monitor:DiagnosticSetting")}
    able = {kind for kind, can in EXPORTABLE.items() if can["logs"] or can["metrics"]}
    missing = [
        item.urn
        for item in graph.resources
        if item.arm_name in able
        and item.id not in watched
        and item.logical not in ADDRESSES_OF_OPTIONS
    ]
    assert missing == []


def test_no_chart_reads_metrics_from_the_workspace_that_nobody_can_send(prod: Graph) -> None:
    unable = {kind for kind, can in EXPORTABLE.items() if not can["metrics"]}
    names = {name for kind in unable for name in METRICS.get(kind, {"metrics": []})["metrics"]}
    assert names
    for title, query in queries.INFRASTRUCTURE_HEALTH.items():
        assert not [name for name in names if f'"{name}"' in query], title


def test_bytes_through_nat_are_charted_from_its_metrics(graph: Graph) -> None:
    book = graph.one("applicationinsights:Workbook", "workbook-infrastructure-health").inputs
    items = json.loads(book["serializedData"])["items"]
    (chart,) = [item["content"] for item in items if item["type"] == 10]
    assert chart["resourceIds"] == [graph.one("network:NatGateway").id]
    (metric,) = chart["metrics"]
    namespace, name = metric["metric"].split("--")
    assert namespace == metric["namespace"] == chart["resourceType"]
    known = {kind.lower(): row["metrics"] for kind, row in METRICS.items()}
    assert name in known[namespace]


def test_both_workbooks_are_charts_over_queries(prod: Graph) -> None:
    books = {item.logical: item.inputs for item in prod.all("applicationinsights:Workbook")}
    assert set(books) == {"workbook-pipeline-health", "workbook-infrastructure-health"}
    for book in books.values():
        document = json.loads(book["serializedData"])
        charts = [item["content"] for item in document["items"] if item["type"] == 3]
        assert len(charts) >= 4
        assert all(chart["timeContextFromParameter"] == "TimeRange" for chart in charts)
    infrastructure = json.loads(books["workbook-infrastructure-health"]["serializedData"])
    kinds = {i["content"]["visualization"] for i in infrastructure["items"] if i["type"] == 3}
    assert kinds == {"areachart"}
    pipeline = json.loads(books["workbook-pipeline-health"]["serializedData"])["items"]
    shown = [item["content"] for item in pipeline if item["type"] == 3]
    assert [one["visualization"] for one in shown] == ["tiles"] * 3 + ["linechart"] * 4
    for tile in shown[:3]:
        assert {"Title", "Value"} == {
            tile["tileSettings"][part]["columnMatch"] for part in ("titleContent", "leftContent")
        }


def test_the_budget_tells_before_it_is_spent(stack_graph: Graph) -> None:
    budget = stack_graph.one("consumption:Budget").inputs
    assert budget["timeGrain"] == "Monthly"
    assert {item["threshold"] for item in budget["notifications"].values()} == {80, 100, 110}
    assert budget["timePeriod"]["startDate"].endswith("-01T00:00:00Z")


def test_runbooks_name_files_and_settings_that_exist(alerts: list[Alert]) -> None:
    package = Path(queries.__file__).parents[1]
    settings = (package / "config.py").read_text("utf-8")
    named = 0
    for alert in alerts:
        text = " ".join((alert.runbook.means, alert.runbook.look, alert.runbook.do))
        files = re.findall(r"`([\w/]+\.py)`", text)
        for name in files:
            assert (package / name).is_file(), f"{alert.name}: {name}"
        for constant in re.findall(r"`([A-Z_]{4,})`", text):
            here = [
                path for path in files if f"{constant} = " in (package / path).read_text("utf-8")
            ]
            assert here or constant in APPLICATION_SETTINGS, f"{alert.name}: {constant}"
            named += 1
        for setting in re.findall(r"`((?:database|webserver|news|redis)[A-Z]\w+)`", text):
            assert f'"{setting}"' in settings, f"{alert.name}: {setting}"
            named += 1
    assert named >= 5
