"""Relevance on real articles, by cross-validation in which no source is in both fit and test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.fit import Material, Numbers, Truth, fit, lesson_logits, material, measure
from evaluation.real_news import FOLDER, RealSet, other_sets, shipped_set
from newsapi_dentsu.domain.passages import passages
from newsapi_dentsu.domain.topics import Topic
from newsapi_dentsu.meaning import Embedder, sentence_model

FOLDS: Final = 10
SEEDS: Final = (0, 1, 2)
BANDS: Final[Mapping[str, tuple[int, int]]] = {
    "all": (0, 1_000_000),
    "under 150 words": (0, 150),
    "150 to 500": (150, 500),
    "500 to 1500": (500, 1500),
    "over 300": (301, 1_000_000),
}
_RESAMPLES: Final = 400
_ZERO_SHOT: Final = 0.45
_ZERO_SHOT_TEXTS: Final = (
    "artificial intelligence, machine learning, generative AI, language models, chatbots, "
    "algorithms",
    "marketing, advertising, brands, campaigns, media buying, public relations, "
    "customer experience",
    "the use of artificial intelligence in marketing and advertising",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """How a method did on some articles: at its operating point, and in the order it gives."""

    method: str
    band: str
    count: int
    precision: float
    recall: float
    f1: float
    between: tuple[float, float]
    """Where F1 lies in 19 of 20 samples of as many sources."""

    auc: float


def relevance_on_real_news(folder: Path = FOLDER) -> list[Figure]:
    """The shipped topics by cross-validation; each other topic by a fit to the rest of them.

    Topics that are held out are judged by a fit to all the others.
    """
    embedder = sentence_model()
    shipped, known = shipped_set(folder), material(embedder, folder)
    measured, others = known.shipped, known.others
    rng = np.random.default_rng(0)
    found: list[Figure] = []
    folded = [list(_out_of_fold(known, seed)) for seed in SEEDS]
    ours = [np.array([logit for logit, _ in one]) for one in folded]
    described = [np.array([logit for _, logit in one]) for one in folded]
    methods: dict[str, Sequence[Numbers]] = {
        "the pipeline": ours,
        "without the labelled articles' lesson": described,
        "zero-shot similarity": [_zero_shot(shipped, embedder)],
        "keywords of each topic": [_keywords(shipped)],
    }
    for method, logits in methods.items():
        for band, (least, most) in BANDS.items():
            chosen = (measured.words >= least) & (measured.words < most)
            found.append(
                _figure(
                    method,
                    band,
                    measured.truth[chosen],
                    [one[chosen] for one in logits],
                    measured.sources[chosen],
                    rng,
                )
            )
    for number, one in enumerate(others):
        rest = [other for at, other in enumerate(others) if at != number]
        base, _ = fit(measured, known.written, rest)
        found.append(
            _figure("other topics", one.name, one.truth, [base.logits(one)], one.sources, rng)
        )
    base, _ = fit(measured, known.written, others)
    for unseen in (one for one in other_sets(folder) if one.held_out):
        one = measure(unseen, embedder)
        found.append(
            _figure("topics held out", one.name, one.truth, [base.logits(one)], one.sources, rng)
        )
    return found


def _out_of_fold(known: Material, seed: int) -> Iterator[tuple[float, float]]:
    """For each article the logits by what was fitted to other sources: all, and without lesson."""
    measured = known.shipped
    ours, described = np.zeros(len(measured.truth)), np.zeros(len(measured.truth))
    fold = _folds(measured.sources, measured.truth, seed)
    for number in range(FOLDS):
        train, test = measured.only(fold != number), measured.only(fold == number)
        base, lesson = fit(train, known.written, known.others)
        ours[fold == number] = lesson_logits(base, lesson, test)
        described[fold == number] = base.logits(test)
    yield from zip(ours.tolist(), described.tolist(), strict=True)


def _folds(sources: NDArray[np.str_], truth: Truth, seed: int) -> NDArray[np.int64]:
    """Sources in folds with about as many articles of each label."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(sources))
    sizes = {name: (sources == name).sum() for name in names}
    filled = np.zeros((FOLDS, 2))
    fold = np.zeros(len(truth), np.int64)
    weight = np.array([1 / max(1, (~truth).sum()), 1 / max(1, truth.sum())])
    for name in sorted(names, key=lambda one: -int(sizes[one])):
        of_source = sources == name
        added = np.array([(of_source & ~truth).sum(), (of_source & truth).sum()]) * weight
        best = int(np.argmin(np.square(filled + added).sum(1) - np.square(filled).sum(1)))
        filled[best] += added
        fold[of_source] = best
    return fold


def _figure(
    method: str,
    band: str,
    truth: Truth,
    logits: Sequence[Numbers],
    sources: NDArray[np.str_],
    rng: np.random.Generator,
) -> Figure:
    said = [one >= 0 for one in logits]
    f1s = [f1(truth, one) for one in said]
    names = np.unique(sources)
    rows = {name: np.flatnonzero(sources == name) for name in names}
    samples = []
    for _ in range(_RESAMPLES):
        chosen = np.concatenate([rows[name] for name in rng.choice(names, len(names))])
        samples.append(f1(truth[chosen], said[0][chosen]))
    low, high = np.percentile(samples, [2.5, 97.5])
    return Figure(
        method,
        band,
        len(truth),
        float(np.mean([_share(truth & one, one) for one in said])),
        float(np.mean([_share(truth & one, truth) for one in said])),
        float(np.mean(f1s)),
        (float(low), float(high)),
        float(np.mean([auc(truth, one) for one in logits])),
    )


def f1(truth: Truth, said: Truth) -> float:
    """The harmonic mean of precision and recall."""
    right = (truth & said).sum()
    return float(2 * right / max(1, truth.sum() + said.sum()))


def _share(part: Truth, whole: Truth) -> float:
    return float(part.sum() / max(1, whole.sum()))


def auc(truth: Truth, figure: Numbers) -> float:
    """The chance that a relevant article stands above another one; ties count half."""
    if truth.all() or not truth.any():
        return 1.0
    yes, no = figure[truth], np.sort(figure[~truth])
    below = np.searchsorted(no, yes, "left") + np.searchsorted(no, yes, "right")
    return float(below.mean() / 2 / len(no))


def _zero_shot(one: RealSet, embedder: Embedder) -> Numbers:
    first, second, both = embedder.embed(_ZERO_SHOT_TEXTS)
    found = []
    for article in one.articles:
        vector = embedder.embed(passages(article.title, article.body))[0]
        found.append(float(both @ vector + min(first @ vector, second @ vector)) - _ZERO_SHOT)
    return np.array(found)


def _keywords(one: RealSet) -> Numbers:
    def has(topic: Topic, text: str) -> bool:
        return any(keyword.lower() in text for keyword in topic.keywords)

    texts = [f"{article.title}\n{article.body}".lower() for article in one.articles]
    return np.array(
        [0.5 if all(has(topic, text) for topic in one.topics.topics) else -0.5 for text in texts]
    )


def as_rows(figures: Sequence[Figure]) -> list[list[str]]:
    """The figures as a table."""
    return [
        ["method", "articles", "n", "precision", "recall", "F1", "19 of 20", "AUC"],
        *(
            [
                one.method,
                one.band,
                str(one.count),
                f"{one.precision:.3f}",
                f"{one.recall:.3f}",
                f"{one.f1:.3f}",
                f"{one.between[0]:.2f} to {one.between[1]:.2f}",
                f"{one.auc:.3f}",
            ]
            for one in figures
        ),
    ]
