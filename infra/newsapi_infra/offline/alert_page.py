"""The documentation's page of alerts, from the table that the resources are made from."""

import sys
from pathlib import Path

from newsapi_infra.config import StackConfig
from newsapi_infra.monitoring.alert_rules import SEVERITY, Alert, LogAlert, MetricAlert, alerts_for
from newsapi_infra.offline.configuration import read_config

HEADER = """# Alerts of the infrastructure

Made from `infra/newsapi_infra/monitoring/alert_rules.py` by `make infra-docs`; figures are those of
the production stack. The rules about runs and articles belong to the application: their twins here
(marked so) speak only while the application's own heartbeat is missing, so nobody is told twice.

Urgency: **critical** goes to PagerDuty and by mail to the people on call and the owners,
**warning** by mail to the owners, **info** to Slack through a Logic App. `GROUP` is the stack's
resource group, `APP` the app concerned.

Not expressible on Azure: an alert on a metric that is missing (a dead daemon sends none; hence
`daemon-heartbeat` over the logs), a percentage of the database's connections (hence a number that
follows the server's size), and Event Grid as the receiver of an alert (hence webhook and Logic
App). That a secret expires comes the other way: Event Grid raises the alert `secret-expiry`
(severity 2, to `warning`), see [rotating a secret](deployment.md#rotating-a-secret).

| alert | condition | over, every | urgency |
| --- | --- | --- | --- |
"""


def page(config: StackConfig) -> str:
    """The whole page."""
    alerts = alerts_for(config)
    rows = [
        f"| [{alert.name}](#{alert.name}) | {_condition(alert)} | {_span(alert.window)}, "
        f"{_span(alert.every)} | {alert.channel} |"
        for alert in alerts
    ]
    return HEADER + "\n".join(rows) + "\n\n" + "\n".join(_section(alert) for alert in alerts)


def _condition(alert: Alert) -> str:
    sign = {"GreaterThan": ">", "LessThan": "<"}[alert.operator]
    if isinstance(alert, MetricAlert):
        only = f" ({alert.dimension[0]} = {alert.dimension[1]})" if alert.dimension else ""
        source = f"{alert.target}: {alert.aggregation.lower()} `{alert.metric}`{only}"
    else:
        source = f"logs: `{alert.measure}`"
    twin = " (twin)" if isinstance(alert, LogAlert) and alert.twin else ""
    return f"{source} {sign} {alert.threshold:,.0f}{twin}"


def _span(iso: str) -> str:
    number, unit = iso.removeprefix("P").removeprefix("T")[:-1], iso[-1]
    return f"{number} {({'M': 'min', 'H': 'h', 'D': 'd'})[unit]}"


def _section(alert: Alert) -> str:
    query = f"\n```kusto\n{alert.query}\n```\n" if isinstance(alert, LogAlert) else ""
    return f"""## {alert.name}

{alert.title} (severity {SEVERITY[alert.channel]}).

- **Means:** {alert.runbook.means}
- **Look:** {alert.runbook.look}.
- **Do:** {alert.runbook.do}
{query}"""


def main(path: str) -> None:
    """Write the page."""
    Path(path).write_text(page(read_config("prod")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
