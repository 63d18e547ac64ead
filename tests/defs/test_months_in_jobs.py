"""Months of a backfill in Container Apps Jobs of their own: what Azure is asked for, and does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._serdes import ConfigurableClassData

from newsapi_dentsu.dagster_private import BACKFILL_ID_TAG, MAX_RUNTIME_SECONDS_TAG
from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.defs.finished_jobs import delete_finished_jobs
from newsapi_dentsu.hosting.run_launcher import run_launcher
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import backfills, raw
from support.tables import count

from .container_apps import ContainerApps, container_apps

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

pytest.importorskip("dagster_azure", reason="`make test-thorough` installs what this needs")

JOB, PRICE = "backfill_months", 5
IMAGE = "newsapiprod.azurecr.io/newsapi-dagster@sha256:1"
SETTINGS: dict[str, Any] = {
    "aca_subscription_id": "s",
    "aca_resource_group": "newsapi-rg",
    "aca_region": "eastus",
    "aca_environment_id": "/subscriptions/s/env",
    "aca_identity_id": "/subscriptions/s/resourceGroups/g/providers/x/apps",
    "backfill_requests_per_minute": 6000,
    "newsapi_key": "planted-key",
}


@pytest.fixture
def azure() -> Iterator[ContainerApps]:
    with container_apps() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that other processes find in its home."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.from_config(str(folder)) as made:
        yield made


@pytest.fixture
def launcher(
    azure: ContainerApps,
    home: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> RunLauncher:
    """The launcher as `dagster.yaml` names it; Azure is on loopback."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.mgmt.appcontainers import ContainerAppsAPIClient
    from dagster_azure.container_apps import AcaRunLauncher

    client = ContainerAppsAPIClient(
        AnonymousCredential(),
        "s",
        base_url=azure.url,
        authentication_policy=SansIOHTTPPolicy(),
        polling_interval=0,
    )
    monkeypatch.setattr(AcaRunLauncher, "_get_client", lambda _: client)
    for name in ("BACKFILL_REQUESTS_PER_MINUTE", "NEWSAPI_SANDBOX", "NEWSAPI_KEY"):
        monkeypatch.setenv(name, {"NEWSAPI_SANDBOX": "always"}.get(name, "6000"))
    part = run_launcher(Settings(_env_file=None, **SETTINGS))
    config = yaml.safe_dump(part["config"])
    found = ConfigurableClassData(part["module"], part["class"], config)
    made: RunLauncher[dg.DagsterInstance] = found.rehydrate(as_type=AcaRunLauncher)
    made.register_instance(home)
    return made


class AnonymousCredential:
    """Whom nobody asks for a token: the policy that would is left out."""

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        raise AssertionError


def month_run(home: dg.DagsterInstance, month: str) -> dg.DagsterRun:
    """The queued run of a month, as launching a backfill of partitions makes it."""
    job = build_definitions().resolve_job_def(JOB)
    pointer = ModuleCodePointer("newsapi_dentsu.definitions", "defs")
    origin = RepositoryPythonOrigin(
        "python", pointer, container_image=IMAGE, entry_point=["dagster"], container_context={}
    )
    return home.create_run_for_job(
        job,
        tags={**job.tags, "dagster/partition": month, BACKFILL_ID_TAG: "years"},
        job_code_origin=JobPythonOrigin(JOB, origin),
        status=dg.DagsterRunStatus.STARTING,
    )


def launch(launcher: RunLauncher, run: dg.DagsterRun) -> None:
    launcher.launch_run(LaunchRunContext(run, None))


def test_each_month_gets_a_job_of_its_own_that_azure_takes(
    azure: ContainerApps, home: dg.DagsterInstance, launcher: RunLauncher
) -> None:
    runs = [month_run(home, month) for month in ("2015-01", "2015-02", "2015-03")]
    for run in runs:
        launch(launcher, run)

    assert azure.refused == []
    assert len(azure.jobs) == len(runs)
    assert azure.started == list(azure.jobs)
    for run, job in zip(runs, azure.jobs.values(), strict=True):
        configuration = job["properties"]["configuration"]
        (container,) = job["properties"]["template"]["containers"]
        assert job["tags"]["dagster-run-id"] == run.run_id
        assert container["image"] == IMAGE
        assert container["command"][:3] == ["dagster", "api", "execute_run"]
        assert run.run_id in container["command"][3]
        assert configuration["replicaRetryLimit"] == 0
        # The month ends itself before Dagster does, and that before Azure does.
        assert int(run.tags[MAX_RUNTIME_SECONDS_TAG]) < configuration["replicaTimeout"]
        assert job["identity"]["userAssignedIdentities"] == {SETTINGS["aca_identity_id"]: {}}
        assert {"name": "BACKFILL_REQUESTS_PER_MINUTE", "value": "6000"} in container["env"]
        assert "NEWSAPI_KEY" not in {one["name"] for one in container["env"]}
        stored = home.get_run_by_id(run.run_id)
        assert stored is not None
        assert launcher.check_run_worker_health(stored).status is WorkerStatus.RUNNING


def test_the_job_of_a_month_that_failed_is_seen_and_deleted_and_others_stay(
    azure: ContainerApps, home: dg.DagsterInstance, launcher: RunLauncher
) -> None:
    from dagster_azure.container_apps import AcaRunLauncher

    runs = [month_run(home, month) for month in ("2015-01", "2015-02")]
    for run in runs:
        launch(launcher, run)
    azure.state = "Failed"
    failed = home.get_run_by_id(runs[0].run_id)
    assert failed is not None
    assert launcher.check_run_worker_health(failed).status is WorkerStatus.FAILED
    home.report_run_failed(failed)

    assert isinstance(launcher, AcaRunLauncher)
    first, second = azure.jobs
    client = launcher._get_client()
    assert delete_finished_jobs(home, client, "newsapi-rg") == [first]
    assert list(azure.jobs) == [second]
    # Somebody ends the other one in Dagster's UI.
    assert launcher.terminate(runs[1].run_id)
    assert azure.deleted == [first, second]
    assert azure.refused == []


@pytest.mark.slow
def test_what_a_job_executes_reads_its_month(
    azure: ContainerApps, home: dg.DagsterInstance, launcher: RunLauncher, stored: Warehouse
) -> None:
    launch(launcher, month_run(home, "2026-02"))
    (job,) = azure.jobs.values()
    (container,) = job["properties"]["template"]["containers"]
    command, variables = (
        container["command"],
        {one["name"]: one["value"] for one in container["env"]},
    )
    subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **variables},
        check=True,
        timeout=120,
    )
    (run,) = home.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert count(stored, raw.TABLE) > 100
    spent = stored.read(lambda session: backfills.spent(session, "years"))
    assert spent.tokens == 28 * PRICE
