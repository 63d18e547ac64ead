"""Deploying an image by its digest, with the `az` command: upgrade, apps, smoke test, way back.

    python -m newsapi_infra.release deploy --group newsapi-rg --registry NAME.azurecr.io \\
        --digest sha256:… --url https://dagster.example.com

Needs `az login` and the rights in `roles.DEPLOY_ACTIONS`. Used by the deployment workflow and by
hand (docs/deployment.md). Nothing but Python's own library, so that a runner needs no more.
"""

import argparse
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newsapi_infra import names

APPS = (names.DAEMON, names.WEBSERVER, names.NEWS_API)
JOBS = (
    names.DATABASE_ROLE_JOB,
    names.UPGRADE,
    names.UPGRADE_FOR_GOOD,
    names.ALERTS_CHECK,
    names.SMOKE_RUN,
)
JOBS_OF_SOME = (names.ROTATION,)
"""There only where the database knows a password."""

SCHEMA_STEPS = "SCHEMA_STEPS"
"""Set on the job that upgrades the tables: which steps of the schema's history they have taken."""

MIGRATIONS = Path(__file__).parents[2] / "src/newsapi_dentsu/warehouse/schema/migrations"

CURRENT_IMAGE = "DAGSTER_CURRENT_IMAGE"
"""Set on apps whose runs are jobs of their own: the image of those."""

PENDING = {"Running", "Processing", "Unknown"}
"""States of an execution that may still become another."""

MOST_BYTES = 10_000
"""Of an answer that tells versions."""

JOB_SECONDS = 3900.0
"""How long a job may take: its own limit, and its start."""

BACKUP_SECONDS = 3600.0
"""How long a backup of the database may take: a snapshot of its storage."""

EXPIRED = "AADSTS700024"
"""Entra's word for a login by GitHub's token that is over: a release may take longer than one."""

REPLICAS = {"AsyncReplica", "GeoAsyncReplica", "GeoSyncReplica", "SyncReplica"}
"""What a server that nobody writes to says that it is."""


class ReleaseError(Exception):
    """A step that failed, with what to look at."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to deploy, how long an app may take, and how often to look; in seconds."""

    group: str
    registry: str
    url: str | None
    patience: float
    every: float

    def image(self, digest: str) -> str:
        """The image's full name."""
        return f"{self.registry}/{names.IMAGE}@{digest}"


def deploy(
    target: Target, digest: str, *, upgrade: bool = True, way_back: bool = True, backup: bool = True
) -> None:
    """Deploy an image; when a step fails, go back to the images of before.

    Where the tables have to change, a backup of the database comes first; and without `way_back`
    being given up, the upgrade refuses steps after which the images of before refuse the tables.

    Raises:
        ReleaseError: it failed; the message says at what, and how going back went.
    """
    before = {name: _image(target, "containerapp", name) for name in APPS}
    before_jobs = {name: _image(target, "containerapp job", name) for name in _jobs(target)}
    image = target.image(digest)
    touched: dict[str, str] = {}
    try:
        if upgrade:
            _upgrade(target, image, way_back=way_back, backup=backup)
        for name in APPS:
            touched[name] = before[name]
            update_app(target, name, image)
        for name in before_jobs:
            _update_job(target, name, image)
        smoke_test(target)
    except ReleaseError as error:
        raise ReleaseError(f"{error}; {_go_back(target, touched, before_jobs)}") from None


def _upgrade(target: Target, image: str, *, way_back: bool, backup: bool) -> None:
    name = names.UPGRADE if way_back else names.UPGRADE_FOR_GOOD
    shown = _container(_az(target, f"containerapp job show -n {names.UPGRADE}"))
    set_before = {item["name"]: item.get("value") for item in shown.get("env") or []}
    steps = schema_steps()
    if set_before.get(SCHEMA_STEPS) == steps:
        _say("the tables stay as they are")
    elif backup:
        back_up(target, set_before.get("POSTGRES_HOST"), f"before-{image[-12:]}")
    _update_job(target, name, image)
    run_job(target, name)
    mark = f"{SCHEMA_STEPS}={steps}"
    _az(target, f"containerapp job update -n {names.UPGRADE}", "--set-env-vars", mark)


def schema_steps() -> str:
    """The schema's history as this checkout has it, in a few characters."""
    steps = "\n".join(sorted(path.name for path in MIGRATIONS.glob("*.sql")))
    return hashlib.sha256(steps.encode()).hexdigest()[:12]


