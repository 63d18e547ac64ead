"""A release: the order of its steps, what it proves, and how it goes back."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.http import serve_in_background

from .dockerfile import ROOT

pytestmark = pytest.mark.slow

OLD, NEW = (f"sha256:{digit * 64}" for digit in "12")
REGISTRY = "newsapiprodcrdnt1.azurecr.io"
APPS = ("dagster-daemon", "dagster-webserver", "news-api")
ROTATION = "newsapi-db-rotate"
JOBS = (
    "newsapi-db-role",
    "newsapi-db-upgrade",
    "newsapi-db-upgrade-for-good",
    "newsapi-alerts-check",
    "newsapi-smoke-run",
)
HOST = "newsapi-prod-pg-dnt1.postgres.database.azure.com"
SERVER = {"name": "newsapi-prod-pg-dnt1", "fullyQualifiedDomainName": HOST}


def image(digest: str) -> str:
    return f"{REGISTRY}/newsapi-dagster@{digest}"


@dataclass
class Azure:
    """A resource group behind a stand-in for the `az` command."""

    folder: Path
    url: str
    in_workflow: bool = False

    @property
    def file(self) -> Path:
        return self.folder / "state.json"

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def change(self, **changes: Any) -> None:
        self.file.write_text(json.dumps(self.state | changes))

    def images(self) -> set[str]:
        return {one["image"] for kind in ("apps", "jobs") for one in self.state[kind].values()}

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("release", *arguments)

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}:{os.environ['PATH']}"
        environment = {"PATH": path, "PYTHONPATH": str(ROOT / "infra"), "AZ_STATE": str(self.file)}
        if self.in_workflow:
            environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{self.url}/token?api-version=2.0"
            environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "of-this-job"
        return subprocess.run(
            [sys.executable, "-m", f"newsapi_infra.{module}", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def deploy(self, digest: str = NEW, *more: str) -> subprocess.CompletedProcess[str]:
        where = ["--group", "newsapi-rg", "--registry", REGISTRY, "--url", self.url]
        quick = ["--every", "0.05", "--patience", "0.3"]
        return self.release("deploy", *where, "--digest", digest, *quick, *more)


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[Azure]:
    class Ui(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/token?api-version=2.0&audience=api://AzureADTokenExchange":
                allowed = self.headers["Authorization"] == "bearer of-this-job"
                self.send_response(200 if allowed else 401)
                self.end_headers()
                self.wfile.write(b'{"count": 1, "value": "a-new-token"}')
                return
            if self.path.startswith("/behind-a-login/"):
                # As the platform's login does: to a page that answers well.
                self.send_response(302)
                self.send_header("Location", "/login")
                self.end_headers()
                return
            page = self.path in ("/login", "/somebodys-page/server_info")
            self.send_response(200 if page or self.path == "/server_info" else 404)
            self.end_headers()
            versions = b'{"dagster_webserver_version": "1.13.27"}'
            self.wfile.write(b"<html>Sign in</html>" if page else versions)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing to tell."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ui)
    serve_in_background(server)
    fake = tmp_path / "az"
    fake.write_text(
        f'#!/bin/sh\nexec {sys.executable} -IS {Path(__file__).with_name("fake_az.py")} "$@"\n'
    )
    fake.chmod(0o755)
    made = Azure(tmp_path, f"http://127.0.0.1:{server.server_address[1]}")
    resources = {
        "apps": {name: {"image": image(OLD)} for name in APPS},
        "jobs": {name: {"image": image(OLD), "env": {"POSTGRES_HOST": HOST}} for name in JOBS},
        "servers": [SERVER],
        "backups": [],
        "registry": REGISTRY.partition(".")[0],
        "manifests": [],
    }
    login = {
        "calls_until_it_is_over": None,
        "calls_of_a_login": None,
        "github_token": "a-new-token",
    }
    made.file.write_text(
        json.dumps(
            {"group": "newsapi-rg", "broken": [], "ends": {}, "calls": [], **resources, **login}
        )
    )
    yield made
    server.shutdown()
    server.server_close()


def test_the_tables_come_first_then_the_daemon_then_the_ui_then_the_proof(azure: Azure) -> None:
    done = azure.deploy()
    assert done.returncode == 0, done.stderr
    assert [call for call in azure.state["calls"] if " show" not in call] == [
        f"backup create newsapi-prod-pg-dnt1 before-{'2' * 12}",
        f"containerapp job update newsapi-db-upgrade {image(NEW)}",
        "containerapp job start newsapi-db-upgrade",
        f"containerapp job update newsapi-db-upgrade SCHEMA_STEPS={schema_steps()}",
        f"containerapp update dagster-daemon {image(NEW)}",
        f"containerapp update dagster-webserver {image(NEW)}",
        f"containerapp update news-api {image(NEW)}",
        *(f"containerapp job update {name} {image(NEW)}" for name in JOBS),
        "containerapp job start newsapi-smoke-run",
    ]
    assert azure.images() == {image(NEW)}
    assert azure.release("running", "--group", "newsapi-rg").stdout.strip() == NEW


def test_a_release_that_outlasts_its_login_logs_in_again_and_goes_on(azure: Azure) -> None:
    azure.change(calls_until_it_is_over=12, calls_of_a_login=12)
    azure.in_workflow = True

    done = azure.deploy()

    assert done.returncode == 0, done.stderr
    assert azure.state["calls"].count("login") > 1
    assert azure.images() == {image(NEW)}
    assert "a-new-token" not in done.stdout + done.stderr


@pytest.mark.parametrize("refused", ["by hand", "by Entra"])
def test_a_login_that_is_over_and_cant_be_renewed_is_told(azure: Azure, refused: str) -> None:
    azure.change(calls_until_it_is_over=12)
    azure.in_workflow = refused == "by Entra"
    azure.change(github_token="another")

    done = azure.deploy()

    assert done.returncode != 0
    assert "az containerapp" in done.stderr
    assert "az login" in done.stderr


def test_a_job_that_only_some_stacks_have_gets_the_image_where_it_is(azure: Azure) -> None:
    azure.change(jobs=azure.state["jobs"] | {ROTATION: {"image": image(OLD)}})
    done = azure.deploy()
    assert done.returncode == 0, done.stderr
    assert azure.state["jobs"][ROTATION]["image"] == image(NEW)


def schema_steps() -> str:
    folder = ROOT / "src/newsapi_dentsu/warehouse/schema/migrations"
    names = sorted(path.name for path in folder.iterdir() if path.suffix == ".sql")
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]


def backups(azure: Azure) -> list[str]:
    return [call for call in azure.state["calls"] if call.startswith("backup create")]


def test_a_release_that_changes_no_table_takes_no_backup(azure: Azure) -> None:
    assert azure.deploy().returncode == 0
    azure.change(calls=[], backups=[])
    done = azure.deploy(f"sha256:{'3' * 64}")
    assert done.returncode == 0, done.stderr
    assert "the tables stay as they are" in done.stdout
    assert backups(azure) == []
    assert "containerapp job start newsapi-db-upgrade" in azure.state["calls"]


def test_without_a_backup_a_release_that_changes_tables_does_not_begin(azure: Azure) -> None:
    azure.change(backup_refused="(OnDemandBackupNotSupported) Not on this server.")
    done = azure.deploy()
    assert done.returncode == 1
    assert "OnDemandBackupNotSupported" in done.stderr
    assert "the apps run on as before" in done.stderr
    assert "containerapp job start newsapi-db-upgrade" not in azure.state["calls"]
    assert azure.deploy(NEW, "--no-backup").returncode == 0
    assert azure.images() == {image(NEW)}


def test_a_backup_that_is_there_already_is_enough(azure: Azure) -> None:
    azure.change(backups=[{"name": f"before-{'2' * 12}", "completedTime": "2026-12-01T05:00:00Z"}])
    assert azure.deploy().returncode == 0
    assert backups(azure) == []


def test_of_two_servers_the_one_is_backed_up_that_the_product_writes_to(azure: Azure) -> None:
    other = {"name": "other", "fullyQualifiedDomainName": "other.postgres.database.azure.com"}
    azure.change(servers=[other, SERVER])
    assert azure.deploy().returncode == 0
    assert backups(azure) == [f"backup create newsapi-prod-pg-dnt1 before-{'2' * 12}"]


def test_behind_a_shared_name_a_replica_is_not_the_one(azure: Azure) -> None:
    replica = {"name": "replica", "replicationRole": "GeoAsyncReplica"}
    jobs = azure.state["jobs"]
    jobs["newsapi-db-upgrade"]["env"]["POSTGRES_HOST"] = (
        "newsapi.writer.postgres.database.azure.com"
    )
    azure.change(servers=[replica, SERVER], jobs=jobs)
    assert azure.deploy().returncode == 0
    assert backups(azure) == [f"backup create newsapi-prod-pg-dnt1 before-{'2' * 12}"]
    azure.change(servers=[SERVER, SERVER | {"name": "copy"}], jobs=jobs)
    assert "take the backup by hand" in azure.deploy().stderr


def test_changes_that_close_the_way_back_are_made_only_when_told_to(azure: Azure) -> None:
    azure.change(ends={f"newsapi-db-upgrade {image(NEW)}": "Failed"})
    assert azure.deploy().returncode == 1
    done = azure.deploy(NEW, "--no-way-back")
    assert done.returncode == 0, done.stderr
    started = [call for call in azure.state["calls"] if " start " in call]
    assert "containerapp job start newsapi-db-upgrade-for-good" in started
    assert len(backups(azure)) == 1


def test_when_the_upgrade_fails_the_apps_are_not_touched(azure: Azure) -> None:
    azure.change(ends={f"newsapi-db-upgrade {image(NEW)}": "Failed"})
    done = azure.deploy()
    assert done.returncode == 1
    assert "newsapi-db-upgrade ended as Failed" in done.stderr
    assert "the apps run on as before" in done.stderr
    assert not [call for call in azure.state["calls"] if call.startswith("containerapp update")]
    assert azure.images() == {image(OLD)}


def test_an_app_that_is_never_ready_takes_all_back_to_the_last_good_image(azure: Azure) -> None:
    azure.change(broken=[image(NEW)])
    done = azure.deploy()
    assert done.returncode == 1
    assert "dagster-daemon isn't ready" in done.stderr
    assert f"back at {OLD}" in done.stderr
    assert azure.images() == {image(OLD)}


def test_a_smoke_run_that_fails_takes_all_back(azure: Azure) -> None:
    azure.change(ends={f"newsapi-smoke-run {image(NEW)}": "Failed"})
    done = azure.deploy()
    assert "newsapi-smoke-run ended as Failed" in done.stderr
    assert azure.images() == {image(OLD)}


@pytest.mark.parametrize("path", ["nowhere", "behind-a-login", "somebodys-page"])
def test_a_ui_that_does_not_answer_itself_takes_all_back(azure: Azure, path: str) -> None:
    done = azure.deploy(NEW, "--url", f"{azure.url}/{path}")
    assert f"/{path}/server_info doesn't answer with the versions" in done.stderr
    assert azure.images() == {image(OLD)}


def test_when_going_back_fails_as_well_it_says_so_and_what_to_read(azure: Azure) -> None:
    azure.change(broken=[image(NEW), image(OLD)])
    done = azure.deploy()
    assert "going back FAILED" in done.stderr
    assert "docs/deployment.md#rollback" in done.stderr


def test_an_older_image_is_deployed_without_the_upgrade(azure: Azure) -> None:
    assert azure.deploy().returncode == 0
    azure.change(calls=[])
    assert azure.deploy(OLD, "--skip-upgrade").returncode == 0
    assert "containerapp job start newsapi-db-upgrade" not in azure.state["calls"]
    assert azure.images() == {image(OLD)}


def test_runs_in_jobs_of_their_own_get_the_new_image(azure: Azure) -> None:
    apps = azure.state["apps"]
    apps["dagster-daemon"]["env"] = {"DAGSTER_CURRENT_IMAGE": image(OLD)}
    azure.change(apps=apps)
    assert azure.deploy().returncode == 0
    found = azure.state["apps"]
    assert found["dagster-daemon"]["env"] == {"DAGSTER_CURRENT_IMAGE": image(NEW)}
    assert "env" not in found["dagster-webserver"]


def test_a_tag_is_refused(azure: Azure) -> None:
    done = azure.deploy("latest")
    assert done.returncode == 2
    assert "never a tag" in done.stderr
    assert not azure.state["calls"]


def test_what_azure_refuses_is_said_in_one_line(azure: Azure) -> None:
    done = azure.release("running", "--group", "elsewhere")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("Resource group 'elsewhere' could not be found.")


def commit(number: int) -> str:
    return f"{number:040x}"


def manifests(releases: int, days_each: int) -> list[dict[str, Any]]:
    """What a registry holds: of each release one name, two images, and signatures of theirs."""
    found: list[dict[str, Any]] = []
    for number in range(releases):
        pushed = datetime.now(UTC) - timedelta(days=number * days_each, hours=1)
        for place, suffix in enumerate(("", "-amd64", "-arm64")):
            found.append(
                {
                    "digest": f"sha256:{number:060x}{place:04x}",
                    "createdTime": f"{pushed:%Y-%m-%dT%H:%M:%S}.1234567Z",
                    "tags": [f"{commit(number)}{suffix}"],
                }
            )
        found.append({"digest": f"sha256:{number:060x}ffff", "createdTime": "x", "tags": None})
    return found


def clean(azure: Azure, *more: str) -> subprocess.CompletedProcess[str]:
    return azure.run("old_images", "--group", "newsapi-rg", "--registry", REGISTRY, *more)


def use(azure: Azure, digest: str) -> None:
    azure.change(
        **{
            kind: {name: {"image": image(digest)} for name in names}
            for kind, names in (("apps", APPS), ("jobs", JOBS))
        }
    )


def test_old_images_go_but_for_those_in_use_and_the_newest(azure: Azure) -> None:
    azure.change(manifests=manifests(30, days_each=10))
    running = f"sha256:{20:060x}{0:04x}"
    use(azure, running)

    shown = clean(azure)
    assert shown.returncode == 0, shown.stderr
    assert azure.state["calls"].count("delete") == 0
    assert shown.stdout.splitlines()[-1] == "57 of 90 images to delete; --delete does it"

    done = clean(azure, "--delete")
    assert done.returncode == 0, done.stderr
    tags = {tag.split("-")[0] for one in azure.state["manifests"] for tag in one["tags"] or []}
    # The ten newest, which are less than 100 days old, and the one that runs, with its images.
    assert tags == {commit(number) for number in (*range(10), 20)}
    assert len(azure.state["manifests"]) == 90 + 30 - 57
    assert clean(azure, "--delete").stdout.splitlines() == ["0 of 33 images deleted"]


def test_releases_of_the_last_sixty_days_stay_however_many(azure: Azure) -> None:
    azure.change(manifests=manifests(58, days_each=1))
    use(azure, f"sha256:{0:060x}{0:04x}")

    assert clean(azure, "--delete").stdout.splitlines() == ["0 of 174 images deleted"]


@pytest.mark.parametrize("running", [NEW, ""])
def test_where_it_is_unknown_what_runs_nothing_is_deleted(azure: Azure, running: str) -> None:
    azure.change(manifests=manifests(30, days_each=10))
    use(azure, running)

    done = clean(azure, "--delete")

    assert done.returncode != 0
    assert "Old images stay: " in done.stderr
    assert len(azure.state["manifests"]) == 120
