"""E-mail over SMTP: a text and an HTML part; a message keeps its Message-ID when sent again."""

import base64
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache, partial
from itertools import chain
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from typing_extensions import override

from newsapi_dentsu.alerts.channel import REFUSED, Channel, DeliveryError
from newsapi_dentsu.alerts.message import Message
from newsapi_dentsu.deadline import Deadline, within
from newsapi_dentsu.domain.mail_addresses import MailAddresses, mail_address, mail_addresses

_CODING = "quoted-printable"
"""Passes every mail server, and people can read it in a dump."""

_LEAVING = 421
"""The answer of a server that closes the connection."""

Security = Literal["starttls", "tls", "none"]


class EmailChannel(Channel):
    """An account on a mail server."""

    name = "email"
    one_incident_a_message = False

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security,
        user: str | None,
        password: str | None,
        sender: str,
        receivers: tuple[str, ...],
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._user = user
        self._password = password
        self._sender = mail_address(sender)
        lists = [mail_addresses(given) for given in receivers]
        self._receivers = MailAddresses(
            tuple(chain.from_iterable(one.usable for one in lists)),
            tuple(chain.from_iterable(one.unusable for one in lists)),
        )

    @override
    def send(self, message: Message, deadline: Deadline) -> str:
        return self.send_mail(
            f"[newsapi] {message.label}: {message.headline}",
            text=_template("email.txt").render(message=message),
            html=_template("email.html").render(message=message),
            message_id=message.message_id,
            created_at=message.created_at,
            deadline=deadline,
        )

    def send_mail(
        self,
        subject: str,
        *,
        text: str,
        html: str,
        message_id: str,
        created_at: datetime,
        deadline: Deadline,
    ) -> str:
        """Deliver a mail with a text and an HTML part, and return the server's answer.

        Raises:
            DeliveryError: as `send` does.
        """
        mail = self._mail(subject)
        mail["Message-ID"] = f"<{message_id}@{self._domain}>"
        mail["Date"] = format_datetime(created_at)
        mail.set_content(text, cte=_CODING)
        mail.add_alternative(html, subtype="html", cte=_CODING)
        return self._deliver(mail, deadline)

    @override
    def test(self, place: str, deadline: Deadline) -> str:
        mail = self._mail("[newsapi] Test of the alerts: nothing is wrong")
        mail.set_content(
            f"This is a test of the alerts of newsapi ({place}). Nothing is wrong.\n", cte=_CODING
        )
        return self._deliver(mail, deadline)

    @property
    def _domain(self) -> str:
        return self._sender.domain if self._sender else "newsapi"

    def _mail(self, subject: str) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = subject.replace("\n", " ")[:200]
        mail["From"] = self._sender
        # This asks for no holiday replies, which help no program (RFC 3834).
        mail["Auto-Submitted"] = "auto-generated"
        return mail

    def _deliver(self, mail: EmailMessage, deadline: Deadline) -> str:
        if self._sender is None:
            raise DeliveryError("ALERT_EMAIL_FROM isn't a mail address")
        try:
            with self._session(deadline) as server:
                return _transfer(server, mail, self._sender, self._receivers)
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"answered {_answer(error.smtp_code, error.smtp_error)}") from None
        except ssl.SSLError as error:
            raise DeliveryError(f"can't be trusted: {error.reason or error}") from None
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            if deadline.left == 0 or isinstance(error, TimeoutError):
                raise DeliveryError("gave no answer in time") from None
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DeliveryError(f"{self._host}:{self._port}: {reason}") from None

    @contextmanager
    def _session(self, deadline: Deadline) -> Iterator[smtplib.SMTP]:
        """A connection, logged in; it is cut when the deadline comes, whatever it is doing."""
        context = ssl.create_default_context()
        timeout = max(0.05, deadline.left)
        server = (
            smtplib.SMTP_SSL(timeout=timeout, context=context)
            if self._security == "tls"
            else smtplib.SMTP(timeout=timeout)
        )
        # Certificates are checked against this name, which only the constructor sets; but the
        # constructor would also connect, before the deadline is guarded.
        server._host = self._host  # type: ignore[attr-defined]
        cut = threading.Timer(timeout, _cut, [server])
        cut.daemon = True
        cut.start()
        try:
            # Until there is a connection there is nothing to cut: a name is being resolved.
            connect = partial(server.connect, self._host, self._port)
            _expect(within(timeout, connect, abandon=partial(_cut, server)), 220)
            if self._security == "starttls":
                server.starttls(context=context)
            if self._user is not None:
                _log_in(server, self._user, self._password or "")
            yield server
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            cut.cancel()
            server.close()


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Log in; names and passwords beyond ASCII go as UTF-8 (RFC 4616), which smtplib can't do."""
    if user.isascii() and password.isascii():
        server.login(user, password)
        return
    server.ehlo_or_helo_if_needed()
    offered = server.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        _expect(server.docmd("AUTH", f"PLAIN {_coded(f'{chr(0)}{user}{chr(0)}{password}')}"), 235)
    elif "LOGIN" in offered:
        _expect(server.docmd("AUTH", f"LOGIN {_coded(user)}"), 334)
        _expect(server.docmd(_coded(password)), 235)
    else:
        raise DeliveryError(
            "the mail server takes no login by PLAIN or LOGIN, so SMTP_USER and SMTP_PASSWORD must "
            "be ASCII for it"
        )


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _transfer(
    server: smtplib.SMTP, mail: EmailMessage, sender: Address, receivers: MailAddresses
) -> str:
    """Hand over a mail and return the server's answer; one accepted receiver is enough."""
    server.ehlo_or_helo_if_needed()
    international = server.has_extn("smtputf8")
    if not (international or sender.username.isascii()):
        raise DeliveryError(
            "the mail server takes no address beyond ASCII (SMTPUTF8): set another ALERT_EMAIL_FROM"
        )
    refused = [f"{text}{REFUSED}not a mail address" for text in receivers.unusable]
    possible = []
    for receiver in receivers.usable:
        if international or receiver.username.isascii():
            possible.append(receiver)
        else:
            refused.append(f"{receiver.addr_spec}{REFUSED}the server takes no SMTPUTF8")
    mail["To"] = possible
    utf8 = not all(one.username.isascii() for one in (sender, *possible))
    _expect(server.mail(sender.addr_spec, ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []))
    taken = 0
    for receiver in possible:
        code, text = server.rcpt(receiver.addr_spec)
        if code == _LEAVING:
            raise smtplib.SMTPResponseException(code, text)
        if 200 <= code < 300:
            taken += 1
        else:
            refused.append(f"{receiver.addr_spec}{REFUSED}{_answer(code, text)}")
    if not taken:
        raise DeliveryError("; ".join(refused))
    code, text = server.data(mail.as_bytes(policy=policy.SMTPUTF8 if utf8 else policy.SMTP))
    _expect((code, text))
    return "; ".join([_answer(code, text), *refused])


def _expect(answer: tuple[int, bytes], expected: int = 250) -> None:
    code, text = answer
    if code != expected:
        raise smtplib.SMTPResponseException(code, text)


def _answer(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}"[:300]


def _cut(server: smtplib.SMTP) -> None:
    with suppress(OSError, AttributeError):
        if server.sock is not None:
            # Not that of TLS, which waits for the other side.
            socket.socket.shutdown(server.sock, socket.SHUT_RDWR)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("newsapi_dentsu.alerts"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
