"""Labelled pairs of real articles: kept beside the project, and read here where they are there."""

import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from evaluation.real_news import FOLDER
from newsapi_dentsu.domain.similarity import Text, prepare
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.wrapping import own_span

_PAIRS, _RECORDS = "pairs.jsonl", "records-2017-05-30_to_06-08.jsonl.xz"


@dataclass(frozen=True, slots=True)
class RealPair:
    """Two articles, the earlier first.

    `label` says what the later one is: `same`, `fuller`, `update` or `different`; `better` which
    text is to be shown, `a`, `b` or `either`.
    """

    earlier: Text
    later: Text
    day: str
    label: str
    better: str
    sure: bool


def is_there(folder: Path = FOLDER) -> bool:
    """Whether the real material is on this machine."""
    return (folder / _PAIRS).exists() and (folder / _RECORDS).exists()


@cache
def real_pairs(folder: Path = FOLDER) -> Sequence[RealPair]:
    """Read the labelled pairs; `day` is that of the later article."""
    lines = (folder / _PAIRS).read_text("utf-8").splitlines()
    labels = [json.loads(line) for line in lines]
    wanted = {label[name] for label in labels for name in "ab"}
    records = {}
    with lzma.open(folder / _RECORDS, "rt", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record["uri"] in wanted:
                records[record["uri"]] = record
    return [
        RealPair(
            earlier=_text(records[label["a"]]),
            later=_text(records[label["b"]]),
            day=records[label["b"]]["date"],
            label=label["label"],
            better=label["better"],
            sure=label["sure"],
        )
        for label in labels
    ]


def _text(record: Mapping[str, Any]) -> Text:
    body = clean_text(record["body"])
    return prepare(
        own_span(body).of(body), clean_title(record["title"]), record["source"].get("uri")
    )
