"""The figures by which relevance is judged, fitted to labelled articles.

`calibration.json` holds them. `python -m evaluation.fit` makes it; how good they are tells
`python -m evaluation`.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.domain.vectors import Vector, Vectors, from_steps

PATH: Final = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What labelled articles taught of some topics: places in the space of meaning, and weights.

    A place is the mean of several labelled articles. An article near places with positive weights
    is relevant.
    """

    topics: str
    """The `digest_of` the descriptions."""

    scale: float
    """What the score without the lesson counts beside it."""

    constant: float
    width: float
    """How fast likeness ends with distance."""

    title: float
    """What the title counts beside the opening."""

    openings: Vectors
    titles: Vectors
    weights: NDArray[np.float64]

    def is_about(self, topics: Topics) -> bool:
        """Whether these are the topics that it was made for."""
        return self.topics == digest_of(topics)

    def likeness(self, opening: Vector, title: Vector) -> float:
        """How much an article is like those that were labelled relevant, in logits."""
        return float(near(self, opening[None], title[None])[0] @ self.weights)


_LIKENESS_WIDTH: Final = 1.0
_LIKENESS_TITLE: Final = 0.7
_LIKENESS_FLOOR: Final = 0.1
"""Articles that are less alike than two of one broad subject aren't alike at all."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What labelled articles taught of some topics: where they lie, and what each counts."""

    topics: frozenset[str]
    """One topic of the file, or all of them together."""

    openings: Vectors
    titles: Vectors
    weights: NDArray[np.float64]

    def like(self, openings: Vectors, titles: Vectors) -> NDArray[np.float64]:
        """How much each article is like each of the labelled ones, from 0 to nearly 1."""
        apart = _apart(openings, self.openings)
        apart += _LIKENESS_TITLE**2 * _apart(titles, self.titles)
        likeness: NDArray[np.float64] = np.maximum(
            0, np.exp(-_LIKENESS_WIDTH * np.round(apart, 5)) - _LIKENESS_FLOOR
        )
        return likeness

    def adds(self, opening: Vector, title: Vector) -> float:
        """What it adds to the score of an article, in logits."""
        return float(self.like(opening[None], title[None])[0] @ self.weights)

    @property
    def digest(self) -> str:
        """Identifies it: another digest, other scores."""
        told = hashlib.sha256(repr((sorted(self.topics), self.weights.tolist())).encode())
        for rows in (self.openings, self.titles):
            told.update(rows.tobytes())
        return told.hexdigest()[:12]


def near(lesson: Lesson, openings: Vectors, titles: Vectors) -> NDArray[np.float64]:
    """How near each article is to each place, from 0 to 1."""
    apart = _apart(openings, lesson.openings) + lesson.title**2 * _apart(titles, lesson.titles)
    nearness: NDArray[np.float64] = np.exp(-lesson.width * np.round(apart, 5))
    return nearness


def _apart(one: Vectors, other: Vectors) -> NDArray[np.float64]:
    one, other = one.astype(np.float64), other.astype(np.float64)
    squares: NDArray[np.float64] = (
        np.square(one).sum(1)[:, None] + np.square(other).sum(1)[None] - 2 * one @ other.T
    )
    return squares


@dataclass(frozen=True, slots=True)
class Calibration:
    """The weights of the figures, for whatever topics, and the lesson of the shipped ones."""

    FIGURES: ClassVar = ("opening", "opening_mean", "title", "title_mean", "alone", "named")
    """How far the opening and the title stand out to the topic that they stand out to least, and
    in the mean of the topics; whether there is one topic alone; the share of topics named."""

    model: str
    """The sentence model of which the lesson was made."""

    constant: float
    weights: NDArray[np.float64]
    lesson: Lesson
    digest: str


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The figures of the file."""
    text = PATH.read_text("utf-8")
    found = json.loads(text)
    lesson = found["lesson"]
    return Calibration(
        model=found["model"],
        constant=found["constant"],
        weights=np.array([found["weights"][name] for name in Calibration.FIGURES]),
        lesson=Lesson(
            topics=lesson["topics"],
            scale=lesson["scale"],
            constant=lesson["constant"],
            width=lesson["width"],
            title=lesson["title"],
            openings=_rows(lesson["openings"], lesson["lengths"][0]),
            titles=_rows(lesson["titles"], lesson["lengths"][1]),
            weights=np.array(lesson["weights"]),
        ),
        digest=hashlib.sha256(text.encode()).hexdigest()[:12],
    )


def digest_of(topics: Topics) -> str:
    """Identify topics by their descriptions, in whatever order they stand."""
    told = sorted(" ".join(topic.description.split()) for topic in topics.topics)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _rows(packed: str, lengths: list[float]) -> Vectors:
    """Means of vectors are shorter than 1: their directions in steps, beside their lengths."""
    steps = np.frombuffer(base64.b64decode(packed), np.int8).reshape(len(lengths), -1)
    rows: Vectors = (from_steps(steps) * np.array(lengths)[:, None]).astype(np.float32)
    return rows
