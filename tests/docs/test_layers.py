"""The layers that the documentation draws are those that import-linter holds."""

import re
from pathlib import Path

from tools.generate_docs import ROOT
from tools.layers import contracts, layers

LAYERS = [set(layer) for layer in layers()]


def test_the_table_of_layers_is_that_of_the_contract() -> None:
    drawn = documented_layers()
    assert sorted(drawn) == sorted(set().union(*LAYERS))
    assert [level(name) for name in drawn] == sorted(level(name) for name in drawn)


def test_what_may_not_be_imported_is_forbidden_to_all_but_those_in_the_contracts_name() -> None:
    for contract in contracts():
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
