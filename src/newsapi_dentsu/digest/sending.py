"""Sending a digest to its receivers: each channel is told once.

What is to be sent is saved as `sending`, then sent, then saved as delivered, as with alerts: a
process that dies in between is followed by one that sends it again with the same id.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from newsapi_dentsu.alerts.channel import PATIENCE_SECONDS
from newsapi_dentsu.alerts.channels import open_mail
from newsapi_dentsu.alerts.delivery import attempt
from newsapi_dentsu.alerts.evaluation import place_of
from newsapi_dentsu.alerts.http import post_json
from newsapi_dentsu.alerts.state_store import LOCK_WAIT
from newsapi_dentsu.deadline import Deadline
from newsapi_dentsu.digest.forms import as_html, as_text
from newsapi_dentsu.digest.making import make_digest
from newsapi_dentsu.digest.slack import as_slack
from newsapi_dentsu.digest.words import words
from newsapi_dentsu.domain.alerts.incidents import Delivery
from newsapi_dentsu.domain.alerts.rules import ChannelName
from newsapi_dentsu.domain.mail_addresses import mail_addresses
from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.masking import known_secrets, mask
from newsapi_dentsu.reading.digest import USUAL_STORIES, Digest, Period
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.tables.alerts import delivery, save_deliveries

NOBODY = "nobody receives digests: set DIGEST_EMAIL_TO or DIGEST_SLACK_WEBHOOK_URL"


@dataclass(frozen=True, slots=True)
class SentDigest:
    """What became of a digest: what was tried now, and what had been delivered before."""

    name: str
    tried: tuple[Delivery, ...]
    before: tuple[Delivery, ...]

    @property
    def failed(self) -> tuple[Delivery, ...]:
        """What a channel didn't take."""
        return tuple(one for one in self.tried if one.status != "delivered")


def send_digest(
    settings: Settings,
    period: Period,
    now: datetime,
    *,
    topic: str | None = None,
    rows: int = USUAL_STORIES,
) -> SentDigest:
    """Send the digest of some days to every receiver that hasn't had it.

    Args:
        settings: the settings, with the receivers.
        period: the days.
        now: the time.
        topic: what the articles are about.
        rows: how many stories to tell.

    Raises:
        SettingsError: there is nobody to send it to.
        WarehouseError: there is nothing to read yet, or what was sent can't be noted.
    """
    if not settings.digest_receivers:
        raise SettingsError(NOBODY)
    found = make_digest(settings, period, topic=topic, rows=rows)
    name = name_of(period, topic)
    secrets = known_secrets(settings)
    with closing(open_warehouse(settings)) as warehouse:
        place = place_of(settings, warehouse)
        told = [
            _told_once(
                warehouse,
                _first_try(name, channel, place, now),
                partial(send, found, now),
                lambda text: mask(text, secrets),
            )
            for channel, send in _channels(settings)
        ]
    return SentDigest(
        name,
        tuple(one for one, tried in told if tried),
        tuple(one for one, tried in told if not tried),
    )


def name_of(period: Period, topic: str | None) -> str:
    """What tells a digest from others, in the rows of deliveries."""
    about = f" of {topic}" if topic else ""
    return f"digest{about}, {period.since} to {period.until}"


_Send = Callable[[Digest, datetime, str], str]
"""Sends a digest at a time under an id, and returns the other side's answer."""


def _channels(settings: Settings) -> Iterator[tuple[ChannelName, _Send]]:
    if settings.digest_email_to is not None:
        yield "email", partial(_mail, settings, settings.digest_email_to)
    if settings.digest_slack_webhook_url is not None:
        url = settings.digest_slack_webhook_url.get_secret_value()
        yield "slack", partial(_post, settings, url)


def _mail(settings: Settings, to: str, found: Digest, now: datetime, message_id: str) -> str:
    addresses = mail_addresses(to)
    mail = open_mail(settings, (*map(str, addresses.usable), *addresses.unusable))
    if mail is None:
        raise SettingsError("DIGEST_EMAIL_TO needs SMTP_HOST and ALERT_EMAIL_FROM")
    return mail.send_mail(
        words(found).title,
        text=as_text(found, page=settings.reading_url),
        html=as_html(found, settings.reading_url),
        message_id=message_id,
        created_at=now,
        deadline=Deadline.after(PATIENCE_SECONDS),
    )


def _post(settings: Settings, url: str, found: Digest, _now: datetime, _message_id: str) -> str:
    body = as_slack(found, settings.reading_url)
    return post_json(url, body, Deadline.after(PATIENCE_SECONDS))


def _first_try(name: str, channel: ChannelName, place: str, now: datetime) -> Delivery:
    message_id = hashlib.sha256("\n".join([channel, place, name]).encode()).hexdigest()[:32]
    return Delivery(name, channel, message_id, "sending", 1, now, "")


def _told_once(
    warehouse: Warehouse,
    trying: Delivery,
    send: Callable[[str], str],
    hide: Callable[[str], str],
) -> tuple[Delivery, bool]:
    """Send what a channel hasn't taken before; also tells whether anything was sent."""
    with warehouse.engine.alert_lock(LOCK_WAIT):
        before = warehouse.read(lambda session: delivery(session, trying.notice_id, trying.channel))
        if before is not None and before.status == "delivered":
            return before, False
        if before is not None:
            trying = replace(trying, attempts=before.attempts + 1, message_id=before.message_id)
        warehouse.write(lambda session: save_deliveries(session, [trying]))
        accepted, answer = attempt(
            f"Digest by {trying.channel}",
            trying.notice_id,
            partial(send, trying.message_id),
            hide,
        )
        told = replace(trying, status="delivered" if accepted else "failed", answer=answer)
        warehouse.write(lambda session: save_deliveries(session, [told]))
    return told, True
