"""A strict check of a template's resources against a folder of Microsoft's schemas.

The schemas are no part of the project; the folder holds `<version>/<provider>.json` files.
Stricter than the schemas themselves: a property that they don't name is a problem.
"""

import json
import re
from pathlib import Path
from typing import Any

Json = dict[str, Any]
EXPRESSION = re.compile(r"\[(?!\[)")
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


class SchemaFolder:
    """The schemas of a folder, by resource type and version."""

    def __init__(self, folder: Path) -> None:
        self.checked = 0
        self._schemas: dict[tuple[str, str], tuple[Json, Json]] = {}
        for path in sorted(folder.glob("*/*.json")):
            document = json.loads(path.read_text(encoding="utf-8"))
            for section, definitions in document.items():
                if not section.lower().endswith("resourcedefinitions"):
                    continue
                for schema in definitions.values():
                    for name in schema.get("properties", {}).get("type", {}).get("enum", ()):
                        self._schemas[name.lower(), path.parent.name] = (document, schema)

    def problems(self, resource: Json) -> list[str]:
        """What the schema has against a resource; nothing when there is no schema for it."""
        found = self._schemas.get((resource["type"].lower(), resource["apiVersion"]))
        if found is None:
            return []
        self.checked += 1
        body = {key: resource[key] for key in resource.keys() - {"dependsOn", "scope"}}
        return _check(found[1], found[0], body, resource["name"])


def _resolve(schema: Json, document: Json) -> Json:
    while schema.get("$ref", "").startswith("#/"):
        target: Json = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def _check(schema: Json, document: Json, value: Any, path: str) -> list[str]:
    if isinstance(value, str) and EXPRESSION.match(value):
        return []
    schema = _resolve(schema, document)
    if "$ref" in schema:
        return [f"{path}: not an expression"]
    problems: list[str] = []
    options = schema.get("oneOf") or schema.get("anyOf") or []
    if options:
        attempts = [_check(option, document, value, path) for option in options]
        problems += min(attempts, key=len) if all(attempts) else []
    wanted = schema.get("type")
    if wanted and not _is(value, wanted):
        return [*problems, f"{path}: {type(value).__name__} is no {wanted}"]
    if "enum" in schema and value not in schema["enum"]:
        problems.append(f"{path}: {value!r} is none of {schema['enum'][:9]}")
    if isinstance(value, str):
        problems += _check_text(schema, value, path)
    elif isinstance(value, dict):
        problems += _check_object(schema, document, value, path)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            problems += _check(schema.get("items", {}), document, part, f"{path}[{place}]")
    elif not _in_range(schema, value):
        problems.append(f"{path}: {value} is out of range")
    return problems


def _in_range(schema: Json, value: Any) -> bool:
    if not isinstance(value, (int, float)):
        return True
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _is(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, TYPES[wanted])


def _check_text(schema: Json, value: str, path: str) -> list[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return [f"{path}: the length of {value!r}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{path}: {value!r} doesn't match {schema['pattern']}"]
    return []


def _check_object(schema: Json, document: Json, value: Json, path: str) -> list[str]:
    properties: Json = schema.get("properties", {})
    elsewhere = {
        name
        for kind in ("oneOf", "anyOf", "allOf")
        for option in schema.get(kind, ())
        for name in _resolve(option, document).get("properties", {})
    }
    more = schema.get("additionalProperties")
    problems = [
        f"{path}: {name} is missing" for name in schema.get("required", ()) if name not in value
    ]
    for name, part in value.items():
        if name in properties:
            problems += _check(properties[name], document, part, f"{path}.{name}")
        elif name in elsewhere:
            continue
        elif isinstance(more, dict):
            problems += _check(more, document, part, f"{path}.{name}")
        elif properties or elsewhere:
            problems.append(f"{path}.{name}: unknown")
    return problems
