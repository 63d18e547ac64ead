"""The layers of the package as a table: from the contracts that import-linter holds."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = "newsapi_dentsu"


def contracts() -> list[dict[str, Any]]:
    """What import-linter holds, as pyproject.toml has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return found


def layers() -> list[list[str]]:
    """The modules of each layer of the package, the highest first."""
    for contract in contracts():
        if _orders(contract):
            return [
                [name.strip(" ()").removeprefix(f"{PACKAGE}.") for name in re.split(r"[|:]", layer)]
                for layer in contract["layers"]
            ]
    raise ValueError(f"no contract orders the layers of {PACKAGE}")


def layers_table() -> str:
    """Each layer with what its modules say of themselves, then the other contracts by name."""
    rows = [
        f"| `{_shown(module)}` | {number} | {_purpose(module)} |"
        for number, layer in enumerate(layers(), start=1)
        for module in layer
    ]
    others = [f"- {contract['name']}." for contract in contracts() if not _orders(contract)]
    return "\n".join(
        ["| module | layer | what it holds |", "| --- | --- | --- |", *rows, "", *others]
    )


def _orders(contract: dict[str, Any]) -> bool:
    """Whether a contract orders the layers of the whole package."""
    containers: object = contract.get("containers", [PACKAGE])
    return contract["type"] == "layers" and containers == [PACKAGE]


def _purpose(module: str) -> str:
    """The first paragraph of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(_file(module).read_text("utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def _shown(module: str) -> str:
    return f"{module}/" if _file(module).name == "__init__.py" else f"{module}.py"


def _file(module: str) -> Path:
    package = ROOT / "src" / PACKAGE / module
    return package / "__init__.py" if package.is_dir() else package.with_suffix(".py")
