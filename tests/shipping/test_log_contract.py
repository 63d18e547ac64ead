"""What alerts and workbooks in Azure look for in logs is what the program logs."""

import ast
from importlib import import_module
from pathlib import Path

from .dockerfile import ROOT

# Types of Pulumi's folder are checked apart.
CONTRACT = import_module("newsapi_infra.monitoring.log_contract")


def logged_events() -> dict[str, str]:
    """Each value of an `event` field that the program's source gives a line, and where."""
    found = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "event":
                    found[event_named(path, ast.unparse(value))] = f"{path.name}:{value.lineno}"
    return found


def event_named(path: Path, expression: str) -> str:
    """What a constant, or a text, of a module of the program says."""
    name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    value = eval(expression, vars(import_module(name)))  # noqa: S307
    assert isinstance(value, str), f"{path}: {expression}"
    return value


def test_the_deployment_looks_for_the_events_that_the_program_logs() -> None:
    assert set(CONTRACT.EVENTS) == set(logged_events())


def test_the_deployment_queries_fields_that_some_line_has() -> None:
    of_events = {name for fields in CONTRACT.EVENTS.values() for name in fields}
    assert set(CONTRACT.FIELDS) == {
        "time",
        "level",
        "logger",
        "message",
        "event",
        "job",
        *of_events,
    }
