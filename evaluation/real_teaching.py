"""What examples and verdicts teach: half of the sources of real articles teach, the others test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.fit import (
    SHIPPED_SHARE,
    Measured,
    Numbers,
    Weights,
    fit_weights,
    material,
    measure,
)
from evaluation.real_news import FOLDER, RealSet, other_sets, shipped_set
from evaluation.real_relevance import auc, f1
from newsapi_dentsu.domain.relevance import Meaning
from newsapi_dentsu.domain.teaching import Labelled, fit, learn
from newsapi_dentsu.meaning import sentence_model

SPLITS: Final = 20
_TOPICS: Final = frozenset(["taught"])


@dataclass(frozen=True, slots=True)
class Lesson:
    """How some articles are chosen to be taught: so many of each label, as titles or as verdicts.

    Verdicts are drawn at random, or mistakes first, and count where they help each other.
    """

    name: str
    belong: int = 0
    do_not_belong: int = 0
    verdicts: int = 0
    mistakes_first: bool = False


LESSONS: Final = (
    Lesson("3 titles that belong", belong=3),
    Lesson("3 titles that don't", do_not_belong=3),
    Lesson("2 titles that belong, 1 that doesn't", belong=2, do_not_belong=1),
    Lesson("3 and 3", belong=3, do_not_belong=3),
    Lesson("5 and 5", belong=5, do_not_belong=5),
    Lesson("10 verdicts", verdicts=10),
    Lesson("10 verdicts, mistakes first", verdicts=10, mistakes_first=True),
    Lesson("30 verdicts", verdicts=30),
    Lesson("30 verdicts, mistakes first", verdicts=30, mistakes_first=True),
)


@dataclass(frozen=True, slots=True)
class Taught:
    """F1 and AUC on the sources that didn't teach: the means over sets; the worst set's change."""

    lesson: str
    f1_before: float
    f1_after: float
    auc_before: float
    auc_after: float
    worst: float
    worst_set: str
    used: float
    """In which share of the trials what was taught is used."""


def teaching_on_real_news(folder: Path = FOLDER) -> list[Taught]:
    """Each set is judged by weights that were fitted to the other sets alone."""
    embedder = sentence_model()
    known = material(embedder, folder)
    sets = [shipped_set(folder), *other_sets(folder)]
    measured = [measure(one, embedder) for one in sets]
    titles = [
        measure(replace(one, articles=[replace(a, body="") for a in one.articles]), embedder)
        for one in sets
    ]
    fitted = [
        (known.shipped, SHIPPED_SHARE),
        (known.written, 1.0),
        *((one, 1.0) for one in known.others),
    ]
    bases = [fit_weights([one for one in fitted if one[0].name != of.name]) for of in measured]
    return [
        _over_sets(lesson, sets, list(zip(measured, titles, bases, strict=True)))
        for lesson in LESSONS
    ]


def _over_sets(
    lesson: Lesson,
    sets: Sequence[RealSet],
    measured: Sequence[tuple[Measured, Measured, Weights]],
) -> Taught:
    each = [np.array(list(_trials(lesson, *of))) for of in measured]
    means = np.array([one.mean(0) for one in each])
    changes = means[:, 1] - means[:, 0]
    worst = int(changes.argmin())
    f1_before, f1_after, auc_before, auc_after, used = means.mean(0)
    return Taught(
        lesson.name,
        float(f1_before),
        float(f1_after),
        float(auc_before),
        float(auc_after),
        float(changes[worst]),
        sets[worst].name,
        float(used),
    )


def _trials(
    lesson: Lesson, whole: Measured, titles: Measured, base: Weights
) -> Iterator[tuple[float, float, float, float, float]]:
    rng = np.random.default_rng(0)
    of = whole if lesson.verdicts else titles
    logits, own = base.logits(whole), base.logits(of)
    for _ in range(SPLITS):
        sources = rng.permutation(np.unique(whole.sources))
        teaches = np.isin(whole.sources, sources[: len(sources) // 2])
        chosen = _chosen(lesson, np.flatnonzero(teaches), whole.truth, own, rng)
        points = [
            Labelled(
                _TOPICS,
                bool(of.truth[at]),
                str(at),
                "",
                "[]",
                "[]",
                str(of.sources[at]),
                Meaning(of.openings[at], of.titles[at]),
            )
            for at in chosen
        ]
        used = not lesson.verdicts or learn(_TOPICS, points, own[chosen], 0).used
        after = logits.copy()
        if used:
            taught = fit(_TOPICS, points, own[chosen])
            after += taught.like(whole.openings, whole.titles) @ taught.weights
        test = ~teaches
        truth = whole.truth[test]
        yield (
            f1(truth, logits[test] >= 0),
            f1(truth, after[test] >= 0),
            auc(truth, logits[test]),
            auc(truth, after[test]),
            float(used),
        )


def _chosen(
    lesson: Lesson,
    teaches: NDArray[np.intp],
    truth: NDArray[np.bool_],
    logits: Numbers,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    mixed = rng.permutation(teaches)
    if not lesson.verdicts:
        return np.concatenate(
            [mixed[truth[mixed]][: lesson.belong], mixed[~truth[mixed]][: lesson.do_not_belong]]
        )
    if lesson.mistakes_first:
        wrong = (logits[mixed] >= 0) != truth[mixed]
        mixed = np.concatenate([mixed[wrong], mixed[~wrong]])
    return mixed[: lesson.verdicts]


def as_rows(found: Sequence[Taught]) -> list[list[str]]:
    """The figures as a table."""
    return [
        ["taught", "F1 before", "after", "worst set", "", "AUC before", "after", "used"],
        *(
            [
                one.lesson,
                f"{one.f1_before:.3f}",
                f"{one.f1_after:.3f}",
                f"{one.worst:+.3f}",
                one.worst_set,
                f"{one.auc_before:.3f}",
                f"{one.auc_after:.3f}",
                f"{one.used:.0%}",
            ]
            for one in found
        ),
    ]
