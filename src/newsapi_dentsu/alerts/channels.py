"""The channels that the settings set up."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from newsapi_dentsu.alerts.channel import Channel
from newsapi_dentsu.domain.alerts.rules import ChannelName
from newsapi_dentsu.settings import Settings

if TYPE_CHECKING:
    from newsapi_dentsu.alerts.email import EmailChannel

NEEDED: Mapping[ChannelName, str] = {
    "pagerduty": "PAGERDUTY_ROUTING_KEY",
    "email": "SMTP_HOST, ALERT_EMAIL_FROM and ALERT_EMAIL_TO",
    "slack": "SLACK_WEBHOOK_URL",
}
"""The settings that set a channel up."""


def open_channels(settings: Settings) -> list[Channel]:
    """The channels that are set up, in the order in which notices go to them."""
    from newsapi_dentsu.alerts.pagerduty import PagerDutyChannel
    from newsapi_dentsu.alerts.slack import SlackChannel

    channels: list[Channel] = []
    if settings.pagerduty_routing_key is not None:
        key = settings.pagerduty_routing_key.get_secret_value()
        channels.append(PagerDutyChannel(settings.pagerduty_url, key))
    if settings.alert_email_to is not None:
        receivers = (*settings.email_receivers, *settings.unusable_receivers)
        mail = open_mail(settings, receivers)
        if mail is not None:
            channels.append(mail)
    if settings.slack_webhook_url is not None:
        channels.append(SlackChannel(settings.slack_webhook_url.get_secret_value()))
    return channels


def open_mail(settings: Settings, receivers: tuple[str, ...]) -> "EmailChannel | None":
    """The mail account that the settings name, for these receivers; None where there is none."""
    from newsapi_dentsu.alerts.email import EmailChannel

    if settings.smtp_host is None or settings.alert_email_from is None:
        return None
    password = settings.smtp_password
    return EmailChannel(
        settings.smtp_host,
        settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=password.get_secret_value() if password else None,
        sender=settings.alert_email_from,
        receivers=receivers,
    )
