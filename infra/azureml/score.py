"""Reading tones on Azure Machine Learning, with the model that the program ships.

One script for both kinds of endpoint. A batch deployment gives files of JSON lines, each with `id`,
`text`, `start`, `end` and `subject`, and keeps what `run` returns. An online deployment gives the
body of a request as the program sends it to `SENTIMENT_ENDPOINT` (docs/sentiment.md).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from newsapi_dentsu.domain.tone import ARTICLE
from newsapi_dentsu.meaning import Passage, tone_model

MOST = 1_000
"""Passages that are read at once, and that one request may have."""


def init() -> None:
    """Load the model, once for each process."""
    tone_model().read([Passage("", 0, 0, ARTICLE)])


def run(given: str | Sequence[str]) -> dict[str, Any] | list[str]:
    """Answer a request, or read the files of a batch.

    Raises:
        ValueError: a request asks for another model, or for too much.
    """
    if isinstance(given, str):
        return _answer(json.loads(given))
    return [line for path in given for line in _lines(Path(path))]


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    reader = tone_model()
    if asked.get("model", reader.model) != reader.model:
        raise ValueError(f"this endpoint serves {reader.model}")
    passages = [Passage(*one) for one in asked["passages"]]
    if len(passages) > MOST:
        raise ValueError(f"at most {MOST} passages at once")
    return {"model": reader.model, "tones": [list(one) for one in reader.read(passages)]}


def _lines(path: Path) -> list[str]:
    """Each line of a file with its tone."""
    reader = tone_model()
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    told = []
    for at in range(0, len(rows), MOST):
        some = rows[at : at + MOST]
        tones = reader.read([Passage(*(one[name] for name in Passage._fields)) for one in some])
        told += [
            json.dumps({"id": row["id"], "model": reader.model, **tone._asdict()})
            for row, tone in zip(some, tones, strict=True)
        ]
    return told
