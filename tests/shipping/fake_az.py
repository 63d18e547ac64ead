"""The `az` command as far as a release needs it: refuses what the real one refuses.

Its state is the JSON file that AZ_STATE names; each call is added to `calls`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

OPTIONS = {
    "containerapp show": {"-n", "-g", "-o"},
    "containerapp update": {"-n", "-g", "-o", "--image", "--set-env-vars"},
    "containerapp job list": {"-g", "-o"},
    "containerapp job show": {"-n", "-g", "-o"},
    "containerapp job update": {"-n", "-g", "-o", "--image", "--set-env-vars"},
    "containerapp job start": {"-n", "-g", "-o"},
    "containerapp job execution show": {"-n", "-g", "-o", "--job-execution-name"},
    "acr manifest list-metadata": {"-r", "-n", "-o"},
    "acr repository delete": {"-n", "-o", "--image", "--yes"},
    "postgres flexible-server list": {"-g", "-o"},
    "postgres flexible-server backup list": {"-g", "-o", "--server-name"},
    "postgres flexible-server backup create": {"-n", "-g", "-o", "--server-name"},
}

SESSION = {
    "account show": {"-o"},
    "account set": {"-s", "-o"},
    "login": {"--service-principal", "-u", "-t", "--federated-token", "-o"},
}
"""What is known or made without a login."""

FLAGS = {"--yes", "--service-principal"}


def fail(reason: str) -> NoReturn:
    sys.exit(f"ERROR: {reason}")


def main() -> None:
    path = Path(os.environ["AZ_STATE"])
    state: dict[str, Any] = json.loads(path.read_text())
    words = sys.argv[1:]
    first = next(place for place, word in enumerate(words) if word.startswith("-"))
    command, rest = " ".join(words[:first]), words[first:]
    if command not in OPTIONS | SESSION:
        fail(f"'{command}' is misspelled or not recognized by the system.")
    flags = [word for word in rest if word in FLAGS]
    rest = [word for word in rest if word not in FLAGS]
    given = dict(zip(rest[::2], rest[1::2], strict=True)) | dict.fromkeys(flags, "")
    if unknown := set(given) - (OPTIONS | SESSION)[command]:
        fail(f"unrecognized arguments: {' '.join(sorted(unknown))}")
    if command in SESSION:
        found = session_answer(state, command, given)
        path.write_text(json.dumps(state))
        print(json.dumps(found))  # noqa: T201
        return
    left = state["calls_until_it_is_over"]
    if left == 0:
        fail(
            "AADSTS700024: Client assertion is not within its valid time range. Current time: …\n"
            "Interactive authentication is needed. Please run:\naz login"
        )
    if left is not None:
        state["calls_until_it_is_over"] = left - 1
        path.write_text(json.dumps(state))
    if command.startswith("acr "):
        found = registry_answer(state, command, given)
        path.write_text(json.dumps(state))
        print(json.dumps(found))  # noqa: T201
        return
    if given.get("-g") != state["group"]:
        fail(f"(ResourceGroupNotFound) Resource group '{given.get('-g')}' could not be found.")
    if command.startswith("postgres "):
        found = server_answer(state, command, given)
        path.write_text(json.dumps(state))
        print(json.dumps(found))  # noqa: T201
        return
    if command == "containerapp job list":
        print(json.dumps([{"name": name} for name in state["jobs"]]))  # noqa: T201
        return
    resources = state["jobs" if " job " in f"{command} " else "apps"]
    if given["-n"] not in resources:
        fail(f"(ResourceNotFound) The Resource '{given['-n']}' was not found.")
    what = given.get("--image") or given.get("--set-env-vars", "")
    state["calls"].append(" ".join([command, given["-n"], what]).strip())
    result = answer(state, command, given, resources[given["-n"]])
    path.write_text(json.dumps(state))
    print(json.dumps(result))  # noqa: T201


def session_answer(state: dict[str, Any], command: str, given: dict[str, str]) -> Any:
    account = {"id": "sub", "tenantId": "tenant", "user": {"name": "client", "type": "service"}}
    if command == "account show":
        return account
    if command == "account set":
        return None if given["-s"] == account["id"] else fail("no such subscription")
    if (given["-u"], given["-t"]) != ("client", "tenant") or "--service-principal" not in given:
        fail("AADSTS700016: Application was not found in the directory")
    if given["--federated-token"] != state["github_token"]:
        fail("AADSTS700211: No matching federated identity record found")
    state["calls"].append("login")
    state["calls_until_it_is_over"] = state["calls_of_a_login"]
    return [account]


def registry_answer(state: dict[str, Any], command: str, given: dict[str, str]) -> Any:
    if given.get("-r", given["-n"]) != state["registry"]:
        fail(f"The resource with name '{given.get('-r', given['-n'])}' could not be found")
    if command.endswith("list-metadata"):
        return state["manifests"]
    if "--yes" not in given:
        fail("NoTTYException: Unable to prompt for confirmation as no tty available. Use --yes.")
    digest = given["--image"].partition("@")[2]
    if digest not in [one["digest"] for one in state["manifests"]]:
        fail(f"manifest unknown: {digest}")
    state["calls"].append(f"delete {digest}")
    state["manifests"] = [one for one in state["manifests"] if one["digest"] != digest]
    return None


def server_answer(state: dict[str, Any], command: str, given: dict[str, str]) -> Any:
    if command.endswith("server list"):
        return state["servers"]
    if given["--server-name"] not in [server["name"] for server in state["servers"]]:
        fail(f"(ResourceNotFound) The Resource '{given['--server-name']}' was not found.")
    backups = state["backups"]
    if command.endswith("create"):
        if state.get("backup_refused"):
            fail(state["backup_refused"])
        state["calls"].append(f"backup create {given['--server-name']} {given['-n']}")
        backups.append({"name": given["-n"], "completedTime": None})
        return backups[-1]
    shown = [dict(backup) for backup in backups]
    # Completed when it is looked at for the second time.
    for backup in backups:
        backup["completedTime"] = "2026-12-01T05:00:00Z"
    return shown


def answer(
    state: dict[str, Any], command: str, given: dict[str, str], resource: dict[str, Any]
) -> dict[str, Any]:
    if command.endswith(" start"):
        resource["executions"] = resource.get("executions", 0) + 1
        return {"name": f"{given['-n']}-{resource['executions']}"}
    if command.endswith("execution show"):
        # Running when first looked at; then what the image is scripted to end as.
        looked = resource["looked"] = resource.get("looked", 0) + 1
        end = state["ends"].get(f"{given['-n']} {resource['image']}", "Succeeded")
        return {"properties": {"status": "Running" if looked % 2 else end}}
    if command.endswith(" update"):
        resource["image"] = given.get("--image", resource["image"])
        resource["revision"] = resource.get("revision", 1) + 1
        if resource["image"] not in state["broken"]:
            resource["ready"] = resource["revision"]
        for pair in [given["--set-env-vars"]] if "--set-env-vars" in given else []:
            name, value = pair.split("=", 1)
            resource["env"] = {**resource.get("env", {}), name: value}
    environment = [{"name": k, "value": v} for k, v in resource.get("env", {}).items()]
    return {
        "properties": {
            "template": {"containers": [{"image": resource["image"], "env": environment}]},
            "latestRevisionName": f"{given['-n']}--{resource.get('revision', 1)}",
            "latestReadyRevisionName": f"{given['-n']}--{resource.get('ready', 1)}",
        }
    }


if __name__ == "__main__":
    main()
