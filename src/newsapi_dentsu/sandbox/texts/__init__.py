"""The words of the generated articles, kept as TOML files: prose is data."""

import tomllib
from importlib.resources import files
from typing import Any


def load(name: str) -> dict[str, Any]:
    """Read one of the files beside this module."""
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
