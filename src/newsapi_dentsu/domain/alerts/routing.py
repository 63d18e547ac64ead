"""Which notice goes to which channel.

Each channel of a notice's severity gets it at the same time. A notice counts as told when one
channel has taken it. If none of them does, the other channels that are set up are tried until one
takes it, and what nobody took is kept. PagerDuty, which wakes people and waits for an end, still
gets what it has missed as long as the incident lasts. Mail and Slack don't: one thing is told once.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from newsapi_dentsu.domain.alerts.incidents import AlertState, Notice
from newsapi_dentsu.domain.alerts.rules import AlertRules, ChannelName

FALLBACKS: tuple[ChannelName, ...] = ("slack", "email", "pagerduty")
"""In the order in which they are tried when an alert's own channels fail."""


def notices_for(
    state: AlertState,
    rules: AlertRules,
    channel: ChannelName,
    configured: Collection[ChannelName],
    now: datetime,
) -> list[Notice]:
    """The notices that a channel is due, oldest first."""
    return _in_order(
        notice
        for notice in state.notices.values()
        if channel in routed(state, rules, notice, configured)
        and not delivered(state, notice, channel)
        and (notice.outcome == "pending" or _owed(state, notice, channel))
        and not _silenced(state, notice, now)
    )


def fallback_notices(
    state: AlertState,
    rules: AlertRules,
    channel: ChannelName,
    configured: Collection[ChannelName],
    now: datetime,
) -> list[Notice]:
    """The notices that none of their own channels took, which another may now take."""
    return _in_order(
        notice
        for notice in state.notices.values()
        if notice.outcome == "pending"
        and channel not in routed(state, rules, notice, configured)
        # Nobody is woken by something that is only worth knowing.
        and not (channel == "pagerduty" and (notice.severity == "info" or notice.kind == "retried"))
        and not _silenced(state, notice, now)
    )


def routed(
    state: AlertState, rules: AlertRules, notice: Notice, configured: Collection[ChannelName]
) -> list[ChannelName]:
    """A notice's own channels: for a recovery, those that were told what has recovered."""
    if notice.kind == "recovered":
        told = {
            delivery.channel
            for (notice_id, _), delivery in state.deliveries.items()
            if delivery.status == "delivered"
            and notice_id in state.notices
            and state.notices[notice_id].incident_id == notice.incident_id
            and state.notices[notice_id].kind != "recovered"
        }
        if told & set(configured):
            return [channel for channel in configured if channel in told]
    own = [channel for channel in rules.channels_of(notice.severity) if channel in configured]
    # PagerDuty knows incidents, and a run that was rescued is none.
    return [channel for channel in own if notice.kind != "retried" or channel != "pagerduty"]


def delivered(state: AlertState, notice: Notice, channel: ChannelName) -> bool:
    """Whether a channel has taken a notice."""
    delivery = state.deliveries.get((notice.notice_id, channel))
    return delivery is not None and delivery.status == "delivered"


def _owed(state: AlertState, notice: Notice, channel: ChannelName) -> bool:
    """Whether PagerDuty still has to get a notice that others were told."""
    if channel != "pagerduty" or notice.outcome != "told" or notice.incident_id is None:
        return False
    if notice.kind == "recovered":
        return True
    incident = state.incidents.get(notice.incident_id)
    return incident is not None and incident.closed_at is None


def _silenced(state: AlertState, notice: Notice, now: datetime) -> bool:
    """Whether a notice has to wait; the end of what was told is told nevertheless."""
    if notice.kind == "recovered":
        return False
    incident = state.incidents.get(notice.incident_id) if notice.incident_id else None
    return state.silenced(incident.rule if incident else "failed_run", now)


def _in_order(notices: Iterable[Notice]) -> list[Notice]:
    return sorted(notices, key=lambda notice: (notice.created_at, notice.notice_id))
