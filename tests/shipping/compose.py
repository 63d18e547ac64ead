"""Reading docker-compose.yml: services, and their variables as an engine would fill them in."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from .dockerfile import ROOT

FILE = ROOT / "docker-compose.yml"


def read_compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return document


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_compose()["services"]
    return found


def apps() -> dict[str, dict[str, Any]]:
    """The services that are made from our image."""
    return {name: one for name, one in services().items() if "build" in one}


def filled_in(environment: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Replace ${NAME:-default} and ${NAME:?reason}.

    Raises:
        KeyError: a value is needed and there is none.
    """

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if values.get(name):
            return values[name]
        if kind == ":-":
            return rest
        raise KeyError(f"{name}: {rest}")

    return {
        name: re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, text)
        for name, text in environment.items()
    }
