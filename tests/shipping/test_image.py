"""What the Dockerfile makes, executed: installed, started as the platform does, stopped.

There is no container engine in it: see `clean_root.py`. With NEWSAPI_IMAGE it is an image that
buildah built (`make image-test`), else what the Dockerfile's steps make of this machine's files.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from alerts.servers import mail_server
from postgres.server import Server, binaries, running_server
from support.services import answers, until

from .built_image import BUILT, built_image
from .clean_root import ImageRoot, built_root, clean_root
from .compose import apps, filled_in, services
from .dockerfile import ROOT

# Whole runs, beside a daemon and a webserver, on machines that have other work as well.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

GRACE = 30.0
"""Seconds that platforms give by default between SIGTERM and SIGKILL."""


@pytest.fixture(scope="module")
def image() -> Iterator[ImageRoot]:
    with tempfile.TemporaryDirectory() as folder:
        if BUILT:
            with built_image(BUILT) as built, built_root(Path(folder), built.files) as root:
                yield root
        else:
            with clean_root(Path(folder)) as made:
                made.build()
                yield made


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        yield started


def test_the_process_is_an_ordinary_users_and_the_first(image: ImageRoot) -> None:
    told = image.once("sh", "-c", "echo $$ $(id -u) $(id -g); touch /etc/new || echo refused")
    assert told.stdout.split() == ["1", "10001", "10001", "refused"]


def test_neither_pip_nor_caches_nor_tools_are_installed(image: ImageRoot) -> None:
    told = image.once("sh", "-c", "ls /opt/newsapi/bin /opt/newsapi/lib/python*/site-packages")
    names = set(told.stdout.split())
    assert "newsapi" in names
    assert "newsapi_dentsu" in names
    assert not names & {"pip", "pytest", "mypy", "ruff", "hatchling", "wheel"}


def test_a_one_off_command_runs_the_whole_pipeline(image: ImageRoot) -> None:
    ran = image.once("newsapi", "run", "--json", NEWSAPI_SANDBOX="always")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["rows"]["final.filtered_news"] > 0
    assert all(json.loads(line) for line in ran.stderr.splitlines())


@pytest.mark.parametrize(
    ("role", "port", "path"), [("webserver", 3000, "/server_info"), ("daemon", 8080, "/health")]
)
def test_each_role_answers_its_probe_and_stops_when_told(
    image: ImageRoot, tmp_path: Path, role: str, port: int, path: str
) -> None:
    log = tmp_path / "log"
    url = f"http://127.0.0.1:{port}{path}"
    if answers(url) is not None:
        pytest.skip(f"port {port} is in use here")
    with image.started(log, *services()[role]["command"]) as container:
        until(lambda: (it := answers(url)) and it.status_code == 200, "it doesn't answer well")
        health = image.final.last("HEALTHCHECK").exec_form
        assert image.once(*health).returncode == 0
        code, seconds = container.stop(image.final.last("STOPSIGNAL").text, GRACE)
    assert code == 0, log.read_text()[-2000:]
    assert seconds < GRACE
    assert image.once(*health).returncode == 1
    assert all(json.loads(line) for line in log.read_text().splitlines())


def test_the_news_api_answers_its_probe_and_stops_when_told(
    image: ImageRoot, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    url = "http://127.0.0.1:8060/health"
    if answers(url) is not None:
        pytest.skip("port 8060 is in use here")
    ran = image.once("newsapi", "run", "--json", NEWSAPI_SANDBOX="always")
    assert ran.returncode == 0, ran.stderr
    command = ["newsapi", "serve", "--host", "0.0.0.0", "--port", "8060"]  # noqa: S104
    health = image.final.last("HEALTHCHECK").exec_form
    with image.started(log, *command, SERVE_WITHOUT_KEYS="true") as container:
        until(lambda: (it := answers(url)) and it.status_code == 200, "it doesn't answer well")
        assert image.once(*health).returncode == 0
        code, seconds = container.stop(image.final.last("STOPSIGNAL").text, GRACE)
    assert code == 0, log.read_text()[-2000:]
    assert seconds < GRACE
    assert image.once(*health).returncode == 1


def test_a_run_of_its_own_ends_marked_when_told_to_stop(image: ImageRoot, tmp_path: Path) -> None:
    from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox

    log = tmp_path / "log"
    with Sandbox(faults=[Fault("hang", seconds=600, on_request=2, times=None)]) as api:
        settings = {
            "NEWSAPI_HOST": api.url,
            "NEWSAPI_KEY": SANDBOX_KEY,
            "DUCKDB_PATH": "new.duckdb",
        }
        with image.started(log, "newsapi", "run", **settings) as container:
            until(lambda: "api_response" in log.read_text(), "it doesn't fetch", 60)
            code, seconds = container.stop("SIGTERM", GRACE)
    assert code != 0
    assert seconds < GRACE
    assert '"event": "run_finished"' in log.read_text()


def test_the_services_work_with_the_settings_of_compose(
    image: ImageRoot, server: Server, tmp_path: Path
) -> None:
    password = "invented for this test"
    with server.admin() as admin:
        admin.execute("DROP ROLE dagster_user")
    # As the first start of PostgreSQL's image does.
    subprocess.run(
        ["sh", ROOT / "docker/postgres-init.sh"],
        env={
            "PATH": f"{binaries()}:{os.environ['PATH']}",
            "PGHOST": str(server.folder),
            "PGPORT": str(server.port),
            "POSTGRES_PASSWORD": password,
        },
        check=True,
        timeout=30,
    )
    settings = filled_in(apps()["daemon"]["environment"], {"POSTGRES_PASSWORD": password})
    settings |= {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(server.port)}
    upgraded = image.once(*services()["upgrade"]["command"], **settings)
    assert upgraded.returncode == 0, upgraded.stderr
    with mail_server() as mail, ExitStack() as started:
        settings |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mail.port)}
        logs = {role: tmp_path / role for role in ("daemon", "webserver")}
        roles = {
            role: started.enter_context(
                image.started(log, *services()[role]["command"], **settings)
            )
            for role, log in logs.items()
        }
        until(lambda: "The daemon acts" in logs["daemon"].read_text(), "it doesn't act", 180)
        until(lambda: answers("http://127.0.0.1:3000/server_info"), "the webserver doesn't answer")
        assert image.once(*image.final.last("HEALTHCHECK").exec_form).returncode == 0
        ran = image.once("newsapi", "run", "--json", **settings)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["rows"]["final.filtered_news"] > 0
        for checked in (("db", "check"), ("alerts", "check"), ("alerts", "test", "email")):
            done = image.once("newsapi", *checked, **settings)
            assert done.returncode == 0, done.stderr
        assert [message["To"] for message in mail.received] == ["operators@example.com"]
        for role in roles.values():
            assert role.stop("SIGTERM", GRACE)[0] == 0
    for log in logs.values():
        assert password not in log.read_text()


def test_the_launcher_of_runs_in_jobs_is_installed_and_takes_its_configuration(
    image: ImageRoot,
) -> None:
    script = (
        "from newsapi_dentsu.hosting.run_launcher import run_launcher as part\n"
        "from newsapi_dentsu.settings import Settings\n"
        "from dagster._serdes import ConfigurableClassData\n"
        "import yaml\n"
        "made = part(Settings())\n"
        "config = yaml.safe_dump(made['config'])\n"
        "data = ConfigurableClassData(made['module'], made['class'], config)\n"
        "print(type(data.rehydrate()).__name__)\n"
    )
    settings = {
        **{f"ACA_{name}": "x" for name in ("SUBSCRIPTION_ID", "RESOURCE_GROUP", "REGION")},
        **{"ACA_ENVIRONMENT_ID": "x", "ACA_IDENTITY_ID": "x", "RUN_LAUNCHER": "jobs"},
        **{"USE_POSTGRES": "true", "POSTGRES_AUTH": "entra", "NEWSAPI_KEY": "invented"},
        **{"KEY_VAULT_URL": "https://vault.example.com"},
    }
    told = image.once("python", "-c", script, **settings)
    assert told.stdout.strip() == "AcaRunLauncher", told.stderr[-2000:]
