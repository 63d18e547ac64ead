"""Commands of `az` that a release runs, or that the documentation shows."""

import json
import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsapi_infra.identity.roles import DEPLOY_ACTIONS, LAUNCH_ACTIONS

from .shown_commands import ROOT, shown_commands

HERE = Path(__file__).parent
TABLE: dict[str, Any] = yaml.safe_load((HERE / "az_operations.yaml").read_text("utf-8"))
AZ_PYTHON = os.environ.get("AZ_PYTHON", "")
needs_az = pytest.mark.skipif(not AZ_PYTHON, reason="AZ_PYTHON names no Python with azure-cli")


def action(request: str) -> str:
    """The action that a role must allow for a request."""
    for special in TABLE["actions"]:
        if re.fullmatch(special["pattern"], request):
            return str(special["action"])
    method, path = request.split()
    provider, *rest = path.removeprefix("providers/").split("/")
    kind = "/".join([provider, *rest[0::2]]) if method != "POST" else f"{provider}/{rest[0]}"
    verb = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}.get(method)
    return f"{kind}/{verb}" if verb else f"{kind}/{rest[-1]}/action"


def test_deployments_may_do_what_their_commands_ask_for_and_no_more() -> None:
    asked = {action(request) for row in TABLE["commands"] for request in row["requests"]}
    assert set(DEPLOY_ACTIONS) == asked | set(TABLE["unseen"])


def test_the_launcher_of_runs_may_do_what_it_asks_for_and_no_more() -> None:
    asked = {action(request) for request in TABLE["launcher"]}
    assert set(LAUNCH_ACTIONS) == asked | set(TABLE["unseen"])


def test_the_table_knows_every_command_of_a_release() -> None:
    source = (ROOT / "infra/newsapi_infra/release.py").read_text("utf-8")
    # `{kind} show` is asked of apps and of jobs.
    source = source.replace('f"{kind} show', '"containerapp show').replace(
        "az containerapp logs", ""
    )
    run = set(re.findall(r'"((?:containerapp|postgres)[a-z -]*?)(?: -|")', source))
    run -= {"containerapp", "containerapp job"}
    assert len(run) >= 9
    known = {row["command"].partition(" -")[0] for row in TABLE["commands"]}
    assert run <= known


def test_the_table_knows_every_command_that_renews_a_login() -> None:
    source = (ROOT / "infra/newsapi_infra/release.py").read_text("utf-8")
    run = set(re.findall(r'_run_az\("([a-z -]+)"', source))
    assert run == {re.split(r" -\w ", command)[0] for command in TABLE["session"]}


def test_the_table_knows_every_command_that_is_given_to_the_registry() -> None:
    source = (ROOT / "infra/newsapi_infra/old_images.py").read_text("utf-8")
    run = set(re.findall(r'az\(f"(acr [a-z -]*?) -', source))
    assert run == {command.partition(" -")[0] for command in TABLE["registry"]}


@lru_cache
def ask_az(mode: str, commands: tuple[str, ...]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [AZ_PYTHON, str(HERE / "real_az.py"), mode],
        input="\n".join(commands),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@needs_az
def test_the_recorded_requests_are_those_of_the_real_command() -> None:
    found = ask_az("record", tuple(row["command"] for row in TABLE["commands"]))
    assert found == TABLE["commands"]


@needs_az
def test_the_real_parser_takes_every_command_that_is_shown() -> None:
    shown = shown_commands("az")
    assert len(shown) > 15
    found = ask_az("parse", (*sorted(shown), *TABLE["registry"], *TABLE["session"]))
    assert {row["command"]: row["refused"] for row in found if row["refused"]} == {}


@needs_az
def test_the_real_parser_refuses_what_is_wrong() -> None:
    wrong = (
        "containerapp shaw -n a -g b",
        "containerapp show -n a -g b --unheard-of c",
        "postgres flexible-server backup create -g a -n server -b backup",
    )
    assert all(row["refused"] for row in ask_az("parse", wrong))
