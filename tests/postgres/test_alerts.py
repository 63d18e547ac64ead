"""Alerts by Dagster's records and the tables on a server, shared by processes without a disk."""

import os
import time
from pathlib import Path

import pytest

from alerts.runs import beat, begin, fail, retry_step
from alerts.servers import mail_server, text_of
from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.hosting.home import prepare_home
from newsapi_dentsu.settings import load_settings
from support.commands import run_newsapi
from support.tables import column

from .conftest import Open
from .server import Server


@pytest.mark.thorough(
    "tests/alerts/test_delivery.py"
    "::test_the_sensor_and_the_command_tell_each_thing_once_between_them"
)
def test_processes_with_homes_of_their_own_tell_a_failure_once_between_them(
    server: Server,
    db_name: str,
    opened: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with mail_server() as mail:
        for name, value in {
            **server.settings(db_name),
            "NEWSAPI_KEY": "key-of-the-api",
            "DAGSTER_HOME": str(tmp_path / "home 0"),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mail.port),
            "SMTP_SECURITY": "none",
            "ALERT_EMAIL_FROM": "alerts@example.com",
            "ALERT_EMAIL_TO": "ops@example.com",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        load_settings.cache_clear()
        settings = load_settings()
        with opened_instance(settings, prepare_home(settings)) as instance:
            run_id = begin(instance)
            retry_step(instance, run_id)
            fail(instance, run_id)
            beat(instance, time.time() - 3600)
        load_settings.cache_clear()
        checks = [
            run_newsapi(
                ["alerts", "check"],
                tmp_path,
                {**os.environ, "DAGSTER_HOME": str(tmp_path / f"home {number}")},
                tmp_path,
            )
            for number in (1, 2)
        ]

    assert [check.code for check in checks] == [1, 1], checks
    assert "Pipeline failure (pipeline_failure)" in checks[1].out
    (told,) = mail.received
    assert told["Subject"] == "[newsapi] CRITICAL: Schedule or daemon stopped; 1 failed run"
    assert run_id in text_of(told)
    assert "2 attempts" in text_of(told)
    assert "the API refused the key" in text_of(told)
    assert column(opened(), "ops.alert_deliveries", "status") == ["delivered", "delivered"]
    assert not (tmp_path / "home 1" / "alerts.json").exists()
