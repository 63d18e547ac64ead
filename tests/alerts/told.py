"""What operators read, taken from the messages as the other sides received them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, NamedTuple

from newsapi_dentsu.domain.alerts.rules import TITLES

from .servers import text_of

_TIME = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC"


class Item(NamedTuple):
    """A failed run, a rescued run, or the beginning or end of something."""

    kind: str
    """failure, retried, opened or recovered."""

    name: str
    """The run's id, or the alert's title and the time since when."""


def condition(kind: str, title: str, since: datetime) -> Item:
    return Item(kind, f"{title} since {since:%Y-%m-%d %H:%M:%S}")


def in_mail(mail: EmailMessage) -> Iterator[Item]:
    text = text_of(mail)
    for run_id in re.findall(r"^FAILED: run (\S+)$", text, re.MULTILINE):
        yield Item("failure", run_id)
    for run_id in re.findall(r"^RECOVERED BY RETRY: run (\S+) of", text, re.MULTILINE):
        yield Item("retried", run_id)
    for title, since in re.findall(rf"^ALERT \(\w+\): (.+)\n  .+\n  since {_TIME}", text, re.M):
        yield Item("opened", f"{title} since {since}")
    for title, since in re.findall(rf"^RECOVERED: (.+)\n  .+\n  {_TIME} to ", text, re.M):
        yield Item("recovered", f"{title} since {since}")


def in_slack(body: dict[str, Any]) -> Iterator[Item]:
    for block in body["blocks"]:
        text = block.get("text", {}).get("text", "")
        for run_id in re.findall(r"^\*Run <[^|]+\|(\S+)> of", text):
            yield Item("failure", run_id)
        for run_id in re.findall(r"^• <[^|]+\|(\S+)> of", text, re.MULTILINE):
            yield Item("retried", run_id)
        for kind, title, since in re.findall(
            rf"^\*(Alert|Recovered): (.+)\* \((?:since )?{_TIME}", text
        ):
            yield Item("opened" if kind == "Alert" else "recovered", f"{title} since {since}")


def in_pagerduty(event: dict[str, Any]) -> Iterator[Item]:
    rule, stamp = re.fullmatch(
        r"newsapi-(\w+?)(?:-news_pipeline)?-(\w+)", event["dedup_key"]
    ).groups()  # type: ignore[union-attr]
    since = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    title = dict(TITLES.items())[rule]  # type: ignore[index]
    if event["event_action"] == "resolve":
        yield condition("recovered", title, since)
        return
    runs = event["payload"]["custom_details"]["failed runs"]
    if not runs:
        yield condition("opened", title, since)
    for run in runs:
        yield Item("failure", run["run"])
