"""An installation with all three channels, each with its server, and a clock that is set."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import time_machine

from newsapi_dentsu.alerts.evaluation import Report
from newsapi_dentsu.defs.alerts import evaluate_alerts, pipeline_failure_sensor
from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.hosting.home import prepare_home
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.tables import stage_runs

from .servers import MailServer, WebServer, mail_server, make_certificate, web_server

NOON = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
ROUTING_KEY = "R0123456789ABCDEF0123456789ABCDEF"
WEBHOOK_PATH = "/services/T0AAAAAAA/B0BBBBBBB/cccccccccccccccccccccccc"
UI = "https://dagster.example.com"


@dataclass
class Installation:
    """A home with its settings, the other sides of its channels, and its clock."""

    folder: Path
    instance: dg.DagsterInstance
    warehouse: Warehouse
    mail: MailServer
    slack: WebServer
    pager: WebServer
    clock: time_machine.Traveller

    @property
    def settings(self) -> Settings:
        return load_settings()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def later(self, **span: float) -> datetime:
        """Set the clock forward."""
        self.clock.shift(timedelta(**span))
        return self.now

    def tick(self) -> str:
        """What the sensor says when it is evaluated now."""
        with dg.build_sensor_context(instance=self.instance) as context:
            answer = pipeline_failure_sensor(context)
        assert isinstance(answer, dg.SkipReason)
        return answer.skip_message or ""

    def look(self, *, in_daemon: bool = True) -> Report:
        """One look, without the sensor's judgement of it."""
        from contextlib import nullcontext

        return evaluate_alerts(
            lambda: nullcontext(self.instance), self.settings, self.now, in_daemon=in_daemon
        )

    def record_fetch(self, **figures: Any) -> None:
        """A run of collect and curate that ends now."""
        report = {
            "new": 5,
            "requests": 4,
            "api_seconds": 2.0,
            "tokens": 4,
            "tokens_left": 1800,
            **figures,
        }
        run_id, now = f"run-{self.now:%Y%m%dT%H%M%S}", self.now
        with self.warehouse.transaction() as session:
            for stage in ("collect", "curate"):
                attempt = stage_runs.start_stage(session, run_id, stage, now)
                stage_runs.end_stage(
                    session, run_id, stage, attempt, now=now, report=report, error=None
                )

    def paged(self, action: str | None = None) -> list[dict[str, Any]]:
        """The events that PagerDuty took."""
        return [event for event in self.pager.taken if action in (None, event["event_action"])]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at noon until it is set."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="session")
def prepared(scratch: Path) -> Path:
    """A folder with the empty tables and Dagster's empty records, to copy."""
    folder = scratch / "prepared"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_PATH", str(folder / "data/news.duckdb"))
        patch.delenv("DAGSTER_HOME", raising=False)
        read = Settings(_env_file=None)
        open_warehouse(read).upgrade()
        with opened_instance(read, prepare_home(read)):
            pass
    return folder / "data"


@pytest.fixture
def set_up(
    scratch: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> Iterator[Callable[..., Installation]]:
    """Makes an installation; settings that are given as None are left out."""
    with ExitStack() as stack:
        # In memory: a disk that others use as well makes thirty days long.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=scratch)))

        def make(**changes: str | None) -> Installation:
            mail = stack.enter_context(mail_server())
            slack, pager = (stack.enter_context(web_server()) for _ in range(2))
            slack.default.status, slack.default.body = 200, "ok"
            settings: dict[str, str | None] = {
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(mail.port),
                "SMTP_SECURITY": "none",
                "ALERT_EMAIL_FROM": "newsapi <alerts@example.com>",
                "ALERT_EMAIL_TO": "ops@example.com, owner@example.com",
                "SLACK_WEBHOOK_URL": f"{slack.url}{WEBHOOK_PATH}",
                "PAGERDUTY_URL": pager.url,
                "PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
                "UI_BASE_URL": UI,
                # The clock stands still: whoever waits by it waits for ever.
                "DATABASE_WAIT_SECONDS": "0",
                **changes,
            }
            for name in [*Settings.model_fields, "DAGSTER_HOME"]:
                monkeypatch.delenv(name.upper(), raising=False)
            for name, value in settings.items():
                if value is not None:
                    monkeypatch.setenv(name, value)
            monkeypatch.chdir(folder)
            load_settings.cache_clear()
            read = load_settings()
            warehouse = open_warehouse(read)
            shutil.copytree(prepared, folder / "data")
            # Whatever this machine's disk has left.
            (folder / "alerts.yaml").write_text("rules: {database_full: {free_gb: 0.001}}")
            home = prepare_home(read)
            monkeypatch.setenv("DAGSTER_HOME", os.environ["DAGSTER_HOME"])
            instance = stack.enter_context(opened_instance(read, home))
            return Installation(folder, instance, warehouse, mail, slack, pager, clock)

        yield make
    load_settings.cache_clear()


@pytest.fixture
def site(set_up: Callable[..., Installation]) -> Installation:
    """An installation with all three channels."""
    return set_up()
