"""The sentence patterns of the generated articles, read from the text files beside this module."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Theme:
    """One kind of story: its topics, its category, and the sentence patterns that tell it."""

    topics: Sequence[str]
    category: str
    mood: float
    titles: Sequence[str]
    leads: Sequence[str]
    details: Sequence[str]


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("texts", name).read_text("utf-8"))


THEMES: Mapping[str, Sequence[Theme]] = {
    kind: [Theme(**theme) for theme in themes] for kind, themes in _load("themes.toml").items()
}
PHRASES: Mapping[str, Any] = _load("phrases.toml")
