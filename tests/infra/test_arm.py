"""The export as an ARM template."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from newsapi_infra.offline.arm import beyond_the_group, export_template
from newsapi_infra.offline.configuration import PLANTED, SECRET_KEYS
from newsapi_infra.offline.graph import Graph

from .arm_schemas import SchemaFolder

Graphs = Callable[[str], Graph]
SCHEMAS = os.environ.get("ARM_SCHEMAS", "")


@pytest.fixture
def template(graph: Graph) -> dict[str, Any]:
    return export_template(graph)


def test_every_resource_of_the_group_is_exported(graph: Graph) -> None:
    template = export_template(graph)
    left_out = {item.logical for item in graph.resources if beyond_the_group(item, graph)}
    of_the_subscription = {
        "activity-log",
        "role-preview-subscription",
        "grant-preview-subscription",
    }
    own = graph.config["newsapi-infra:resourceGroup"]
    elsewhere = {
        item.logical
        for item in graph.resources
        if item.inputs.get("resourceGroupName", own) != own
        or item.inputs.get("scope", "") == graph.config.get("newsapi-infra:registryId")
    }
    there = {item.logical for item in graph.resources}
    assert left_out == {"group"} | elsewhere | (of_the_subscription & there)
    assert len(template["resources"]) == len(graph.resources) - len(left_out)
    for resource in template["resources"]:
        assert re.fullmatch(r"Microsoft\.\w+/[\w/]+", resource["type"])
        assert re.match(r"\d{4}-\d\d-\d\d", resource["apiVersion"])
        assert resource["name"]


def test_secrets_are_parameters_without_a_value(template: dict[str, Any]) -> None:
    text = json.dumps(template)
    assert not [value for value in PLANTED.values() if value in text]
    assert "planted" not in text
    for name, parameter in template["parameters"].items():
        assert "defaultValue" not in parameter
        assert (parameter["type"] == "securestring") == (name in SECRET_KEYS)


def test_parameters_are_declared_and_used(template: dict[str, Any]) -> None:
    used = set(re.findall(r"parameters\('(\w+)'\)", json.dumps(template["resources"])))
    # The Logic App has a parameter of its own of that name.
    # Logic Apps have parameters of their own.
    theirs = {"slackWebhookUrl", "job", "identity"}
    assert used - theirs == set(template["parameters"]) - theirs


def test_nothing_of_a_made_up_subscription_is_left(template: dict[str, Any]) -> None:
    assert "/subscriptions/" not in json.dumps(template)


def test_expressions_are_closed(template: dict[str, Any]) -> None:
    for text in _texts(template["resources"]):
        if text.startswith("[") and not text.startswith("[["):
            assert text.endswith("]"), text
            outside_quotes = re.sub(r"'(?:[^']|'')*'", "", text)
            assert outside_quotes.count("(") == outside_quotes.count(")"), text


def test_dependencies_are_in_the_template_and_have_no_circle(graph: Graph) -> None:
    known = {item.urn for item in graph.resources}
    waiting = {
        item.urn: {urn for urn in item.depends_on if urn in known} for item in graph.resources
    }
    for item in graph.resources:
        assert set(item.depends_on) <= known
    while waiting:
        free = [urn for urn, needs in waiting.items() if not needs & waiting.keys()]
        assert free, waiting
        for urn in free:
            del waiting[urn]


def test_the_network_is_nested_as_azure_wants_it(graphs: Graphs) -> None:
    template = export_template(graphs("prod"))
    (vnet,) = [r for r in template["resources"] if r["type"] == "Microsoft.Network/virtualNetworks"]
    apps = next(s for s in vnet["properties"]["subnets"] if s["name"] == "container-apps")
    assert set(apps) == {"name", "properties"}
    assert apps["properties"]["delegations"][0]["properties"] == {
        "serviceName": "Microsoft.App/environments"
    }


@pytest.mark.skipif(not SCHEMAS, reason="ARM_SCHEMAS names no folder of Microsoft's schemas")
def test_the_template_is_valid_by_microsofts_schemas(template: dict[str, Any]) -> None:
    folder = SchemaFolder(Path(SCHEMAS))
    problems = [line for resource in template["resources"] for line in folder.problems(resource)]
    assert problems == []
    assert folder.checked > 0.9 * len(template["resources"])


@pytest.mark.skipif(not SCHEMAS, reason="ARM_SCHEMAS names no folder of Microsoft's schemas")
def test_the_schemas_find_a_renamed_property(prod: Graph) -> None:
    folder = SchemaFolder(Path(SCHEMAS))
    template = export_template(prod)
    (vault,) = [r for r in template["resources"] if r["type"] == "Microsoft.KeyVault/vaults"]
    vault["properties"]["enablePurge"] = vault["properties"].pop("enablePurgeProtection")
    assert folder.problems(vault)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]
