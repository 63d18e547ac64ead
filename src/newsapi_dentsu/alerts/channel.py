"""What a channel is."""

from typing import Protocol

from newsapi_dentsu.alerts.message import Message
from newsapi_dentsu.deadline import Deadline
from newsapi_dentsu.domain.alerts.rules import ChannelName
from newsapi_dentsu.errors import AlertsError

PATIENCE_SECONDS = 10.0
"""Longest time that a channel may take in an evaluation: Dagster gives a sensor 60 s in all."""


REFUSED = " refused: "
"""Stands in an answer behind each receiver that didn't get what others got, before the reason."""


class DeliveryError(AlertsError):
    """A channel did not take a message; the text is what the other side answered."""


class Channel(Protocol):
    """A way to notify operators."""

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
