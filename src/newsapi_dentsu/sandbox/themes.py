"""The sentence patterns of the generated articles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from newsapi_dentsu.sandbox.texts import load


@dataclass(frozen=True)
class Theme:
    """One kind of story: its topics, its category, and the sentence patterns that tell it.

    `sentences` names the rule from which it goes on where it has no details of its own.
    """

    topics: Sequence[str]
    category: str
    mood: float
    titles: Sequence[str]
    leads: Sequence[str]
    details: Sequence[str] = ()
    sentences: str = ""


THEMES: Mapping[str, Sequence[Theme]] = {
    kind: [Theme(**theme) for theme in themes] for kind, themes in load("themes").items()
}
PHRASES: Mapping[str, Any] = load("phrases")
SENTENCES: Mapping[str, Sequence[str]] = load("sentences")
