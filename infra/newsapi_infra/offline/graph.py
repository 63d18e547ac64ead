"""The graph of resources that a stack declares, built under Pulumi's mocks.

Azure's own answers (an identity's principal, an environment's domain) are made up, each once and
recognisably, together with the ARM expression that would give the real one.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc

from newsapi_infra.offline.arm_types import api_version, arm_identity, arm_type
from newsapi_infra.offline.configuration import PROJECT, select, stack_settings
from newsapi_infra.stack import deploy

DIGEST = "sha256:" + "0" * 64
"""Stands for an image that was never built."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource as it was declared."""

    urn: str
    token: str
    logical: str
    id: str
    inputs: dict[str, Any]
    """As given, with secrets unwrapped."""
    sealed: dict[str, Any]
    """As given, with what is secret replaced: what an unencrypted state would show."""
    depends_on: tuple[str, ...]
    """Urns of what must exist first."""
    ignored: tuple[str, ...]
    """Properties that Pulumi leaves as they are once the resource exists."""
    protected: bool
    """Whether Pulumi refuses to delete it."""
    retained: bool
    """Whether it stays in Azure when Pulumi forgets it."""

    @property
    def arm_name(self) -> str:
        """The resource's type in Azure Resource Manager."""
        return arm_type(self.token).name


@dataclass(slots=True)
class Graph:
    """Everything that one stack declares."""

    stack: str
    resources: list[Declared] = field(default_factory=list)
    expressions: dict[str, str] = field(default_factory=dict)
    """Made-up answers, each with the ARM expression for the real one."""
    config: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    """What the stack tells of itself."""

    def all(self, token: str) -> list[Declared]:
        """The resources of one kind, such as `app:ContainerApp`."""
        return [item for item in self.resources if item.token == f"azure-native:{token}"]

    def one(self, token: str, logical: str | None = None) -> Declared:
        """The only resource of a kind, or the one of that logical name."""
        found = [item for item in self.all(token) if logical is None or item.logical == logical]
        if len(found) != 1:
            raise LookupError(f"{len(found)} of {token} {logical or ''}")
        return found[0]


def build_graph(stack: str, changes: Mapping[str, Any] | None = None) -> Graph:
    """Run the program for a stack and return what it declares.

    `changes` are settings to add to the stack's file, without the project's name; the apps are
    declared unless `changes` say otherwise.
    """
    in_use = {"stage": "apps", "imageDigest": DIGEST}
    settings = stack_settings(stack, in_use | dict(changes or {}))
    graph = Graph(stack, config=settings)
    recorder = _Recorder(graph)
    pulumi.runtime.set_mocks(
        recorder, project=PROJECT, stack=stack, preview=False, monitor=_Monitor(recorder)
    )
    select(settings)

    def declare() -> pulumi.Output[None]:
        return pulumi.Output.all(**deploy()).apply(graph.outputs.update)

    pulumi.runtime.test(declare)()
    return graph


