"""What a channel is."""

import time
from dataclasses import dataclass
from typing import Protocol

from newsapi_dentsu.alerts.message import Message
from newsapi_dentsu.domain.alerts.rules import ChannelName
from newsapi_dentsu.errors import AlertsError

PATIENCE_SECONDS = 10.0
"""Longest time that a channel may take in one look: Dagster gives a sensor 60 seconds in all."""


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
