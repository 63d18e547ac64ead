"""The queries over the logs: saved ones, those of alerts, those of workbooks."""

from newsapi_infra import names
from newsapi_infra.monitoring.log_contract import ALERTS_EVALUATED, API_RESPONSE, RUN_FINISHED

_APPS = f'"{names.WEBSERVER}", "{names.DAEMON}", "{names.NEWS_API}"'

LINES = f"""ContainerAppConsoleLogs
| where ContainerAppName in ({_APPS}) or isnotempty(JobName)
| extend line = parse_json(Log)
| where isnotempty(line.event)"""
"""The application's own lines, parsed."""

RUNS = f"""{LINES}
| where line.event == "{RUN_FINISHED}"
| extend run_id = tostring(line.run_id), status = tostring(line.status)
| summarize arg_max(TimeGenerated, *) by run_id"""
"""The last word on each run."""

APPLICATION_SILENT = f"""let silent = toscalar(ContainerAppConsoleLogs
    | where TimeGenerated > ago(90m)
    | extend line = parse_json(Log)
    | where line.event == "{ALERTS_EVALUATED}"
    | count) == 0;
"""
"""Before a rule that the application has too: speak only while the application is silent.

A rule sees no further back than its window, so the window of such a rule is at least 2 hours.
"""


def _app_log(app: str) -> str:
    return f"""ContainerAppConsoleLogs
| where ContainerAppName == "{app}"
| extend line = parse_json(Log)
| project TimeGenerated, RevisionName, level = tostring(line.level),
    message = coalesce(tostring(line.message), Log), run_id = tostring(line.run_id)
| order by TimeGenerated desc"""


FIREWALL_HITS = """AGWFirewallLogs
| where Action in ("Matched", "Detected", "Blocked")
| summarize Hits = count(), Paths = make_set(RequestUri, 5), Last = max(TimeGenerated)
    by RuleSetType, RuleId, Message, Action
| order by Hits desc"""
"""What the firewall refuses, or would refuse in prevention."""

SAVED = {
    "containerapp-dagster-webserver": _app_log(names.WEBSERVER),
    "containerapp-dagster-daemon": _app_log(names.DAEMON),
    "containerapp-news-api": _app_log(names.NEWS_API),
    "postgresql-newsapi-db": """AzureDiagnostics
| where ResourceProvider == "MICROSOFT.DBFORPOSTGRESQL" and Category == "PostgreSQLLogs"
| project TimeGenerated, Resource, errorLevel_s, Message
| order by TimeGenerated desc""",
    "firewall-false-positives": FIREWALL_HITS,
}

DAEMON_BEATS = f"""ContainerAppConsoleLogs
| where ContainerAppName == "{names.DAEMON}"
| summarize Beats = count()"""
"""A daemon writes a line at least each minute; without `by`, no lines is a row with 0."""

FAILED_RUNS = f"""{APPLICATION_SILENT}{RUNS}
| where silent and TimeGenerated > ago(1h) and status == "failure"
| summarize Failures = count()"""

FAILED_SHARE = f"""{APPLICATION_SILENT}{RUNS}
| summarize Runs = count(), Failed = countif(status == "failure")
| extend Percent = iff(silent and Runs >= 4, 100.0 * Failed / Runs, 0.0)"""

NO_ARTICLES = f"""{APPLICATION_SILENT}{RUNS}
| where silent and status == "success"
| top 3 by TimeGenerated desc
| summarize Runs = count(), New = sum(tolong(line.articles_new))
| where Runs == 3 and New == 0
| summarize Hits = count()"""

SLOW_API = f"""{APPLICATION_SILENT}{LINES}
| where silent and TimeGenerated > ago(1h) and line.event == "{API_RESPONSE}"
| summarize Mean = avg(todouble(line.seconds))
| extend Mean = coalesce(Mean, 0.0)"""


def _per_day(measures: str) -> str:
    return f"""{RUNS}
| extend Day = startofday(TimeGenerated)
| summarize {measures} by Day
| order by Day asc"""


PIPELINE_HEALTH = {
    "Successful and failed runs per day": _per_day(
        'Successful = countif(status == "success"), Failed = countif(status == "failure")'
    ),
    "Mean duration of a run, seconds": _per_day("Seconds = avg(todouble(line.seconds))"),
    "Articles per run": _per_day("Articles = avg(todouble(line.articles_fetched))"),
    "Duplicates removed per run": _per_day("Duplicates = avg(todouble(line.duplicates_removed))"),
}


GAUGES = {
    "Successful runs of the last day, percent": f"""{RUNS}
| where TimeGenerated > ago(1d)
| summarize Value = iff(count() == 0, 0.0, 100.0 * countif(status == "success") / count())
| extend Title = "succeeded\"""",
    "Hours since the last successful run": f"""{RUNS}
| where status == "success"
| summarize Last = max(TimeGenerated)
| project Value = round((now() - Last) / 1h, 1), Title = "hours ago\"""",
    "Articles of the last day": f"""{RUNS}
| where TimeGenerated > ago(1d)
| summarize Value = sum(tolong(line.articles_new))
| extend Title = "new\"""",
}
"""One number each: a workbook has no gauge, and shows them as tiles."""


def _metric(resource_type: str, metrics: dict[str, str], value: str, by: str) -> str:
    listed = ", ".join(f'"{name}"' for name in metrics)
    return f"""AzureMetrics
| where ResourceProvider == "{resource_type.upper()}" and MetricName in ({listed})
| summarize Value = {value} by bin(TimeGenerated, 15m), Series = {by}
| order by TimeGenerated asc"""


INFRASTRUCTURE_HEALTH = {
    "CPU by app, nanocores": _metric(
        "Microsoft.App", {"UsageNanoCores": "Average"}, "avg(Average)", "Resource"
    ),
    "Memory by app, bytes": _metric(
        "Microsoft.App", {"WorkingSetBytes": "Average"}, "avg(Average)", "Resource"
    ),
    "Replicas by app": _metric("Microsoft.App", {"Replicas": "Max"}, "max(Maximum)", "Resource"),
    "Database connections": _metric(
        "Microsoft.DBforPostgreSQL", {"active_connections": "Average"}, "avg(Average)", "MetricName"
    ),
    "Database transactions": _metric(
        "Microsoft.DBforPostgreSQL",
        {"xact_commit": "Total", "xact_rollback": "Total"},
        "sum(Total)",
        "MetricName",
    ),
    "Slow statements and errors": """AzureDiagnostics
| where ResourceProvider == "MICROSOFT.DBFORPOSTGRESQL" and Category == "PostgreSQLLogs"
| summarize Value = count() by bin(TimeGenerated, 15m), Series = errorLevel_s
| order by TimeGenerated asc""",
    "Gateway requests": _metric(
        "Microsoft.Network",
        {"TotalRequests": "Total", "FailedRequests": "Total"},
        "sum(Total)",
        "MetricName",
    ),
    "Gateway latency, milliseconds": _metric(
        "Microsoft.Network",
        {"ApplicationGatewayTotalTime": "Average", "BackendLastByteResponseTime": "Average"},
        "avg(Average)",
        "MetricName",
    ),
}
