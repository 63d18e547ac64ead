"""PagerDuty: the Events API v2, one alert for each incident, resolved when it ends.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from newsapi_dentsu.alerts.channel import Channel
from newsapi_dentsu.alerts.http import post_json
from newsapi_dentsu.alerts.message import Message
from newsapi_dentsu.deadline import Deadline
from newsapi_dentsu.domain.alerts.rules import Severity

_SEVERITIES: Mapping[Severity, str] = {
    "critical": "critical",
    "high": "error",
    "medium": "warning",
    "info": "info",
}
_LONGEST_SUMMARY = 1024
_TEST_KEY = "newsapi-test"


class PagerDutyChannel(Channel):
    """One integration of a PagerDuty service."""

    name = "pagerduty"
    one_incident_a_message = True

    def __init__(self, url: str, routing_key: str) -> None:
        self._url = f"{url}/v2/enqueue"
        self._key = routing_key

    @override
    def send(self, message: Message, deadline: Deadline) -> str:
        key = f"newsapi-{message.incidents[0].incident_id}" if message.incidents else "newsapi"
        answer = ""
        if not message.only_good_news:
            answer = self._post("trigger", key, deadline, **_trigger(message))
        if message.recovered:
            answer = self._post("resolve", key, deadline)
        return answer

    @override
    def test(self, place: str, deadline: Deadline) -> str:
        payload = {
            "summary": "Test of the alerts of newsapi: nothing is wrong",
            "source": place,
            "severity": "info",
        }
        answer = self._post("trigger", _TEST_KEY, deadline, payload=payload)
        self._post("resolve", _TEST_KEY, deadline)
        return answer

    def _post(self, action: str, key: str, deadline: Deadline, **more: Any) -> str:
        event = {"routing_key": self._key, "event_action": action, "dedup_key": key, **more}
        return post_json(self._url, event, deadline)


def _trigger(message: Message) -> dict[str, Any]:
    worst = message.incidents[0]
    summary = f"{worst.title}: {message.headline}" if message.failures else worst.summary
    if not message.failures and worst.title not in summary:
        summary = f"{worst.title}: {summary}"
    details: dict[str, Any] = {
        "affected": message.affected,
        "failed runs": [
            {
                "run": run.run_id,
                "job": run.job,
                "stage": run.stage,
                "started": run.started,
                "ended": run.ended,
                "attempts": run.attempts,
                "failed before": list(run.earlier),
                "error": run.error,
                "runbook": run.runbook,
            }
            for run in message.failures
        ],
    }
    if message.unlisted:
        details["more failed runs"] = message.unlisted
    if message.remarks:
        details["remarks"] = list(message.remarks)
    return {
        "client": "newsapi",
        **({"client_url": message.ui} if message.ui else {}),
        "links": [
            {"href": run.link, "text": f"Run {run.run_id[:8]}"}
            for run in message.failures
            if run.link
        ],
        "payload": {
            "summary": summary[:_LONGEST_SUMMARY],
            "source": message.place,
            "severity": _SEVERITIES[worst.severity],
            "timestamp": message.created_at.isoformat(timespec="seconds"),
            "component": "news_pipeline",
            "class": worst.title,
            "custom_details": details,
        },
    }
