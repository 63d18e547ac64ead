"""The layers that the documentation draws are those that import-linter holds."""

import re
import tomllib
from pathlib import Path
from typing import Any

from tools.generate_docs import ROOT

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
    "tool"
]["importlinter"]["contracts"]
LAYERS = [
    set(layer.split(" | "))
    for contract in CONTRACTS
    if contract.get("containers") == ["newsapi_dentsu"]
    for layer in contract["layers"]
]


def test_the_table_of_layers_is_that_of_the_contract() -> None:
    drawn = documented_layers()
    assert sorted(drawn) == sorted(set().union(*LAYERS))
    assert [level(name) for name in drawn] == sorted(level(name) for name in drawn)


<<<<<<<< HEAD:tests/docs/test_layers.py
def test_what_may_not_be_imported_is_forbidden_to_all_but_those_in_the_contracts_name() -> None:
    for contract in CONTRACTS:
        if contract["type"] == "forbidden":
            sources = {
                module.removeprefix("newsapi_dentsu.") for module in contract["source_modules"]
            }
            named = set(re.findall(r"\w+", contract["name"]))
            assert set().union(*LAYERS) - sources <= named, contract["name"]


def documented_layers() -> list[str]:
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    section = text.partition("## Layers")[2].partition("\n\nWhere to look")[0]
    return [Path(name).stem for name in re.findall(r"^\| `([\w./]+)`", section, re.M)]


def level(name: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if name in layer)
========
def test_the_table_shows_the_layers_in_their_order() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_]+)(?:/|\.py)` \| (\d+) \| (.+) \|$", page, re.M)
    shown = [(int(number), module) for module, number, _ in rows]
    assert shown == [
        (number, module) for number, layer in enumerate(layers(), start=1) for module in layer
    ]
    assert all(purpose.endswith((".", "`")) for _, _, purpose in rows)
>>>>>>>> e9b4efe (Docs on stories, security, architecture and settings in plain English; tables name their subject):tests/docs/test_layer_table.py
