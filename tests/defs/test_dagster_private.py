"""Dagster's private names: gathered in one module, and each where that module looks for it."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import newsapi_dentsu
from newsapi_dentsu.hosting.home import NO_COMPUTE_LOGS

PACKAGE = Path(newsapi_dentsu.__file__).parent
# Not imported, which would fail as a whole when one of the names has moved.
GATHERED = PACKAGE / "dagster_private.py"


def private_names(file: Path) -> Iterator[str]:
    """What a file imports from Dagster's private modules, wherever in the file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and is_private(node.module or ""):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "dagster":
            yield from (f"dagster.{one.name}" for one in node.names if one.name[0] == "_")
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_private(alias.name))


def is_private(module: str) -> bool:
    package, *inner = module.split(".")
    return package == "dagster_shared" or (
        package.startswith("dagster") and any(name.startswith("_") for name in inner)
    )


@pytest.mark.parametrize("name", [*private_names(GATHERED)])
def test_the_installed_dagster_has_it(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute)


def test_dagster_finds_the_class_that_keeps_no_output() -> None:
    assert hasattr(import_module(NO_COMPUTE_LOGS["module"]), NO_COMPUTE_LOGS["class"])


def test_no_other_module_takes_private_names() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if file != GATHERED]
    found = {str(file.relative_to(PACKAGE)): [*private_names(file)] for file in files}
    assert {file: names for file, names in found.items() if names} == {}