def back_up(target: Target, host: str | None, name: str) -> None:
    """Take a backup of the database and wait for its end; one of that name is enough.

    Args:
        target: where, and how often to look.
        host: what the product reaches the server by.
        name: the backup's name.

    Raises:
        ReleaseError: there is no such backup in time; nothing was changed.
    """
    server = _server(target, host)
    here = f"postgres flexible-server backup list --server-name {server}"
    create = f"postgres flexible-server backup create -n {name} --server-name {server}"
    if not _completed(target, here, name):
        _say(f"{server}: backup {name}")
        _az(target, create)
    trouble = f"the backup {name} of {server} isn't completed"
    _wait(lambda: _completed(target, here, name), BACKUP_SECONDS, target.every, trouble)


def _completed(target: Target, list_command: str, name: str) -> bool:
    return any(
        found["name"] == name and found.get("completedTime") for found in _az(target, list_command)
    )


def _server(target: Target, host: str | None) -> str:
    """The server that is written to: the one of that name, or the group's only one."""
    servers = [
        found
        for found in _az(target, "postgres flexible-server list")
        if found.get("replicationRole") not in REPLICAS
    ]
    named = [found for found in servers if found.get("fullyQualifiedDomainName") == host] or servers
    if len(named) != 1:
        raise ReleaseError(
            f"{len(named)} database servers in {target.group} could be the one to back up: take "
            "the backup by hand, then release with --no-backup"
        )
    name: str = named[0]["name"]
    return name


def update_app(target: Target, name: str, image: str) -> None:
    """Give an app another image and wait until its new revision is ready.

    Raises:
        ReleaseError: it isn't in time.
    """
    _say(f"{name}: {image}")
    shown = _container(_az(target, f"containerapp show -n {name}"))
    more: list[str] = []
    if any(item["name"] == CURRENT_IMAGE for item in shown.get("env") or []):
        more = ["--set-env-vars", f"{CURRENT_IMAGE}={image}"]
    _az(target, f"containerapp update -n {name}", "--image", image, *more)

    def ready() -> bool:
        shown = _az(target, f"containerapp show -n {name}")
        properties = shown["properties"]
        newest = properties["latestRevisionName"]
        return _container(shown)["image"] == image and newest == properties.get(
            "latestReadyRevisionName"
        )

    look = f"az containerapp logs show -n {name} -g {target.group} --type system"
    _wait(ready, target.patience, target.every, f"{name} isn't ready: {look}")


def run_job(target: Target, name: str) -> None:
    """Start a job inside the network and wait for its end.

    Raises:
        ReleaseError: it failed, or takes too long.
    """
    execution = _az(target, f"containerapp job start -n {name}")["name"]
    _say(f"{name}: execution {execution}")
    show = f"containerapp job execution show -n {name} --job-execution-name {execution}"
    last = ""

    def ended() -> bool:
        nonlocal last
        last = _az(target, show)["properties"]["status"]
        return last not in PENDING

    where = f"see the logs of {execution} in the workspace"
    _wait(ended, JOB_SECONDS, target.every, f"{name} doesn't end: {where}")
    if last != "Succeeded":
        raise ReleaseError(f"{name} ended as {last}: {where}")


def smoke_test(target: Target) -> None:
    """The UI answers to the internet, and the image runs the whole pipeline on invented articles.

    Raises:
        ReleaseError: one of the two isn't so.
    """
    if target.url is not None:
        address = f"{target.url.rstrip('/')}/server_info"
        trouble = f"{address} doesn't answer with the versions of Dagster's webserver"
        _wait(lambda: _answers(address), target.patience, target.every, trouble)
    run_job(target, names.SMOKE_RUN)


def _update_job(target: Target, name: str, image: str) -> None:
    _az(target, f"containerapp job update -n {name}", "--image", image)


def running(target: Target) -> str:
    """The digest that the webserver runs."""
    return _image(target, "containerapp", names.WEBSERVER).partition("@")[2]


def images_in_use(target: Target) -> set[str]:
    """The images of all apps and jobs.

    Raises:
        ReleaseError: one of them can't be asked for.
    """
    return {
        *(_image(target, "containerapp", name) for name in APPS),
        *(_image(target, "containerapp job", name) for name in _jobs(target)),
    }


