"""Webserver and daemon as two processes on one database, as production runs them."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.hosting.home import MARK, dagster_yaml, prepare_home
from newsapi_dentsu.sandbox import SANDBOX_KEY, Sandbox
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.tables import final
from support.processing import broken_promises
from support.services import ask, service, until
from support.tables import count

from .conftest import Open
from .server import PASSWORD, Server, free_port

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_scheduled_run_is_executed_and_nothing_stays_on_the_disk(
    server: Server, db_name: str, opened: Open, tmp_path: Path
) -> None:
    folder, logs = tmp_path / "app", tmp_path / "logs"
    for made in (folder, logs):
        made.mkdir()
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    module = workspace["load_from"][0]["python_module"]
    assert module["module_name"] == "newsapi_dentsu.definitions"
    module["module_name"] = "minutely"
    workspace_file = tmp_path / "workspace.yaml"
    workspace_file.write_text(yaml.safe_dump(workspace))

    with Sandbox(tokens=100_000) as api, ExitStack() as services:
        environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path / "tmp"),
            "PYTHONPATH": str(Path(__file__).parent),
            "NEWSAPI_HOST": api.url,
            "NEWSAPI_KEY": SANDBOX_KEY,
            "LOOKBACK_DAYS": "2",
            "DAGSTER_HOME": str(tmp_path / "dagster"),
            **server.settings(db_name),
        }
        (tmp_path / "tmp").mkdir()
        for arguments in (["db", "upgrade"], ["home"]):
            subprocess.run(
                [BIN / "newsapi", *arguments], cwd=folder, env=environment, check=True, timeout=90
            )
        port = free_port()
        common: list[str | Path] = ["-w", workspace_file]
        webserver = [BIN / "dagster-webserver", "-h", "127.0.0.1", "-p", str(port), *common]
        daemon = [BIN / "newsapi", "daemon", "--health-port", "0", *common]
        services.enter_context(service(webserver, folder, environment, logs / "webserver"))
        services.enter_context(service(daemon, folder, environment, logs / "daemon"))
        url = f"http://127.0.0.1:{port}"

        def scheduled_run_ended() -> Any:
            try:
                found = ask(
                    url, "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"
                )["runsOrError"]["results"]
            except requests.ConnectionError:
                return None
            return [run for run in found if run["status"] in ("SUCCESS", "FAILURE")]

        run = until(scheduled_run_ended, (logs / "daemon").read_text()[-3000:])[-1]
        health = ask(
            url,
            "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }",
        )["instance"]["daemonHealth"]["allDaemonStatuses"]
        settings_shown = str(ask(url, "{ instance { info } }"))
        assert scheduled_run_ended()
    log = (logs / "daemon").read_text() + (logs / "webserver").read_text()
    assert run["status"] == "SUCCESS", log[-5000:]
    assert {"key": "dagster/schedule_name", "value": "news_every_minute"} in run["tags"]
    assert all(status["healthy"] for status in health if status["required"]), health
    assert PASSWORD not in log
    assert PASSWORD not in settings_shown

    warehouse = opened()
    assert count(warehouse, final.TABLE) > 0
    assert broken_promises(warehouse) == set()
    with server.admin(db_name) as admin:
        events = admin.execute(
            "SELECT count(*) FROM dagster.event_logs WHERE dagster_event_type = 'PIPELINE_SUCCESS'"
        ).fetchone()
        ticks = admin.execute(
            "SELECT count(*) FROM dagster.job_ticks WHERE status = 'SUCCESS'"
        ).fetchone()
        looks = admin.execute(
            "SELECT DISTINCT status FROM dagster.job_ticks WHERE type = 'SENSOR'"
        ).fetchall()
        beats = admin.execute("SELECT count(*) FROM dagster.daemon_heartbeats").fetchone()
        public = admin.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert events is not None
    assert events[0] >= 1
    assert ticks is not None
    assert ticks[0] >= 1
    assert looks == [("SKIPPED",)]
    assert beats is not None
    assert beats[0] >= 1
    assert public == (0,)
    assert files(folder) == set()
    assert files(tmp_path / "dagster") == {"dagster.yaml"}
    assert not (tmp_path / "home").exists()


POSTGRES = {"use_postgres": True, "postgres_host": "db.example", "postgres_password": "geheim"}


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_dagster_yaml_holds_no_secret_and_no_address() -> None:
    text = dagster_yaml(settings(**POSTGRES))
    storage = yaml.safe_load(text)["storage"]["postgres"]["postgres_db"]

    assert "geheim" not in text
    assert "db.example" not in text
    assert storage["hostname"] == {"env": "POSTGRES_HOST"}
    assert storage["password"] == {"env": "POSTGRES_PASSWORD"}
    assert storage["scheme"] == "postgresql+psycopg2"
    assert storage["params"]["sslmode"] == "require"
    assert "-csearch_path=dagster -ctimezone=UTC " in storage["params"]["options"]


def test_without_postgres_dagster_keeps_its_records_in_its_home() -> None:
    found = yaml.safe_load(dagster_yaml(settings()))
    assert "storage" not in found
    assert "compute_logs" not in found
    assert found["telemetry"] == {"enabled": False}
    assert found["run_monitoring"] == {"enabled": True, "max_runtime_seconds": 1800}


def test_the_output_of_steps_can_go_to_blob_storage() -> None:
    logs = {"compute_logs": "azure", "compute_logs_account": "newsapilogs"}
    found = yaml.safe_load(dagster_yaml(settings(**POSTGRES, **logs)))["compute_logs"]

    assert found["class"] == "AzureBlobComputeLogManager"
    assert found["config"]["storage_account"] == "newsapilogs"
    assert "default_azure_credential" in found["config"]
    module = pytest.importorskip(found["module"], reason="the extra `azure` is not installed")
    from dagster._config import process_config

    wanted = getattr(module, found["class"]).config_type()
    assert process_config(wanted, found["config"]).success


def test_blob_storage_needs_its_account() -> None:
    with pytest.raises(ValueError, match="COMPUTE_LOGS_ACCOUNT"):
        settings(compute_logs="azure")


@pytest.fixture
def _environment_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what is exported during the test is undone after it.
    for name in ("HOST", "PORT", "DB", "USER", "PASSWORD"):
        monkeypatch.setenv(f"POSTGRES_{name}", "1")
        monkeypatch.delenv(f"POSTGRES_{name}")
    monkeypatch.setenv("DAGSTER_HOME", "1")
    monkeypatch.delenv("DAGSTER_HOME")


@pytest.mark.usefixtures("_environment_kept")
def test_a_home_follows_the_settings_unless_somebody_has_taken_it_over(tmp_path: Path) -> None:
    home = tmp_path / "dagster"
    written = home / "dagster.yaml"
    prepare_home(settings(dagster_home=home))
    assert "storage" not in yaml.safe_load(written.read_text())

    prepare_home(settings(dagster_home=home, **POSTGRES))
    assert "storage" in yaml.safe_load(written.read_text())
    assert os.environ["POSTGRES_PORT"] == "5432"

    written.write_text(written.read_text().removeprefix(MARK) + "# mine\n")
    prepare_home(settings(dagster_home=home))
    assert written.read_text().endswith("# mine\n")
    assert files(home) == {"dagster.yaml"}


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="DAGSTER_HOME"):
        prepare_home(settings(dagster_home=tmp_path / "file" / "dagster"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", "prefer"),
        ("127.0.0.1", "prefer"),
        ("::1", "prefer"),
        ("/var/run/postgresql", "prefer"),
        ("news.postgres.database.azure.com", "require"),
        ("10.1.2.3", "require"),
    ],
)
def test_tls_is_required_where_the_host_is_elsewhere(host: str, expected: str) -> None:
    assert settings(postgres_host=host).sslmode == expected
    assert settings(postgres_host=host, postgres_sslmode="verify-full").sslmode == "verify-full"
