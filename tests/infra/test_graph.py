"""What holds for every resource: names, enums, versions, secrets, the two stages."""

import inspect
import re
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from typing import Any

import pytest
from pulumi import _types as pulumi_types

from newsapi_infra.offline.arm_types import api_version, arm_type
from newsapi_infra.offline.configuration import PLANTED
from newsapi_infra.offline.graph import Declared, Graph

Graphs = Callable[[str], Graph]

# name, pattern, why: Azure's rules for names.
NAME_RULES = {
    "keyvault:Vault": r"[a-zA-Z](?:-?[a-zA-Z0-9]){2,23}",
    "storage:StorageAccount": r"[a-z0-9]{3,24}",
    "containerregistry:Registry": r"[a-zA-Z0-9]{5,50}",
    "dbforpostgresql:Server": r"[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])",
    "app:ContainerApp": r"[a-z](?:-?[a-z0-9]){1,31}",
    "app:Job": r"[a-z](?:-?[a-z0-9]){1,31}",
    "app:ManagedEnvironment": r"[a-z](?:-?[a-z0-9]){1,31}",
    "operationalinsights:Workspace": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "managedidentity:UserAssignedIdentity": r"[a-zA-Z0-9][\w-]{2,127}",
    "network:ApplicationGateway": r"[a-zA-Z0-9][\w.-]{0,78}\w",
    "network:VirtualNetwork": r"[a-zA-Z0-9][\w.-]{0,62}\w",
    "network:WebApplicationFirewallPolicy": r"[a-zA-Z][\w-]{0,79}",
    "storage:BlobContainer": r"[a-z0-9](?:-?[a-z0-9]){2,62}",
    "keyvault:Secret": r"[a-zA-Z0-9-]{1,127}",
    "eventgrid:SystemTopic": r"[a-zA-Z0-9-]{3,50}",
    "consumption:Budget": r"[\w-]{1,63}",
    "authorization:RoleAssignment": r"[0-9a-f-]{36}",
    "applicationinsights:Workbook": r"[0-9a-f-]{36}",
}

SDK_ENUM_IS_WRONG = {("PrincipalType", "Group")}
"""The SDK's enum writes `group`; the vendor's schema wants `Group`."""


def test_every_stack_is_whole(graphs: Graphs) -> None:
    for stack in ("dev", "prod", "dr"):
        graph = graphs(stack)
        assert len(graph.resources) > 100
        assert len(graph.all("app:ContainerApp")) == 3
        assert len({item.id for item in graph.resources}) == len(graph.resources)


def test_the_first_stage_makes_everything_but_what_needs_an_image(graphs: Graphs) -> None:
    first, second = graphs("first-stage"), graphs("prod")
    assert not first.all("app:ContainerApp")
    assert not first.all("network:ApplicationGateway")
    added = {item.urn for item in second.resources} - {item.urn for item in first.resources}
    gone = {item.urn for item in first.resources} - {item.urn for item in second.resources}
    assert not gone
    kinds = {urn.split("::")[0].split(":")[1] for urn in added}
    assert kinds == {"app", "network", "monitor"}


LASTING = (
    *("dbforpostgresql:Server", "dbforpostgresql:Database", "storage:StorageAccount"),
    *("storage:BlobContainer", "keyvault:Vault", "containerregistry:Registry"),
    *("network:PublicIPAddress", "network:ApplicationGateway", "app:ContainerApp"),
)


REPLACEABLE = ("database-read-replica", "learning-storage", "learning-vault")
"""Hold nothing of their own that can't be made again."""


def test_what_must_stay_is_protected_from_deletion(graph: Graph) -> None:
    for kind in LASTING:
        for item in graph.all(kind):
            if item.logical in REPLACEABLE:
                continue
            assert item.protected is (graph.stack != "dev"), item.logical


def test_the_uis_address_is_there_from_the_first_stage_on(graphs: Graphs) -> None:
    first, second = (
        graphs(name).one("network:PublicIPAddress", "gateway-ip")
        for name in ("first-stage", "prod")
    )
    assert first.urn == second.urn
    assert graphs("first-stage").outputs["uiAddress"] == graphs("prod").outputs["uiAddress"]


def test_the_outputs_say_where_the_ui_is(graphs: Graphs) -> None:
    prod, vpn, dev = (graphs(name).outputs for name in ("prod", "vpn", "dev"))
    assert prod["uiUrl"] == "https://dagster.example.com"
    assert prod["uiAddress"] == "203.0.113.250"
    # By VPN nothing listens at the public address.
    gateway = graphs("vpn").one("network:ApplicationGateway").inputs
    frontends = {item["name"]: item for item in gateway["frontendIPConfigurations"]}
    assert vpn["uiAddress"] == frontends["private"]["privateIPAddress"] == "10.0.1.10"
    # Without a gateway the app's own name is the only one that is answered.
    domain = dev["environmentDomain"]
    assert dev["uiUrl"] == f"https://dagster-webserver.{domain}"
    assert dev.get("uiAddress") is None


