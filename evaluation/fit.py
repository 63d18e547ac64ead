"""`python -m evaluation.fit`: fit the figures of relevance to the labelled real articles.

Writes `calibration.json` of the package. Two fits: a logistic model of a few figures that are
relative to a topic's description, to all sets of topics at once; and the lesson, which adds how
near an article of the shipped topics lies to means of labelled ones.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.labelled_articles import labelled_articles
from evaluation.real_news import FOLDER, RealArticle, RealSet, other_sets, shipped_set
from newsapi_dentsu.domain.calibration import PATH, Calibration, Lesson, digest_of, near
from newsapi_dentsu.domain.passages import passages
from newsapi_dentsu.domain.relevance import Meaning, figures, texts, yardstick
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.domain.vectors import Vectors, from_steps, in_steps
from newsapi_dentsu.meaning import Embedder, sentence_model

Numbers = NDArray[np.float64]
Truth = NDArray[np.bool_]

WRITTEN_SHARE: Final = 0.25
"""What an article that was written for the purpose counts in the lesson beside a real one."""

_BEYOND_WORDS: Final = "oblique_wording"
"""Written articles that name neither topic: no short text that is read like that is news."""

SHIPPED_SHARE: Final = 4.0
"""The shipped topics' articles count as much as four sets of other topics."""

_LEAST_CHANCE: Final = 0.4
"""At this chance of being relevant the score is 0.5: a missed article costs more than a shown."""

_PENALTY: Final = 2.0
_PLACES: Final = 40
"""Means of articles with each label."""

_WIDTH: Final = 1.0
_TITLE: Final = 0.7
_LESSON_PENALTY: Final = 0.02
_CAUTION: Final = 0.4
"""The fit counts both labels alike, but most articles are not relevant: so much more is asked."""

_STEPS: Final = 25


@dataclass(frozen=True, slots=True)
class Measured:
    """A set's articles in numbers: figures, vectors of title and opening, truth, source, words."""

    name: str
    figures: Numbers
    openings: Vectors
    titles: Vectors
    truth: Truth
    sources: NDArray[np.str_]
    words: NDArray[np.int64]

    def only(self, chosen: NDArray[Any]) -> "Measured":
        """Some of the articles."""
        return Measured(
            self.name,
            self.figures[chosen],
            self.openings[chosen],
            self.titles[chosen],
            self.truth[chosen],
            self.sources[chosen],
            self.words[chosen],
        )


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that can be fitted to."""

    shipped: Measured
    """Real articles, labelled for the shipped topics."""

    written: Measured
    """Articles that were written for tuning, labelled for the same."""

    others: Sequence[Measured]
    """Real articles, labelled for other topics."""

    topics: Topics
    """The shipped ones."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The logistic model of the figures."""

    constant: float
    weights: Numbers

    def logits(self, measured: Measured) -> Numbers:
        """The score of each article, before it is squeezed into 0 to 1."""
        found: Numbers = self.constant + measured.figures @ self.weights
        return found


def measure(one: RealSet, embedder: Embedder) -> Measured:
    """Embed a set's articles, and work out their figures."""
    stick = yardstick(one.topics, embedder.model, embedder.embed(texts(one.topics)))
    meanings = []
    for article in one.articles:
        found = embedder.embed(passages(article.title, article.body))
        meanings.append(Meaning(found[0], found[-1]))
    return Measured(
        one.name,
        np.array(
            [
                figures(
                    article.title,
                    article.body,
                    article.concepts,
                    article.categories,
                    stick,
                    meaning,
                )
                for article, meaning in zip(one.articles, meanings, strict=True)
            ]
        ),
        np.stack([meaning.opening for meaning in meanings]),
        np.stack([meaning.title for meaning in meanings]),
        np.array([article.relevant for article in one.articles]),
        np.array([article.source for article in one.articles]),
        np.array([article.words for article in one.articles]),
    )


