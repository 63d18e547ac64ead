"""What a channel is, and those that the settings set up."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from newsapi_dentsu.alerts.message import Message
from newsapi_dentsu.domain.alerts.rules import ChannelName
from newsapi_dentsu.errors import AlertsError
from newsapi_dentsu.settings import Settings

PATIENCE_SECONDS = 10.0
"""Longest time that a channel may take in one look: Dagster gives a sensor 60 seconds in all."""

NEEDED: Mapping[ChannelName, str] = {
    "pagerduty": "PAGERDUTY_ROUTING_KEY",
    "email": "SMTP_HOST, ALERT_EMAIL_FROM and ALERT_EMAIL_TO",
    "slack": "SLACK_WEBHOOK_URL",
}
"""The settings that set a channel up."""


class DeliveryError(AlertsError):
    """A channel did not take a message; the text is what the other side answered."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of an attempt, on the clock that nobody sets."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left; 0 when it is over."""
        return max(0.0, self.at - time.monotonic())


class Channel(Protocol):
    """A way to tell people."""

    name: ChannelName
    one_incident_a_message: bool
    """Whether the other side keeps incidents apart, each with a beginning and an end."""

    def send(self, message: Message, deadline: Deadline) -> str:
        """Deliver a message and return the other side's answer.

        Raises:
            DeliveryError: it was refused, or not answered in time.
        """
        ...

    def test(self, place: str, deadline: Deadline) -> str:
        """Deliver a message that says that it is a test, and return the other side's answer.

        Raises:
            DeliveryError: as `send` does.
        """
        ...


def open_channels(settings: Settings) -> list[Channel]:
    """The channels that are set up; the order is that in which they are told."""
    from newsapi_dentsu.alerts.email import EmailChannel
    from newsapi_dentsu.alerts.pagerduty import PagerDutyChannel
    from newsapi_dentsu.alerts.slack import SlackChannel

    channels: list[Channel] = []
    if settings.pagerduty_routing_key is not None:
        key = settings.pagerduty_routing_key.get_secret_value()
        channels.append(PagerDutyChannel(settings.pagerduty_url, key))
    if settings.smtp_host is not None and settings.alert_email_from is not None:
        password = settings.smtp_password
        channels.append(
            EmailChannel(
                settings.smtp_host,
                settings.smtp_port,
                security=settings.smtp_security,
                user=settings.smtp_user,
                password=password.get_secret_value() if password else None,
                sender=settings.alert_email_from,
                receivers=settings.email_receivers,
            )
        )
    if settings.slack_webhook_url is not None:
        channels.append(SlackChannel(settings.slack_webhook_url.get_secret_value()))
    return channels
