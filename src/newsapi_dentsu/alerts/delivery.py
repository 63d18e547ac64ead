"""Delivering what is due: intent first, then the message, then what became of it."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from newsapi_dentsu.alerts.channel import PATIENCE_SECONDS, REFUSED, Channel, DeliveryError
from newsapi_dentsu.alerts.message import Message, compose
from newsapi_dentsu.deadline import Deadline
from newsapi_dentsu.domain.alerts.facts import Facts
from newsapi_dentsu.domain.alerts.incidents import AlertState, Delivery, DeliveryStatus, Notice
from newsapi_dentsu.domain.alerts.routing import (
    FALLBACKS,
    delivered,
    fallback_notices,
    notices_for,
)
from newsapi_dentsu.domain.alerts.rules import AlertRules, ChannelName

logger = logging.getLogger(__name__)

_LONGEST_ANSWER = 300


@dataclass(frozen=True, slots=True)
class Sent:
    """One message: what a channel answered."""

    channel: str
    headline: str
    accepted: bool
    answer: str


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """What a delivery needs besides the state."""

    rules: AlertRules
    channels: Sequence[Channel]
    place: str
    ui: str | None
    hide: Callable[[str], str]
    """Masks secrets."""


def deliver(
    state: AlertState,
    facts: Facts,
    context: DeliveryContext,
    *,
    save: Callable[[AlertState], None],
    keep: Callable[[AlertState], None],
) -> tuple[AlertState, list[Sent]]:
    """Send every notice that is due: one message on each channel, or one for each incident.

    A message is saved before it is sent. If the process dies in between, the next one sends the
    very same message again, and the receiver recognizes it by its id.

    Args:
        state: the state after the evaluation.
        facts: what was looked at.
        context: rules and channels.
        save: saves a state for good.
        keep: saves a state quickly, between two messages.
    """
    sent: list[Sent] = []
    failed: set[str] = set()
    # A channel that was interrupted finishes first: its message must stay as it was saved.
    batches = [*_interrupted(state, facts, context)]
    taken = {(name, channel.name) for channel, message in batches for name in message.notice_ids}
    batches += _due(state, facts, context, taken)
    state = _send(state, batches, facts, save, keep, sent, failed, context)
    state = _settled(state)
    for name in FALLBACKS:
        others = [one for one in context.channels if one.name == name and name not in failed]
        batches = [
            (channel, message)
            for channel in others
            for message in _messages(
                state,
                fallback_notices(state, context.rules, name, _configured(context), facts.now),
                facts,
                channel,
                context,
            )
        ]
        state = _settled(_send(state, batches, facts, save, keep, sent, failed, context))
    return state, sent


_Batch = tuple[Channel, Message]


def _interrupted(state: AlertState, facts: Facts, context: DeliveryContext) -> Iterable[_Batch]:
    """The messages that were begun and may have arrived."""
    for channel in context.channels:
        messages: dict[str, list[Notice]] = {}
        for (notice_id, name), delivery in state.deliveries.items():
            if (
                name == channel.name
                and delivery.status == "sending"
                and state.notices[notice_id].outcome != "dropped"
            ):
                messages.setdefault(delivery.message_id, []).append(state.notices[notice_id])
        for notices in messages.values():
            notices.sort(key=lambda notice: (notice.created_at, notice.notice_id))
            yield channel, _composed(state, notices, facts, channel, context)


def _due(
    state: AlertState, facts: Facts, context: DeliveryContext, taken: set[tuple[str, ChannelName]]
) -> list[_Batch]:
    return [
        (channel, message)
        for channel in context.channels
        for message in _messages(
            state,
            [
                notice
                for notice in notices_for(
                    state, context.rules, channel.name, _configured(context), facts.now
                )
                if (notice.notice_id, channel.name) not in taken
            ],
            facts,
            channel,
            context,
        )
    ]


def _messages(
    state: AlertState,
    notices: Sequence[Notice],
    facts: Facts,
    channel: Channel,
    context: DeliveryContext,
) -> list[Message]:
    if not notices:
        return []
    if not channel.one_incident_a_message:
        return [_composed(state, notices, facts, channel, context)]
    incidents: dict[str | None, list[Notice]] = {}
    for notice in notices:
        incidents.setdefault(notice.incident_id, []).append(notice)
    return [_composed(state, group, facts, channel, context) for group in incidents.values()]


def _composed(
    state: AlertState,
    notices: Sequence[Notice],
    facts: Facts,
    channel: Channel,
    context: DeliveryContext,
) -> Message:
    return compose(state, notices, facts, channel=channel.name, place=context.place, ui=context.ui)


def _send(
    state: AlertState,
    batches: Sequence[_Batch],
    facts: Facts,
    save: Callable[[AlertState], None],
    keep: Callable[[AlertState], None],
    sent: list[Sent],
    failed: set[str],
    context: DeliveryContext,
) -> AlertState:
    if not batches:
        return state
    for channel, message in batches:
        state = state.with_deliveries(_tries(state, channel, message, facts))
    save(state)
    deadlines: dict[str, Deadline] = {}
    for channel, message in batches:
        deadline = deadlines.setdefault(channel.name, Deadline.after(PATIENCE_SECONDS))
        message = replace(message, remarks=(*message.remarks, *_trouble(state, channel, context)))
        late = channel.name in failed and deadline.left == 0
        accepted, answer = attempt(
            f"Alert by {channel.name}",
            message.headline,
            partial(_sent_in_time, channel, message, deadline, late=late),
            context.hide,
        )
        if not accepted:
            failed.add(channel.name)
        sent.append(Sent(channel.name, message.headline, accepted, answer))
        state = state.with_deliveries(_ends(state, channel, message, accepted, answer))
        keep(state)
    return state


def attempt(
    what: str, headline: str, send: Callable[[], str], hide: Callable[[str], str]
) -> tuple[bool, str]:
    """Send something, and log what became of it, whatever that is.

    Args:
        what: what is sent by which channel, for the log.
        headline: what the message says.
        send: sends it and returns the other side's answer, or raises DeliveryError.
        hide: masks secrets.

    Returns:
        Whether it was taken, and the answer, fit to be stored.
    """
    try:
        answer, accepted = send(), True
    except DeliveryError as error:
        answer, accepted = str(error), False
    except Exception as error:
        # A channel's defect must not keep the others from telling.
        logger.exception("%s", what)
        answer, accepted = f"failed by a defect of this program ({type(error).__name__})", False
    answer = _clean(hide(answer))
    log = logger.error if not accepted else logger.warning if REFUSED in answer else logger.info
    log("%s: %s: %s", what, headline, answer)
    return accepted, answer


def _sent_in_time(channel: Channel, message: Message, deadline: Deadline, *, late: bool) -> str:
    if late:
        raise DeliveryError("not tried: the message before it took all the time")
    return channel.send(message, deadline)


def _trouble(state: AlertState, channel: Channel, context: DeliveryContext) -> Iterable[str]:
    """What is wrong with the other channels, since these can't tell it themselves."""
    for other in context.channels:
        tried = [
            one
            for (_, name), one in state.deliveries.items()
            if name == other.name and one.status != "sending"
        ]
        if other.name == channel.name or not tried:
            continue
        last = max(tried, key=lambda one: one.tried_at)
        if last.status == "failed":
            yield f"Alerts by {other.name} fail: {last.answer}"
        elif REFUSED in last.answer:
            yield f"Alerts by {other.name} don't reach everybody: {last.answer}"