def material(embedder: Embedder, folder: Path = FOLDER) -> Material:
    """Read and measure what can be fitted to."""
    shipped = shipped_set(folder)
    written = [
        RealArticle(
            one.kind,
            clean_title(one.title),
            clean_text(one.body),
            one.relevant,
            json.dumps(one.concepts),
            json.dumps(one.categories),
        )
        for one in labelled_articles("tuning")
        if one.kind != _BEYOND_WORDS
    ]
    return Material(
        measure(shipped, embedder),
        measure(RealSet("written", shipped.topics, written), embedder),
        [measure(one, embedder) for one in other_sets(folder) if not one.held_out],
        shipped.topics,
    )


def fit(
    shipped: Measured, written: Measured, others: Sequence[Measured], topics: str = ""
) -> tuple[Weights, Lesson]:
    """Fit both: the model of the figures to all sets, the lesson to the shipped topics' alone."""
    sets = [(shipped, SHIPPED_SHARE), (written, 1.0), *((one, 1.0) for one in others)]
    base = fit_weights(sets)
    return base, fit_lesson(base, [(shipped, 1.0), (written, WRITTEN_SHARE)], topics)


def fit_weights(sets: Sequence[tuple[Measured, float]]) -> Weights:
    """Fit the model of the figures to sets of articles, each with its share."""
    found = np.vstack([one.figures for one, _ in sets])
    truth = np.concatenate([one.truth for one, _ in sets])
    share = np.concatenate(
        [np.full(len(one.truth), 100 * share / len(one.truth)) for one, share in sets]
    )
    middle, spread = found.mean(0), found.std(0)
    spread[spread == 0] = 1.0
    design = np.column_stack([(found - middle) / spread, np.ones(len(found))])
    penalty = np.diag([_PENALTY] * found.shape[1] + [0.0])
    theta = _logistic_fit(design, truth, share, penalty, np.zeros(design.shape[1]))
    weights = theta[:-1] / spread
    constant = float(theta[-1] - weights @ middle) - float(
        np.log(_LEAST_CHANCE / (1 - _LEAST_CHANCE))
    )
    return Weights(constant, weights)


def fit_lesson(base: Weights, sets: Sequence[tuple[Measured, float]], topics: str) -> Lesson:
    """Fit what likeness to labelled articles adds to the model of the figures.

    Args:
        base: that model.
        sets: articles that are labelled for the same topics, and what one of each counts.
        topics: the digest of these topics.
    """
    truth = np.concatenate([one.truth for one, _ in sets])
    rows = np.vstack([_joined(one) for one, _ in sets])
    means = [_means(rows[truth == label], _PLACES) for label in (True, False)]
    places = np.vstack(means).astype(np.float32)
    split = rows.shape[1] // 2
    # As the file holds them.
    openings, titles = _restored(places[:, :split]), _restored(places[:, split:])
    lesson = Lesson(topics, 0.0, 0.0, _WIDTH, _TITLE, openings, titles, np.zeros(len(places)))
    nearness = np.vstack([near(lesson, one.openings, one.titles) for one, _ in sets])
    between = near(lesson, lesson.openings, lesson.titles)
    logits = np.concatenate([base.logits(one) for one, _ in sets])
    design = np.column_stack([nearness, logits, np.ones(len(truth))])
    penalty = np.zeros((design.shape[1], design.shape[1]))
    penalty[:-2, :-2] = _LESSON_PENALTY * (between + 1e-6 * np.eye(len(between)))
    penalty[-2, -2] = 1e-3
    share = np.concatenate([np.full(len(one.truth), count) for one, count in sets])
    of_truth = [share[truth == label].sum() / share.sum() for label in (False, True)]
    share = share * 0.5 / np.where(truth, of_truth[1], of_truth[0])
    start = np.zeros(design.shape[1])
    start[-2] = 0.5
    theta = _logistic_fit(design, truth, share, penalty, start)
    return Lesson(
        topics,
        float(theta[-2]),
        float(theta[-1]) - _CAUTION,
        _WIDTH,
        _TITLE,
        openings,
        titles,
        theta[:-2],
    )