def _go_back(target: Target, apps: dict[str, str], jobs: dict[str, str]) -> str:
    """Restore the images; returns what came of it."""
    _say("going back to the images of before")
    try:
        for name, image in jobs.items():
            _update_job(target, name, image)
        for name, image in apps.items():
            update_app(target, name, image)
    except ReleaseError as error:
        return (
            f"going back FAILED as well ({error}): see docs/deployment.md#rollback; after an "
            "upgrade with --no-way-back the older image refuses the tables"
        )
    if not apps:
        return "the apps run on as before"
    return f"back at {', '.join(sorted({image.partition('@')[2] for image in apps.values()}))}"


def _jobs(target: Target) -> list[str]:
    """The jobs that this resource group has."""
    there = {found["name"] for found in _az(target, "containerapp job list")}
    return [*JOBS, *(name for name in JOBS_OF_SOME if name in there)]


def _image(target: Target, kind: str, name: str) -> str:
    image: str = _container(_az(target, f"{kind} show -n {name}"))["image"]
    return image


def _container(shown: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = shown["properties"]["template"]["containers"][0]
    return container


def _az(target: Target, command: str, *more: str) -> Any:
    return az(command, "-g", target.group, *more)


def az(command: str, *more: str) -> Any:
    """What the `az` command answers, read as JSON.

    Raises:
        ReleaseError: it failed; the message has its last line.
    """
    done = _run_az(command, *more)
    if done.returncode != 0 and EXPIRED in done.stderr and _log_in_again():
        done = _run_az(command, *more)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ReleaseError(f"az {command} failed: {said}")
    return json.loads(done.stdout or "null")


def _run_az(command: str, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["az", *command.split(), *more, "-o", "json"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def _log_in_again() -> bool:
    """Log in as before with a new token of GitHub's, where a workflow runs this; or say no."""
    address = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    bearer = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    # What `az` remembers of its login, which it knows without asking anybody.
    account = _run_az("account show")
    if not address or not bearer or account.returncode != 0:
        return False
    known = json.loads(account.stdout)
    request = urllib.request.Request(  # noqa: S310
        f"{address}&audience=api://AzureADTokenExchange",
        headers={"Authorization": f"bearer {bearer}"},
    )
    try:
        with _opener().open(request, timeout=30) as answer:
            token = json.loads(answer.read(10 * MOST_BYTES))["value"]
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError, KeyError):
        return False
    _say("the login is over: logging in again")
    who = ("-u", known["user"]["name"], "-t", known["tenantId"], "--federated-token", token)
    logged_in = _run_az("login --service-principal", *who)
    return logged_in.returncode == 0 and _run_az("account set", "-s", known["id"]).returncode == 0


def _opener() -> urllib.request.OpenerDirector:
    """Follows no redirect: the login page that one leads to is well, and isn't the UI."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _answers(address: str) -> bool:
    """Whether the product itself answers: with its versions, not with somebody's page."""
    try:
        with _opener().open(address, timeout=10) as answer:
            versions = json.loads(answer.read(MOST_BYTES))
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return False
    return isinstance(versions, dict) and "dagster_webserver_version" in versions


def _wait(condition: Callable[[], bool], seconds: float, every: float, trouble: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ReleaseError(trouble)
        time.sleep(every)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _digest(text: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError("must be sha256: and 64 hexadecimal digits, never a tag")
    return text


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="newsapi_infra.release", description=__doc__)
    parser.add_argument("action", choices=["deploy", "running"])
    parser.add_argument("--group", required=True, help="the stack's resource group")
    parser.add_argument("--registry", default="", help="the registry's login server")
    parser.add_argument("--digest", type=_digest)
    parser.add_argument("--url", help="the UI's address, where the internet reaches it")
    parser.add_argument("--skip-upgrade", action="store_true", help="to go back to an older image")
    parser.add_argument(
        "--no-way-back",
        action="store_true",
        help="also changes of tables that the image of before would refuse",
    )
    parser.add_argument(
        "--no-backup", action="store_true", help="change tables although no backup was taken here"
    )
    # The old daemon may need 600 seconds to see its run off.
    parser.add_argument("--patience", type=float, default=900.0, help="seconds for each app")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks")
    given = parser.parse_args()
    target = Target(given.group, given.registry, given.url or None, given.patience, given.every)
    try:
        if given.action == "running":
            _say(running(target))
            return
        if not given.digest or not given.registry:
            parser.error("deploy needs --registry and --digest")
        deploy(
            target,
            given.digest,
            upgrade=not given.skip_upgrade,
            way_back=not given.no_way_back,
            backup=not given.no_backup,
        )
    except ReleaseError as error:
        sys.exit(f"The deployment failed: {error}")
    _say("deployed")


if __name__ == "__main__":
    main()
