"""`newsapi alerts`, as cron or an operator calls it."""

import time
from collections.abc import Iterator

import pytest

from alerts.runs import beat
from alerts.servers import MailServer, WebServer, free_port, mail_server, text_of, web_server
from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.settings import Settings

from .conftest import Workspace

QUIET = "rules: {database_full: {free_gb: 0.001}}"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


def by_mail(server: MailServer) -> dict[str, str]:
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(server.port),
        "SMTP_SECURITY": "none",
        "ALERT_EMAIL_FROM": "alerts@example.com",
        "ALERT_EMAIL_TO": "ops@example.com",
    }


def daemon_lives(workspace: Workspace, hours_ago: float = 0) -> None:
    data = workspace.folder / "data"
    settings = Settings(_env_file=None, duckdb_path=data / "news.duckdb")
    with opened_instance(settings, data / "dagster") as instance:
        beat(instance, time.time() - 3600 * hours_ago)


def test_a_daemon_that_was_never_started_is_no_alert(filled: Workspace, mail: MailServer) -> None:
    (filled.folder / "alerts.yaml").write_text(QUIET)
    checked = filled.newsapi("alerts", "check", **by_mail(mail))

    assert (checked.code, checked.out) == (0, "all is well\n")
    assert mail.subjects == []


def test_a_dead_daemon_is_told_once_and_its_return_as_well(
    filled: Workspace, mail: MailServer
) -> None:
    (filled.folder / "alerts.yaml").write_text(QUIET)
    daemon_lives(filled, hours_ago=1)
    first = filled.newsapi("alerts", "check", **by_mail(mail))
    second = filled.newsapi("alerts", "check", **by_mail(mail))
    daemon_lives(filled)
    third = filled.newsapi("alerts", "check", **by_mail(mail))

    assert (first.code, second.code, third.code) == (1, 1, 0)
    assert "critical  Schedule or daemon stopped (stopped), since" in first.out
    assert "notified by email: Schedule or daemon stopped (250 2.0.0 queued as 1)" in first.out
    assert "notified by" not in second.out
    assert "all is well" in third.out
    assert mail.subjects == [
        "[newsapi] CRITICAL: Schedule or daemon stopped",
        "[newsapi] OK: Recovered: Schedule or daemon stopped",
    ]


def test_a_database_that_is_away_is_told_once(workspace: Workspace, mail: MailServer) -> None:
    away = {
        "USE_POSTGRES": "true",
        "POSTGRES_PORT": str(free_port()),
        "POSTGRES_PASSWORD": "pass-word-of-the-database",
        "DATABASE_WAIT_SECONDS": "0.5",
        "NEWSAPI_KEY": "key-of-the-api",
        "NEWSAPI_SANDBOX": "never",
    }
    first = workspace.newsapi("alerts", "check", **away, **by_mail(mail))
    second = workspace.newsapi("alerts", "check", **away, **by_mail(mail))

    assert (first.code, second.code) == (1, 1), first.err
    (told,) = mail.received
    assert "No sign of life can be read" in text_of(told)
    assert "NOTE: The tables can't be seen" in text_of(told)
    assert "pass-word-of-the-database" not in text_of(told)


def test_a_test_message_shows_the_other_sides_answer(
    workspace: Workspace, mail: MailServer, web: WebServer
) -> None:
    by_web = {
        "SLACK_WEBHOOK_URL": f"{web.url}/services/secret-path",
        "PAGERDUTY_URL": web.url,
        "PAGERDUTY_ROUTING_KEY": "R0123456789",
    }
    answers = {
        channel: workspace.newsapi("alerts", "test", channel, **by_mail(mail), **by_web)
        for channel in ("email", "slack", "pagerduty")
    }

    assert [one.code for one in answers.values()] == [0, 0, 0], answers
    assert answers["email"].out == "email answered: 250 2.0.0 queued as 1\n"
    assert answers["slack"].out.startswith("slack answered: 202 ")
    assert answers["pagerduty"].out.startswith("pagerduty answered: 202 ")


def test_a_refused_test_message_is_told_without_secrets(
    workspace: Workspace, web: WebServer
) -> None:
    web.default.status, web.default.body = 403, "no_service secret-path"
    hook = f"{web.url}/services/secret-path"
    done = workspace.newsapi("alerts", "test", "slack", SLACK_WEBHOOK_URL=hook)

    assert done.code == 1
    assert "slack: answered 403 no_service" in done.err


@pytest.mark.parametrize(
    ("channel", "setting"),
    [
        ("email", "SMTP_HOST"),
        ("slack", "SLACK_WEBHOOK_URL"),
        ("pagerduty", "PAGERDUTY_ROUTING_KEY"),
    ],
)
def test_a_channel_that_is_not_set_up_names_its_settings(
    workspace: Workspace, channel: str, setting: str
) -> None:
    done = workspace.newsapi("alerts", "test", channel)

    assert done.code == 1
    assert f"{channel} is not set up: set {setting}" in done.err


def test_the_list_shows_rules_state_silences_and_deliveries(
    filled: Workspace, mail: MailServer
) -> None:
    (filled.folder / "alerts.yaml").write_text(QUIET)
    daemon_lives(filled, hours_ago=1)
    filled.newsapi("alerts", "check", **by_mail(mail))
    silenced = filled.newsapi("alerts", "silence", "no_data", "--for", "2h")
    shown = filled.newsapi("alerts", "list", **by_mail(mail))

    assert silenced.code == shown.code == 0, silenced.err + shown.err
    assert "no_data is silent until" in silenced.out
    lines = {line.split()[0]: line for line in shown.out.splitlines() if line.startswith("  ")}
    assert "ok (silent until" in lines["no_data"]
    assert "OPEN since" in lines["stopped"]
    assert "(pagerduty), email" in lines["stopped"]
    assert "not set up: pagerduty, slack" in shown.out
    assert "email      delivered  stopped-" in shown.out


@pytest.mark.parametrize("span", ["2", "0h", "-1h", "two hours", "1w"])
def test_a_silence_needs_a_span(workspace: Workspace, span: str) -> None:
    done = workspace.newsapi("alerts", "silence", "no_data", "--for", span)

    assert done.code == 2
    assert "must be a span such as 30m, 2h or 1d" in done.err


@pytest.mark.parametrize("span", ["366d", "9999999d", "9" * 5000 + "h"])
def test_a_silence_has_an_end(workspace: Workspace, span: str) -> None:
    done = workspace.newsapi("alerts", "silence", "no_data", "--for", span)

    assert done.code == 2
    assert "must be a span of at most 365d" in done.err


def test_a_mistake_in_the_rules_is_named_by_its_line(workspace: Workspace) -> None:
    (workspace.folder / "alerts.yaml").write_text("rules:\n  no_data:\n    rans: 3\n")
    done = workspace.newsapi("alerts", "list")

    assert done.code == 1
    assert "alerts.yaml, line 3: rules.no_data.rans: is not known here" in done.err