def test_the_login_comes_back_to_where_the_ui_is(stack_graph: Graph) -> None:
    url = stack_graph.outputs["uiUrl"]
    assert stack_graph.outputs["loginRedirect"] == f"{url}/.auth/login/aad/callback"
    for kind, name in (("app:ContainerApp", "dagster-daemon"), ("app:Job", "newsapi-alerts-check")):
        (container,) = stack_graph.one(kind, name).inputs["template"]["containers"]
        settings = {item["name"]: item.get("value") for item in container["env"]}
        assert settings["UI_BASE_URL"] == url


def test_names_keep_azures_rules(graph: Graph) -> None:
    for item in graph.resources:
        name = item.id.rsplit("/", 1)[-1]
        rule = NAME_RULES.get(item.token.removeprefix("azure-native:"), r"[\w.@*$-]{1,90}")
        assert re.fullmatch(rule, name), (item.token, name)


def test_everything_is_in_the_stacks_region_and_tagged(graph: Graph) -> None:
    home = graph.config["azure-native:location"]
    for item in graph.resources:
        location = item.inputs.get("location", home)
        assert location in (home, "global", graph.config.get("newsapi-infra:secondRegion"))
        if "tags" in item.inputs:
            assert item.inputs["tags"]["stack"] == graph.stack


def test_every_kind_has_an_api_version(graph: Graph) -> None:
    for item in graph.resources:
        assert re.match(r"\d{4}-\d\d-\d\d", api_version(item.token))


def test_no_secret_is_in_plain_text(graph: Graph) -> None:
    for item in graph.resources:
        shown = repr(item.sealed)
        assert "planted-secret" not in shown, item.urn
    sealed = "".join(repr(item.sealed) for item in graph.resources)
    assert "[secret]" in sealed


def test_every_secret_setting_is_used(graphs: Graphs) -> None:
    used = "".join(
        repr(item.inputs)
        for name in ("prod", "passwords", "learning")
        for item in graphs(name).resources
    )
    assert [key for key, value in PLANTED.items() if value not in used] == []


def test_enum_values_are_the_sdks(graph: Graph) -> None:
    wrong = [
        (item.urn, path, value)
        for item in graph.resources
        for path, value, allowed in enum_values(item)
        if value not in allowed and (path.rsplit(":", 1)[-1], value) not in SDK_ENUM_IS_WRONG
    ]
    assert wrong == []


def test_the_enum_check_finds_a_wrong_value(prod: Graph) -> None:
    vault = prod.one("keyvault:Vault")
    changed = Declared(
        **{
            **{name: getattr(vault, name) for name in vault.__slots__},
            "inputs": {**vault.inputs, "properties": {"sku": {"family": "A", "name": "gold"}}},
        }
    )
    assert [value for _, value, allowed in enum_values(changed) if value not in allowed] == ["gold"]


def enum_values(item: Declared) -> Iterator[tuple[str, str, set[str]]]:
    """Every value of a resource that the SDK has an enum for."""
    _, module_name, class_name = item.token.split(":")
    module = import_module(f"pulumi_azure_native.{module_name}")
    own = import_module(getattr(module, class_name).__module__)
    yield from _walk(getattr(own, f"{class_name}Args"), item.inputs, item.logical)


def _walk(cls: type, value: dict[str, Any], path: str) -> Iterator[tuple[str, str, set[str]]]:
    hints = pulumi_types.input_type_types(cls)
    for python_name, wire_name in pulumi_types.input_type_py_to_pulumi_names(cls).items():
        if wire_name in value and python_name in hints:
            yield from _look(hints[python_name], value[wire_name], f"{path}.{wire_name}")


def _look(hint: Any, value: Any, path: str) -> Iterator[tuple[str, str, set[str]]]:
    kinds = list(_classes(hint))
    if isinstance(value, list):
        for place, part in enumerate(value):
            yield from _look(hint, part, f"{path}[{place}]")
    elif isinstance(value, dict):
        for kind in kinds:
            if pulumi_types.is_input_type(kind):
                yield from _walk(kind, value, path)
    elif isinstance(value, str):
        enums = [kind for kind in kinds if issubclass(kind, Enum)]
        if enums:
            allowed = {str(member.value) for kind in enums for member in kind}
            yield f"{path}:{enums[0].__name__}", value, allowed


def _classes(hint: Any) -> Iterator[type]:
    if inspect.isclass(hint) and not typing.get_args(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _classes(part)


def test_every_reference_leads_to_a_declared_resource(graph: Graph) -> None:
    known = {item.id.lower() for item in graph.resources}
    subscription = f"/subscriptions/{graph.config['azure-native:subscriptionId']}"
    group = f"{subscription}/resourceGroups/{graph.config['newsapi-infra:resourceGroup']}"
    for item in graph.resources:
        for text in _texts(item.inputs):
            if text.startswith(f"{group}/providers/"):
                lower = text.lower()
                assert any(lower == i or lower.startswith(f"{i}/") for i in known), text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def test_a_misspelt_argument_does_not_pass() -> None:
    from pulumi_azure_native import network

    with pytest.raises(TypeError):
        network.SubnetArgs(adress_prefix="10.0.0.0/24")  # pyright: ignore[reportCallIssue]


def test_the_kinds_are_known_to_azure_by_their_parents(graph: Graph) -> None:
    for item in graph.resources:
        kind = arm_type(item.token)
        assert len(kind.name.split("/")) - 1 == len(kind.name_inputs)
