"""The declared graph as an ARM template, for `what-if`, for scanners and for schemas."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from newsapi_infra.offline.arm_types import ArmType, api_version, arm_identity, arm_type
from newsapi_infra.offline.configuration import PLANTED
from newsapi_infra.offline.graph import DIGEST, Declared, Graph
from newsapi_infra.offline.variants import VARIANTS, build_variant

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
LEFT_OUT = (":ResourceGroup", ":Deployment")
"""What isn't in the template by itself, so that nothing can wait for it there."""

NEVER_INPUTS = {"resourceGroupName", "recordType"}


def export_template(graph: Graph) -> dict[str, Any]:
    """Turn a graph into a template that is deployed to the stack's resource group."""
    texts = _Texts(graph)
    by_urn = {item.urn: item for item in graph.resources}
    resources: list[dict[str, Any]] = []
    for item in graph.resources:
        if item.token.endswith(":Deployment"):
            resources += _deployed(item, by_urn, texts)
        elif not beyond_the_group(item, graph):
            resources.append(_resource(item, by_urn, texts))
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "metadata": {
            "comments": f"Stack {graph.stack}, exported from infra/; do not edit. The resource "
            "group, and what is declared beyond it (the export of the Activity Log, roles), are "
            "made by `pulumi up` only."
        },
        "parameters": texts.parameters(),
        "resources": resources,
    }


def beyond_the_group(item: Declared, graph: Graph) -> bool:
    """Whether a deployment to the resource group can't hold it: `pulumi up` makes these."""
    group = graph.one("resources:ResourceGroup").id
    return not item.id.startswith(f"{group}/")


class _Texts:
    """Turns made-up answers in texts into the expressions that give the real ones."""

    def __init__(self, graph: Graph) -> None:
        config = graph.config
        subscription = f"/subscriptions/{config['azure-native:subscriptionId']}"
        group = f"{subscription}/resourceGroups/{config['newsapi-infra:resourceGroup']}"
        self._expressions = {
            group: "resourceGroup().id",
            subscription: "subscription().id",
            DIGEST: "parameters('imageDigest')",
            **{value: f"parameters('{key}')" for key, value in PLANTED.items()},
            **graph.expressions,
        }
        longest_first = sorted(self._expressions, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(item) for item in longest_first))
        self._used: set[str] = set()

    def convert(self, value: Any) -> Any:
        """Convert all texts inside a value."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self._text(key): self.convert(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.convert(item) for item in value]
        if isinstance(value, float):
            # Templates know whole numbers only; others are parsed by a function.
            return int(value) if value.is_integer() else f"[json('{value}')]"
        return value

    def parameters(self) -> dict[str, Any]:
        """The parameters that the converted texts mention."""
        return {
            name: {"type": "securestring" if name in PLANTED else "string"}
            for name in sorted(self._used)
        }

    def _text(self, text: str) -> str:
        pieces: list[str] = []
        end = 0
        for match in self._pattern.finditer(text):
            if match.start() > end:
                pieces.append(_literal(text[end : match.start()]))
            expression = self._expressions[match.group()]
            self._used.update(re.findall(r"parameters\('(\w+)'\)", expression))
            pieces.append(expression)
            end = match.end()
        if not pieces:
            return f"[{text}" if text.startswith("[") else text
        if end < len(text):
            pieces.append(_literal(text[end:]))
        return f"[{pieces[0]}]" if len(pieces) == 1 else f"[concat({', '.join(pieces)})]"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _resource(item: Declared, by_urn: dict[str, Declared], texts: _Texts) -> dict[str, Any]:
    kind = arm_type(item.token)
    names = [name[1:] if name.startswith("=") else item.inputs[name] for name in kind.name_inputs]
    inputs = {
        key: value
        for key, value in item.inputs.items()
        if key not in {*NEVER_INPUTS, *kind.name_inputs}
    }
    resource: dict[str, Any] = {
        "type": kind.name,
        "apiVersion": api_version(item.token),
        "name": "",
    }
    if kind.scope_input is not None:
        scope = inputs.pop(kind.scope_input)
        if "/providers/" in scope:
            resource["scope"] = scope
    for key in sorted(kind.top & inputs.keys()):
        resource[key] = inputs.pop(key)
    if "identity" in resource:
        resource["identity"] = arm_identity(resource["identity"])
    properties = _properties(kind, inputs)
    if properties or not kind.bare:
        resource["properties"] = properties
    converted: dict[str, Any] = texts.convert(resource)
    converted["name"] = _name([texts.convert(name) for name in names])
    return converted | _waits(item, by_urn, texts)


def _deployed(item: Declared, by_urn: dict[str, Declared], texts: _Texts) -> list[dict[str, Any]]:
    """The resources of a deployment of its own, as if they were the template's."""
    inner: list[dict[str, Any]] = item.inputs["properties"]["template"]["resources"]
    return [texts.convert(resource) | _waits(item, by_urn, texts) for resource in inner]


