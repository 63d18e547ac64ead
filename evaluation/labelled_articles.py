"""Articles labelled for relevance, as written in `relevance/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from evaluation.parts import Part

_FOLDER: Final = Path(__file__).parent / "relevance"


@dataclass(frozen=True)
class LabelledArticle:
    """An article with the index's tags, and whether it is about AI and marketing."""

    id: str
    part: Part
    kind: str
    relevant: bool
    title: str
    body: str
    concepts: Sequence[Mapping[str, Any]]
    categories: Sequence[Mapping[str, Any]]


@cache
def labelled_articles(part: Part) -> tuple[LabelledArticle, ...]:
    """Return the articles of a part, in the order of their ids."""
    return tuple(article for article in _all() if article.part == part)


@cache
def _all() -> list[LabelledArticle]:
    articles = [
        LabelledArticle(
            id=item["id"],
            part=item["split"],
            kind=item["kind"],
            relevant=item["relevant"],
            title=item["title"],
            body=item["body"].strip(),
            concepts=item["concepts"],
            categories=item["categories"],
        )
        for path in _FOLDER.glob("*.yaml")
        for item in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    ]
    return sorted(articles, key=lambda article: article.id)
