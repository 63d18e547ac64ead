"""Words that sites and editors put into texts, as written in `wording/`, one file a language."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from evaluation.parts import Part

_FOLDER = Path(__file__).parent / "wording"


@dataclass(frozen=True)
class Wording:
    """What is put around a text (each part has its own) and into it (shared by both parts)."""

    titles: tuple[str, ...]
    bylines: tuple[str, ...]
    credits: tuple[str, ...]
    footers: tuple[str, ...]
    captions: tuple[str, ...]
    read_more: tuple[str, ...]
    intros: tuple[str, ...]
    crumbs: tuple[str, ...]
    joints: tuple[str, ...]
    house_style: tuple[tuple[str, str], ...]
    months: tuple[str, ...]
    day_first: str
    month_first: str
    synonyms: Mapping[str, tuple[str, ...]]
    fillers: tuple[str, ...]


@cache
def wording(language: str, part: Part) -> Wording:
    """Return the wording of a language for a part."""
    content = yaml.safe_load((_FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    furniture = {name: tuple(lines) for name, lines in content[part].items()}
    return Wording(
        **furniture,
        joints=tuple(content["joints"]),
        house_style=tuple((old, new) for old, new in content["house_style"]),
        months=tuple(content["months"]),
        day_first=content["day_first"],
        month_first=content["month_first"],
        synonyms={word: tuple(others) for word, others in content["synonyms"].items()},
        fillers=tuple(content["fillers"]),
    )