def _waits(item: Declared, by_urn: dict[str, Declared], texts: _Texts) -> dict[str, Any]:
    waits = sorted(
        {
            by_urn[urn].id
            for urn in item.depends_on
            if urn in by_urn and not by_urn[urn].token.endswith(LEFT_OUT)
        }
    )
    return {"dependsOn": texts.convert(waits)} if waits else {}


def _name(parts: list[str]) -> str:
    """The name of a resource; a part of another one carries the names of both."""
    if len(parts) == 1:
        return parts[0]
    pieces = [part[1:-1] if part.startswith("[") else _literal(part) for part in parts]
    places = "/".join(f"{{{place}}}" for place in range(len(parts)))
    return f"[format('{places}', {', '.join(pieces)})]"


def _properties(kind: ArmType, inputs: dict[str, Any]) -> dict[str, Any]:
    # Some kinds keep `properties` as it is in Azure.
    properties: dict[str, Any] = json.loads(json.dumps(inputs.pop("properties", None) or inputs))
    for path in sorted(kind.nested, key=lambda item: -item.count(".")):
        _nest(properties, path.split("."))
    for path in kind.references:
        _keep_id(properties, path.split("."))
    for path, name in kind.renamed.items():
        _rename(properties, path.split("."), name)
    return properties


def _nest(container: dict[str, Any], path: list[str]) -> None:
    head, *rest = path
    value = container.get(head)
    if value is None:
        return
    if rest:
        for part in value if isinstance(value, list) else [value]:
            _nest(part, rest)
    elif isinstance(value, list):
        container[head] = [_with_properties(part) for part in value]
    else:
        container[head] = _with_properties(value)


def _with_properties(part: dict[str, Any]) -> dict[str, Any]:
    outside = {"id", "name", "endpointType"}
    inner = {key: value for key, value in part.items() if key not in outside}
    return {key: value for key, value in part.items() if key in outside} | {"properties": inner}


def _keep_id(container: dict[str, Any], path: list[str]) -> None:
    """The SDK adds its defaults to a reference as if it were the thing itself."""
    head, *rest = path
    if not rest:
        container[head] = {"id": container[head]["id"]}
        return
    inside = container[head]
    for part in inside if isinstance(inside, list) else [inside]:
        _keep_id(part, rest)


def _rename(container: dict[str, Any], path: list[str], name: str) -> None:
    head, *rest = path
    if head not in container:
        return
    if rest:
        _rename(container[head], rest, name)
        return
    value = container.pop(head)
    *parents, last = name.split(".") if name.startswith("destination") else [name]
    for parent in parents:
        container = container.setdefault(parent, {})
    container[last] = value


def main(folder: str) -> None:
    """Write the template of each stack and of what its switches make of it."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name in VARIANTS:
        template = export_template(build_variant(name))
        path = target / f"{name}.json"
        path.write_text(json.dumps(template, indent=2) + "\n", encoding="utf-8")
        sys.stdout.write(f"{path}: {len(template['resources'])} resources\n")


if __name__ == "__main__":
    main(sys.argv[1])
