"""Azure Resource Manager's part for Container Apps Jobs, on loopback; it refuses as Azure does.

What a job may look like: https://learn.microsoft.com/azure/templates/microsoft.app/jobs
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.http import serve_in_background

GROUP = "/subscriptions/s/resourceGroups/newsapi-rg/providers/Microsoft.App/jobs"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class ContainerApps:
    """The jobs that were made, how often each was started, and what was refused and why."""

    url: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    state: str = "Running"
    """Of every execution."""

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, Any]:
        """The status and the body of an answer."""
        parts = urlsplit(url)
        if not _VERSION.fullmatch(parse_qs(parts.query).get("api-version", [""])[0][:10]):
            return self._refuse("MissingApiVersionParameter")
        if not parts.path.startswith(GROUP):
            return self._refuse(f"unknown: {method} {parts.path}")
        name, _, rest = parts.path.removeprefix(GROUP).strip("/").partition("/")
        match method, rest:
            case "GET", "" if not name:
                return 200, {"value": list(self.jobs.values())}
            case "PUT", "":
                return self._put(name, json.loads(body))
            case _ if name not in self.jobs:
                return 404, {"error": {"code": "ResourceNotFound", "message": name}}
            case "POST", "start":
                self.started.append(name)
                return 200, {"id": f"{GROUP}/{name}/executions/{name}-1", "name": f"{name}-1"}
            case "GET", "executions":
                one = {"name": f"{name}-1", "properties": {"status": self.state}}
                return 200, {"value": [one] * self.started.count(name)}
            case "POST", "stop":
                return 200, {"value": []}
            case "DELETE", "":
                self.deleted.append(name)
                del self.jobs[name]
                return 200, None
            case _:
                return self._refuse(f"unknown: {method} {parts.path}")

    def _put(self, name: str, job: dict[str, Any]) -> tuple[int, Any]:
        if wrong := _wrong(name, job):
            return self._refuse(wrong)
        properties = job["properties"] | {"provisioningState": "Succeeded"}
        self.jobs[name] = job | {"id": f"{GROUP}/{name}", "name": name, "properties": properties}
        return 201, self.jobs[name]

    def _refuse(self, why: str) -> tuple[int, Any]:
        self.refused.append(why)
        return 400, {"error": {"code": "InvalidRequest", "message": why}}


def _wrong(name: str, job: Mapping[str, Any]) -> str | None:
    """What Azure would say against a job."""
    properties, identity = job.get("properties", {}), job.get("identity", {})
    configuration, template = properties.get("configuration", {}), properties.get("template", {})
    containers = template.get("containers") or [{}]
    cpu, memory = (containers[0].get("resources", {}).get(one) for one in ("cpu", "memory"))
    wanted = {
        "name": bool(_NAME.fullmatch(name)) and "--" not in name,
        "location": job.get("location"),
        "environmentId": properties.get("environmentId"),
        "triggerType": configuration.get("triggerType") == "Manual",
        "replicaTimeout": configuration.get("replicaTimeout", 0) > 0,
        "manualTriggerConfig": configuration.get("manualTriggerConfig", {}).get("parallelism"),
        "identity": identity.get("type") != "UserAssigned" or identity["userAssignedIdentities"],
        "container": all(containers[0].get(one) for one in ("name", "image", "command")),
        # Gigabytes are twice the processors.
        "resources": cpu and memory == f"{2 * cpu:g}Gi",
        "tags": not any(set("<>%&\\?/") & set(tag) for tag in job.get("tags", {})),
        "env": all({"name", "value"} <= set(one) for one in containers[0].get("env", [])),
    }
    return next((what for what, right in wanted.items() if not right), None)


@contextmanager
def container_apps() -> Iterator[ContainerApps]:
    """Container Apps for the time of the block."""
    azure = ContainerApps()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, told = azure.answer(self.command, self.path, self.rfile.read(length))
            body = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        azure.url = f"http://127.0.0.1:{server.server_port}"
        serve_in_background(server)
        yield azure
        server.shutdown()