def _tries(
    state: AlertState, channel: Channel, message: Message, facts: Facts
) -> Iterable[Delivery]:
    for name in message.notice_ids:
        before = state.deliveries.get((name, channel.name))
        attempts = before.attempts + 1 if before else 1
        yield Delivery(name, channel.name, message.message_id, "sending", attempts, facts.now, "")


def _ends(
    state: AlertState, channel: Channel, message: Message, accepted: bool, answer: str
) -> Iterable[Delivery]:
    status: DeliveryStatus = "delivered" if accepted else "failed"
    for name in message.notice_ids:
        yield replace(state.deliveries[name, channel.name], status=status, answer=answer)


def _settled(state: AlertState) -> AlertState:
    """The state in which a notice that a channel has taken counts as told."""
    told = [
        notice.notice_id
        for notice in state.notices.values()
        if notice.outcome == "pending" and any(delivered(state, notice, name) for name in FALLBACKS)
    ]
    return state.with_outcomes(told, "told")


def _configured(context: DeliveryContext) -> list[ChannelName]:
    return [channel.name for channel in context.channels]


def _clean(answer: str) -> str:
    """An answer that both databases take, on one line."""
    text = answer.replace("\0", "").encode("utf-8", "replace").decode()
    return " ".join(text.split())[:_LONGEST_ANSWER]
