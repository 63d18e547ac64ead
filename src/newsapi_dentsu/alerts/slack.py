"""Slack: an incoming webhook, the message as Block Kit.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    SectionBlock,
)
from typing_extensions import override

from newsapi_dentsu.alerts.channel import Channel
from newsapi_dentsu.alerts.http import post_json
from newsapi_dentsu.alerts.message import Message, ShownFailure, ShownIncident
from newsapi_dentsu.deadline import Deadline

MOST_BLOCKS = 50
"""Blocks that Slack takes in one message."""

_LONGEST_HEADER, _LONGEST_TEXT, _LONGEST_ERROR = 150, 3000, 1500
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SIGNS = {"CRITICAL": "🔴", "HIGH": "🔴", "MEDIUM": "🟠", "INFO": "🔵", "OK": "🟢"}


class SlackChannel(Channel):
    """One incoming webhook."""

    name = "slack"
    one_incident_a_message = False

    def __init__(self, webhook_url: str) -> None:
        self._url = webhook_url

    @override
    def send(self, message: Message, deadline: Deadline) -> str:
        headline = f"{_SIGNS[message.label]} {message.label}: {message.headline}"
        return self._post(headline, list(_blocks(message, headline)), deadline)

    @override
    def test(self, place: str, deadline: Deadline) -> str:
        text = "Test of the alerts of newsapi: nothing is wrong"
        return self._post(text, [_section(f"{text} ({_plain(place)})")], deadline)

    def _post(self, text: str, blocks: list[Block], deadline: Deadline) -> str:
        body: dict[str, Any] = {
            # Notifications show this text, and so do programs that don't know blocks.
            "text": _plain(text),
            "blocks": [block.to_dict() for block in blocks],
        }
        return post_json(self._url, body, deadline)


def _blocks(message: Message, headline: str) -> Iterator[Block]:
    yield HeaderBlock(text=_short(headline, _LONGEST_HEADER))
    yield _section(f"*Affected:* {_plain(message.affected)}")
    room = MOST_BLOCKS - 6
    middle = [
        *(_condition("Alert", one) for one in message.opened),
        *(_failed_run(run) for run in message.failures),
        *(_condition("Recovered", one) for one in message.recovered),
    ]
    yield from middle[:room]
    left_out = message.unlisted + len(middle[room:])
    if left_out:
        yield _section(f"… and {left_out} more")
    if message.retried:
        lines = [
            f"• {_link(run.link, run.run_id)} of {_plain(run.job)} succeeded at {run.ended} after "
            f"{', '.join(run.failed_ids)}"
            for run in message.retried
        ]
        yield _section("*Recovered by retry*\n" + "\n".join(lines))
    yield DividerBlock()
    notes = [*message.remarks, f"{message.place} at {message.created_at:%Y-%m-%d %H:%M} UTC"]
    yield ContextBlock(elements=[MarkdownTextObject(text=_plain(note)) for note in notes])


def _failed_run(run: ShownFailure) -> SectionBlock:
    attempts = f" after {run.attempts} attempts" if run.attempts > 1 else ""
    earlier = f"\nfailed before: {', '.join(run.earlier)}" if run.earlier else ""
    error = _plain(run.error.replace("```", "'''"), _LONGEST_ERROR)
    return _section(
        f"*Run {_link(run.link, run.run_id)} of {_plain(run.job)} failed in "
        f"{_plain(run.stage)}*{attempts}\n{run.started} to {run.ended}{earlier}\n"
        f"```{error}```\nwhat to do: {_plain(run.runbook)}"
    )


def _condition(kind: str, one: ShownIncident) -> SectionBlock:
    span = f"{one.since} to {one.until}" if one.until else f"since {one.since}"
    summary = _plain(one.summary, _LONGEST_ERROR)
    return _section(f"*{kind}: {_plain(one.title, _LONGEST_HEADER)}* ({span})\n{summary}")


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=_short(text, _LONGEST_TEXT)))


def _link(address: str | None, run_id: str) -> str:
    return f"<{address}|{run_id}>" if address else f"`{run_id}`"


def _plain(text: str, longest: int = _LONGEST_TEXT) -> str:
    """A text that Slack shows as it is, of so many letters at most, of which none is cut.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    shown = [_ESCAPED.get(letter, letter) for letter in text]
    if sum(map(len, shown)) <= longest:
        return "".join(shown)
    ends = accumulate(map(len, shown))
    return "".join(letter for letter, end in zip(shown, ends, strict=True) if end < longest) + "…"


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
