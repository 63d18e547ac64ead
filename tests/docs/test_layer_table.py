"""The contracts that import-linter holds name every module, and the table of layers agrees."""

import re

from tools.generate_docs import ROOT
from tools.layers import PACKAGE, contracts, layers, modules


def test_the_contracts_name_every_module() -> None:
    named = {
        name.removeprefix(f"{PACKAGE}.").partition(".")[0]
        for contract in contracts()
        for key in ("modules", "source_modules", "forbidden_modules")
        for name in contract.get(key, [])
    }
    ordered = {module for layer in layers() for module in layer}
    assert set(modules()) <= named | ordered
    assert ordered <= set(modules())


def test_the_table_shows_the_layers_in_their_order() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| `([a-z_]+)(?:/|\.py)` \| (.+) \|$", page, re.M)
    shown = [(int(number), module) for number, module, _ in rows]
    assert shown == [
        (number, module) for number, layer in enumerate(layers(), start=1) for module in layer
    ]
    assert all(purpose.endswith((".", "`")) for _, _, purpose in rows)