def lesson_logits(base: Weights, lesson: Lesson, measured: Measured) -> Numbers:
    """The score of each article by model and lesson, before it is squeezed into 0 to 1."""
    learnt = near(lesson, measured.openings, measured.titles) @ lesson.weights
    found: Numbers = lesson.scale * base.logits(measured) + lesson.constant + learnt
    return found


def _logistic_fit(
    design: Numbers, truth: Truth, share: Numbers, penalty: Numbers, start: Numbers
) -> Numbers:
    """Newton's method for logistic regression with a quadratic penalty."""
    theta = start
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
        weight = share * chance * (1 - chance) + 1e-6
        slope = design.T @ (share * (truth - chance)) - penalty @ theta
        theta = theta + np.linalg.solve(design.T @ (design * weight[:, None]) + penalty, slope)
    return theta


def _joined(measured: Measured) -> Numbers:
    return np.hstack([measured.openings, measured.titles]).astype(np.float64)


def _means(rows: Numbers, count: int) -> Numbers:
    """Means of `count` groups of rows that lie together (k-means, always begun alike)."""
    weight = np.repeat([1.0, _TITLE], rows.shape[1] // 2)
    scaled = rows * weight
    # Begin with rows that lie far apart.
    chosen = [int(np.argmin(np.square(scaled - scaled.mean(0)).sum(1)))]
    apart = np.square(scaled - scaled[chosen[0]]).sum(1)
    while len(chosen) < min(count, len(rows)):
        chosen.append(int(np.argmax(apart)))
        apart = np.minimum(apart, np.square(scaled - scaled[chosen[-1]]).sum(1))
    middles = scaled[chosen]
    for _ in range(30):
        distance = (
            np.square(scaled).sum(1)[:, None]
            + np.square(middles).sum(1)[None]
            - 2 * scaled @ middles.T
        )
        nearest = distance.argmin(1)
        middles = np.stack(
            [
                scaled[nearest == number].mean(0) if (nearest == number).any() else middle
                for number, middle in enumerate(middles)
            ]
        )
    means: Numbers = middles / weight
    return means


def _restored(rows: Vectors) -> Vectors:
    lengths = np.round(np.linalg.norm(rows, axis=1), 5)
    restored: Vectors = (from_steps(in_steps(rows)) * lengths[:, None]).astype(np.float32)
    return restored


def _packed(rows: Vectors) -> tuple[str, list[float]]:
    lengths = [round(float(length), 5) for length in np.linalg.norm(rows, axis=1)]
    return base64.b64encode(in_steps(rows).tobytes()).decode(), lengths


def write(path: Path = PATH, folder: Path = FOLDER) -> None:
    """Fit to all of the material, and write the figures."""
    embedder = sentence_model()
    found = material(embedder, folder)
    base, lesson = fit(found.shipped, found.written, found.others, digest_of(found.topics))
    openings, opening_lengths = _packed(lesson.openings)
    titles, title_lengths = _packed(lesson.titles)
    written = {
        "made_by": "python -m evaluation.fit",
        "model": embedder.model,
        "constant": round(base.constant, 4),
        "weights": {
            name: round(float(weight), 4)
            for name, weight in zip(Calibration.FIGURES, base.weights, strict=True)
        },
        "lesson": {
            "topics": lesson.topics,
            "scale": round(lesson.scale, 4),
            "constant": round(lesson.constant, 4),
            "width": lesson.width,
            "title": lesson.title,
            "weights": [round(float(weight), 4) for weight in lesson.weights],
            "lengths": [opening_lengths, title_lengths],
            "openings": openings,
            "titles": titles,
        },
    }
    path.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    count, others = len(found.shipped.truth), len(found.others)
    print(f"{path}: fitted to {count} real articles and {others} sets of other topics")


if __name__ == "__main__":
    write()