class _Recorder(pulumi_mocks.Mocks):
    """Answers for Azure and writes down what was declared."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.pending: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool, bool]] = {}

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = _unwrap(args.inputs, sealed=False)
        resource_id = self._id(args.typ, inputs)
        urn = f"{args.typ}::{args.name}"
        self.graph.resources.append(
            Declared(
                urn,
                args.typ,
                args.name,
                resource_id,
                inputs,
                _unwrap(args.inputs, sealed=True),
                *self.pending.pop(urn, ((), (), False, False)),
            )
        )
        state: dict[str, Any] = {"name": resource_id.rsplit("/", 1)[-1]}
        if "identity" in inputs:
            # Azure answers with an object where the SDK takes a list.
            state["identity"] = arm_identity(inputs["identity"])
        self._answer(args.typ, resource_id, inputs, state)
        return resource_id, state

    def call(
        self, args: pulumi_mocks.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        if not args.token.endswith(":listWorkflowTriggerCallbackUrl"):
            raise LookupError(args.token)
        group = self.graph.config["newsapi-infra:resourceGroup"]
        subscription = self.graph.config["azure-native:subscriptionId"]
        trigger = (
            f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Logic/"
            f"workflows/{args.args['workflowName']}/triggers/{args.args['triggerName']}"
        )
        value = "https://planted-secret-callback.example.com/"
        self.graph.expressions[value] = (
            f"listCallbackUrl({_resource_id(trigger)}, '2019-05-01').value"
        )
        return {"value": value}, []

    def _id(self, token: str, inputs: dict[str, Any]) -> str:
        kind = arm_type(token)
        subscription = f"/subscriptions/{self.graph.config['azure-native:subscriptionId']}"
        own = self.graph.config["newsapi-infra:resourceGroup"]
        group = f"{subscription}/resourceGroups/{inputs.get('resourceGroupName', own)}"
        if token.endswith("resources:ResourceGroup"):
            return group
        names = [
            item[1:] if item.startswith("=") else str(inputs[item]) for item in kind.name_inputs
        ]
        provider, *types = kind.name.split("/")
        path = "/".join(f"{part}/{name}" for part, name in zip(types, names, strict=True))
        if kind.scope_input is not None:
            return f"{inputs[kind.scope_input]}/providers/{provider}/{path}"
        if token.endswith("SubscriptionDiagnosticSetting"):
            return f"{subscription}/providers/{provider}/{path}"
        return f"{group}/providers/{provider}/{path}"

    def _answer(
        self, token: str, resource_id: str, inputs: dict[str, Any], state: dict[str, Any]
    ) -> None:
        """Add what only Azure knows to a resource's state."""
        name = state["name"]
        short = token.removeprefix("azure-native:")
        if short == "managedidentity:UserAssignedIdentity":
            for part in ("principalId", "clientId"):
                state[part] = self._known(resource_id, part, str(_uuid(resource_id, part)))
        elif short == "app:ManagedEnvironment":
            domain = f"{name}.{inputs['location']}.azurecontainerapps.io"
            # The name of a DNS zone can't be computed by a template: it is a parameter there.
            self.graph.expressions[domain] = "parameters('environmentDomain')"
            state["defaultDomain"] = domain
            state["staticIp"] = self._known(resource_id, "staticIp", "10.255.255.254")
        elif short == "keyvault:Vault":
            uri = self._known(resource_id, "vaultUri", f"https://{name}.vault.azure.net/")
            state["properties"] = inputs["properties"] | {"vaultUri": uri}
        elif short == "storage:StorageAccount":
            blob = self._known(
                resource_id, "primaryEndpoints.blob", f"https://{name}.blob.core.windows.net/"
            )
            state["primaryEndpoints"] = {"blob": blob}
        elif short == "containerregistry:Registry":
            state["loginServer"] = self._known(resource_id, "loginServer", f"{name}.azurecr.io")
        elif short == "dbforpostgresql:Server":
            state["fullyQualifiedDomainName"] = self._known(
                resource_id, "fullyQualifiedDomainName", f"{name}.postgres.database.azure.com"
            )
        elif short == "redisenterprise:RedisEnterprise":
            state["hostName"] = self._known(
                resource_id, "hostName", f"{name}.{inputs['location']}.redis.azure.net"
            )
        elif short == "applicationinsights:Component":
            state["connectionString"] = self._known(
                resource_id, "ConnectionString", f"InstrumentationKey={_uuid(resource_id, 'key')}"
            )
        elif short == "network:PublicIPAddress":
            state["ipAddress"] = self._known(resource_id, "ipAddress", "203.0.113.250")

    def _known(self, resource_id: str, path: str, value: str) -> str:
        version = api_version(self.graph.resources[-1].token)
        self.graph.expressions.setdefault(
            value, f"reference({_resource_id(resource_id)}, '{version}').{path}"
        )
        return value


class _Monitor(pulumi_mocks.MockMonitor):
    """A monitor that also remembers what each resource waits for and leaves alone."""

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__(recorder)
        self.recorder = recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        self.recorder.pending[f"{request.type}::{request.name}"] = (
            tuple(_own_urn(urn) for urn in request.dependencies),
            tuple(request.ignoreChanges),
            request.protect,
            request.retainOnDelete,
        )
        return super().RegisterResource(request)


def _own_urn(urn: str) -> str:
    """Of Pulumi's name of a resource what `Declared.urn` has: without the stack and the parents."""
    *_, kinds, name = urn.split("::")
    return f"{kinds.rpartition('$')[2]}::{name}"


def _uuid(*parts: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts))


def _resource_id(resource_id: str) -> str:
    """A resource of the stack's group as an ARM function call."""
    provider, *rest = resource_id.split("/providers/", 1)[1].split("/")
    names = ", ".join(f"'{name}'" for name in rest[1::2])
    return f"resourceId('{'/'.join([provider, *rest[0::2]])}', {names})"


def _unwrap(value: Any, *, sealed: bool) -> Any:
    if rpc.is_rpc_secret(value):
        return "[secret]" if sealed else _unwrap(rpc.unwrap_rpc_secret(value), sealed=sealed)
    if isinstance(value, dict):
        return {key: _unwrap(item, sealed=sealed) for key, item in value.items()}
    if isinstance(value, list):
        return [_unwrap(item, sealed=sealed) for item in value]
    return value
