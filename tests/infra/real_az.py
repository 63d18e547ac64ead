"""The real `az` in this process: which commands it takes, and which requests it makes for them.

For an environment of its own, where `azure-cli` is installed; nothing leaves the machine:

    PYTHON_OF_THAT_ENVIRONMENT real_az.py parse|record < commands

Reads one command a line from stdin, without the leading `az`; writes one JSON object a line with
the command and `refused` (what its parser says against it; empty: nothing) or `requests` (each as
`METHOD path` below the resource group). Whatever it asks beyond the group is refused with 403.
"""

import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
GROUP = "newsapi-rg"
CONTAINER = {
    "name": "dagster-daemon",
    "image": "r.azurecr.io/newsapi-dagster@sha256:0",
    "env": [{"name": "DAGSTER_CURRENT_IMAGE", "value": "r"}],
}


def answer(method: str, path: str) -> Any:
    """What Azure Resource Manager would say, as far as the commands read it."""
    name = path.rsplit("/", 1)[-1]
    if path.endswith("/listSecrets"):
        return {"value": []}
    if path.endswith("/start"):
        return {"name": "job-abc", "id": f"{path}/job-abc"}
    if "/executions/" in path:
        return {"name": name, "properties": {"status": "Succeeded"}}
    if path.endswith(("/revisions", "/executions", "/replicas")):
        return {"value": [{"name": "r1", "properties": {"active": True, "template": {}}}]}
    if path.endswith("/Microsoft.App/jobs"):
        return {"value": [{"name": "newsapi-db-role"}]}
    return {
        "id": path,
        "name": name,
        "location": "eastus",
        "type": "x",
        "properties": {
            "provisioningState": "Succeeded",
            "loginServer": "r.azurecr.io",
            "template": {"containers": [CONTAINER]},
            "configuration": {"secrets": [{"name": "one"}], "registries": []},
        },
    }


def record(command: str) -> list[str]:
    """The requests that the command makes, in order."""
    import requests
    from azure.cli.core import get_default_cli
    from urllib3 import HTTPResponse

    seen: list[str] = []

    def send(_session: Any, request: Any, **_: Any) -> requests.Response:
        if "management.azure.com" not in request.url:
            raise requests.ConnectionError(request.url)
        path = request.path_url.partition("?")[0]
        short = re.sub(rf"(?i)^/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/", "", path)
        response = requests.Response()
        # The identity of a release has a role on the resource group, and nothing beyond.
        allowed = short != path
        # A backup is made in the background; its address tells when it is there.
        started = request.method == "PUT" and "/backups/" in path
        response.status_code = (202 if started else 200) if allowed else 403
        if started:
            response.headers["Location"] = request.url
        if allowed:
            seen.append(f"{request.method} {short}")
        response.request = request
        response.url = request.url
        response.headers["Content-Type"] = "application/json"
        body = json.dumps(answer(request.method, path)).encode()
        response.raw = HTTPResponse(body=io.BytesIO(body), preload_content=False)
        response._content = body
        return response

    from azure.core.credentials import AccessToken, AccessTokenInfo

    far = 9999999999
    token = ("Bearer", "token", {"accessToken": "token", "token": "token", "expires_on": far})

    class Credential:
        def get_token(self, *_: Any, **__: Any) -> AccessToken:
            return AccessToken("token", far)

        def get_token_info(self, *_: Any, **__: Any) -> AccessTokenInfo:
            return AccessTokenInfo("token", far)

    with (
        mock.patch("requests.sessions.Session.send", send),
        mock.patch(
            "azure.cli.core._profile.Profile.get_raw_token",
            return_value=(token, SUBSCRIPTION, "tenant"),
        ),
        mock.patch(
            "azure.cli.core._profile.Profile.get_login_credentials",
            return_value=(Credential(), SUBSCRIPTION, "tenant"),
        ),
        mock.patch("sys.stdout", sys.stderr),
    ):
        ended = get_default_cli().invoke(shlex.split(command), out_file=sys.stderr)
    return seen if ended == 0 else [*seen, "FAILED"]


def parse(command: str) -> str:
    """What the parser of `az` has against a command: an unknown command, option or choice."""
    from azure.cli.core import get_default_cli

    cli = get_default_cli()
    words = shlex.split(command)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            invocation = cli.invocation_cls(
                cli_ctx=cli,
                parser_cls=cli.parser_cls,
                commands_loader_cls=cli.commands_loader_cls,
                help_cls=cli.help_cls,
            )
            cli.invocation = invocation
            loader = invocation.commands_loader
            loader.load_command_table(words)
            name = invocation._rudimentary_get_command(words)
            if name not in loader.command_table:
                return f"no such command: {command}"
            loader.command_table = {name: loader.command_table[name]}
            loader.command_name = name
            invocation.data["command_string"] = name
            loader.load_arguments(name)
            invocation.parser.cli_ctx = cli
            invocation.parser.load_command_table(loader)
            invocation.parser.parse_args(words)
    except SystemExit:
        return said.getvalue().strip().splitlines()[0] if said.getvalue().strip() else "refused"
    return ""


def main() -> None:
    """Parse or record each command of stdin."""
    (mode,) = sys.argv[1:]
    folder = tempfile.mkdtemp()
    os.environ |= {"AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
    subscription = {
        "id": SUBSCRIPTION,
        "name": "s",
        "state": "Enabled",
        "isDefault": True,
        "tenantId": "t",
        "environmentName": "AzureCloud",
        "user": {"name": "u", "type": "user"},
    }
    profile = {"subscriptions": [subscription]}
    (Path(folder) / "azureProfile.json").write_text(json.dumps(profile), "utf-8")
    for line in sys.stdin.read().splitlines():
        found = {"refused": parse(line)} if mode == "parse" else {"requests": record(line)}
        sys.stdout.write(json.dumps({"command": line, **found}) + "\n")


if __name__ == "__main__":
    main()
