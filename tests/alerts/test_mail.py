"""Mail goes over TLS with a login, and whatever a server does, an answer comes in time."""

import smtplib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.alerts.channel import DeliveryError
from newsapi_dentsu.alerts.email import EmailChannel, _log_in
from newsapi_dentsu.deadline import Deadline
from support.http import dripping

from .messages import MESSAGE
from .servers import PASSWORD, USER, MailServer, html_of, mail_server, speaking_first, text_of

TO = ("ops@example.com", "owner@example.com")


def channel(port: int, security: Any = "none", **changes: Any) -> EmailChannel:
    login = {} if security == "none" else {"user": USER, "password": PASSWORD}
    none = {"user": None, "password": None}
    options: dict[str, Any] = {
        "sender": "newsapi <alerts@example.com>",
        "receivers": TO,
        **none,
        **login,
        **changes,
    }
    return EmailChannel("127.0.0.1", port, security=security, **options)


def send(sender: EmailChannel, seconds: float = 10) -> str:
    return sender.send(MESSAGE, Deadline.after(seconds))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_is_encrypted_and_logged_in(
    security: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(security, certificate) as server:
        assert send(channel(server.port, security)) == "250 2.0.0 queued as 1"

    (mail,) = server.received
    assert server.encrypted == [True]
    assert mail["To"] == "ops@example.com, owner@example.com"
    assert mail["From"] == "newsapi <alerts@example.com>"
    assert mail["Message-ID"] == f"<{MESSAGE.message_id}@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    assert "Größe" in text_of(mail)
    assert "Größe" in html_of(mail)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_with_a_certificate_of_nobody_gets_nothing(
    security: str, certificate: tuple[Path, Path]
) -> None:
    with (
        mail_server(security, certificate) as server,
        pytest.raises(DeliveryError, match="can't be trusted"),
    ):
        send(channel(server.port, security))
    assert server.received == []


def test_a_wrong_password_is_told_without_it(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with (
        mail_server("starttls", certificate) as server,
        pytest.raises(DeliveryError, match="535") as raised,
    ):
        send(channel(server.port, "starttls", password="wrong-secret"))
    assert "wrong-secret" not in str(raised.value)


@pytest.fixture
def server() -> Any:
    with mail_server() as made:
        yield made


def test_the_same_message_has_the_same_id_each_time(server: MailServer) -> None:
    send(channel(server.port))
    send(channel(server.port))

    first, second = server.received
    assert first["Message-ID"] == second["Message-ID"]


def test_a_refusal_is_told_in_the_servers_words(server: MailServer) -> None:
    server.refuse = "452 4.2.2 mailbox full"
    with pytest.raises(DeliveryError, match=r"answered 452 4\.2\.2 mailbox full"):
        send(channel(server.port))


def test_one_receiver_that_does_not_exist_keeps_nothing_from_the_others(
    server: MailServer,
) -> None:
    server.refused_receivers = {"owner@example.com"}
    answer = send(channel(server.port))

    assert len(server.received) == 1
    assert answer == "250 2.0.0 queued as 1; owner@example.com refused: 550 no such mailbox"


def test_no_receiver_that_exists_is_a_failure(server: MailServer) -> None:
    server.refused_receivers = set(TO)
    with pytest.raises(DeliveryError, match="550 no such mailbox"):
        send(channel(server.port))


def test_a_server_that_is_not_there_is_told_at_once(server: MailServer) -> None:
    with mail_server() as gone:
        port = gone.port
    with pytest.raises(DeliveryError, match="refused"):
        send(channel(port))


@pytest.mark.parametrize(
    "behave",
    [
        lambda _connection, stop: stop.wait(30),
        dripping("220-hello\r\n", b"220-more\r\n", 0.05),
        dripping("220 hello\r\n250-", b"x", 0.05),
    ],
    ids=["silent", "endless greeting", "endless answer"],
)
def test_a_server_that_hangs_is_left_when_the_time_is_over(
    behave: Callable[..., Any],
) -> None:
    with speaking_first(behave) as port:
        started = time.monotonic()
        with pytest.raises(DeliveryError, match="no answer in time"):
            send(channel(port), seconds=0.6)
        assert time.monotonic() - started < 5


def test_a_test_mail_says_that_nothing_is_wrong(server: MailServer) -> None:
    answer = channel(server.port).test("here", Deadline.after(10))

    assert answer == "250 2.0.0 queued as 1"
    assert "Nothing is wrong" in server.received[0].get_content()
    assert server.subjects == ["[newsapi] Test of the alerts: nothing is wrong"]


@pytest.mark.parametrize(
    "login_as", [("jörg@example.com", "geheim"), (USER, "пароль €"), ("ß", "密")]
)
@pytest.mark.parametrize("excluded", [[], ["PLAIN"]], ids=["PLAIN", "LOGIN"])
def test_users_and_passwords_beyond_ascii_log_in(
    login_as: tuple[str, str],
    excluded: list[str],
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(
        "starttls", certificate, login_as=login_as, auth_exclude_mechanism=excluded
    ) as server:
        sender = channel(server.port, "starttls", user=login_as[0], password=login_as[1])
        assert send(sender) == "250 2.0.0 queued as 1"
        wrong = channel(server.port, "starttls", user=login_as[0], password="falsch €")
        with pytest.raises(DeliveryError, match="535"):
            send(wrong)
        with pytest.raises(DeliveryError, match="SMTP_PASSWORD must be ASCII"):
            _without_login(server.port, login_as)
    assert len(server.received) == 1


def _without_login(port: int, login_as: tuple[str, str]) -> None:
    """Log in where the server offers nothing that takes UTF-8, as one with CRAM-MD5 alone."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.ehlo()
        server.esmtp_features["auth"] = "CRAM-MD5"
        _log_in(server, *login_as)


def test_an_address_that_is_none_costs_the_others_nothing(server: MailServer) -> None:
    receivers = ("ops@example.com", "nonsense", '"Team, B" <b@example.com>')
    answer = send(channel(server.port, receivers=receivers))

    assert answer == "250 2.0.0 queued as 1; nonsense refused: not a mail address"
    assert server.received[0]["To"] == 'ops@example.com, "Team, B" <b@example.com>'


def test_addresses_beyond_ascii_go_to_servers_that_take_them() -> None:
    receivers = ("ops@example.com", "jörg@example.com", "team@bücher.example")
    with mail_server(enable_SMTPUTF8=True) as server:
        assert send(channel(server.port, receivers=receivers)) == "250 2.0.0 queued as 1"
    assert (
        server.received[0]["To"] == "ops@example.com, jörg@example.com, team@xn--bcher-kva.example"
    )

    with mail_server(enable_SMTPUTF8=False) as server:
        answer = send(channel(server.port, receivers=receivers))
        with pytest.raises(DeliveryError, match="ALERT_EMAIL_FROM"):
            send(channel(server.port, sender="jörg@example.com"))
        with pytest.raises(DeliveryError, match="takes no SMTPUTF8"):
            send(channel(server.port, receivers=receivers[1:2]))
    assert answer == (
        "250 2.0.0 queued as 1; jörg@example.com refused: the server takes no SMTPUTF8"
    )
    assert server.received[0]["To"] == "ops@example.com, team@xn--bcher-kva.example"


def test_a_server_that_hangs_up_between_receivers_has_taken_nothing(server: MailServer) -> None:
    server.refused_receivers = {"owner@example.com"}
    server.refused_with = "421 4.3.2 shutting down"
    with pytest.raises(DeliveryError, match="421"):
        send(channel(server.port))
    assert server.received == []
