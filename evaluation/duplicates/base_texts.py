"""The texts that pairs are made of, as written in `texts/`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from evaluation.parts import Part

_FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Publication:
    """What a detector gets to see of a publication."""

    title: str
    body: str
    url: str


@dataclass(frozen=True)
class BaseText:
    """One text, and how it belongs to others of its part.

    Texts with the same `event` report on it independently; `follows`, `rewrites` and `updates`
    name the earlier text.
    """

    id: str
    language: str
    topic: str
    title: str
    body: str
    event: str | None = None
    follows: str | None = None
    rewrites: str | None = None
    updates: str | None = None
    story: str = ""
    """What all texts share that tell the same story: reports, follow-ups, rewrites."""

    @property
    def words(self) -> int:
        """The length of the body, in words."""
        return len(self.body.split())


@cache
def base_texts(part: Part) -> tuple[BaseText, ...]:
    """Return the texts of a part, in the order of their ids."""
    texts = []
    for path in sorted((_FOLDER / part).glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for item in content["texts"]:
            body = item.pop("body").strip()
            texts.append(BaseText(language=content["language"], body=body, **item))
    by_id = {text.id: text for text in texts}
    return tuple(replace(by_id[name], story=_story(name, by_id)) for name in sorted(by_id))


def _story(name: str, by_id: Mapping[str, BaseText]) -> str:
    text = by_id[name]
    earlier = text.follows or text.rewrites or text.updates
    return _story(earlier, by_id) if earlier else text.event or text.id
