"""What examples and people's verdicts teach of topics: articles that are like them score otherwise.

What is taught adds to a topic's score in logits, by how near an article lies to articles that were
labelled; far from all of them it adds nothing. So a wrong verdict does little harm elsewhere, and
verdicts that were all given on mistakes don't shift everything. How fast likeness ends, and how
much a label counts, is the same for all topics; docs/evaluation.md has how they were chosen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from newsapi_dentsu.domain.calibration import Taught
from newsapi_dentsu.domain.relevance import Meaning, Yardstick, logits

Numbers = NDArray[np.float64]

STRENGTH: Final = 24.0
"""What likeness to a labelled article may add, as the variance of a prior, in squared logits."""

LEAST_OF_EACH: Final = 2
"""Verdicts of one kind alone say nothing of where the border is."""

MOST: Final = 500
"""Verdicts of the same topics that are learnt from, the latest."""

_FOLDS: Final = 10
_STEPS: Final = 30
_CLOSE_ENOUGH: Final = 1e-6
_LEAST_ASKED, _MOST_ASKED = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article, and whether it belongs to some topics together: one of them, or all.

    `source` is its site: articles of one site may be much alike.
    """

    topics: frozenset[str]
    belongs: bool
    title: str
    opening: str
    concepts: str
    categories: str
    source: str
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Learnt:
    """What verdicts on some topics have taught.

    `right_before` and `right_after` tell of how many verdicts the score was right without what is
    taught and with it, each judged by what the other verdicts teach. `used` says whether it is.
    """

    topics: frozenset[str]
    yes: int
    no: int
    right_before: int = 0
    right_after: int = 0
    used: bool = False

    @property
    def too_few(self) -> bool:
        """Whether more verdicts are needed before anything can be learnt."""
        return min(self.yes, self.no) < LEAST_OF_EACH


def teach(
    measure: Yardstick, examples: Sequence[Labelled], verdicts: Sequence[Labelled]
) -> tuple[Yardstick, list[Learnt]]:
    """Fit a yardstick to labels, of each topic by itself and then of all together.

    Examples count as they are. Verdicts count where they help: where, each held out in its turn,
    the scores of the others' teaching fit them better than before, and are right no less often.

    Args:
        measure: what to look for, untaught.
        examples: what the topics file names.
        verdicts: what people said, the latest last. Those on other topics are passed over.
    """
    names = [topic.name for topic in measure.topics.topics]
    learnt = []
    for wanted in dict.fromkeys([*(frozenset([name]) for name in names), frozenset(names)]):
        given = [one for one in examples if one.topics == wanted]
        latest = [one for one in verdicts if one.topics == wanted][-MOST:]
        # When each was said makes no difference.
        said = sorted(latest, key=lambda one: (one.title, one.opening, one.belongs))
        points = given + said
        if not points:
            continue
        base = _untaught(measure, points, wanted)
        taught = len(given)
        if said:
            found = learn(wanted, points, base, len(given))
            learnt.append(found)
            taught = len(points) if found.used else len(given)
        if taught:
            lesson = fit(wanted, points[:taught], base[:taught])
            measure = replace(measure, taught=(*measure.taught, lesson))
    return measure, learnt


def learn(
    topics: frozenset[str], points: Sequence[Labelled], base: Numbers, examples: int
) -> Learnt:
    """Try what verdicts teach of each other.

    Args:
        topics: what they are on.
        points: examples, and after them the verdicts.
        base: the untaught logit of each, above what is asked for.
        examples: how many examples there are.
    """
    said = points[examples:]
    yes = sum(one.belongs for one in said)
    found = Learnt(topics, yes, len(said) - yes)
    if found.too_few:
        return found
    truth = np.array([one.belongs for one in said])
    before, after = np.zeros(len(said)), np.zeros(len(said))
    folds = _folds(said)
    for number in sorted(set(folds)):
        test = [at for at, fold in enumerate(folds) if fold == number]
        train = [at for at, fold in enumerate(folds) if fold != number]
        rows = [*range(examples), *(examples + at for at in train)]
        held_out = [examples + at for at in test]
        before[test] = base[held_out] + _added(topics, points, base, rows[:examples], held_out)
        after[test] = base[held_out] + _added(topics, points, base, rows, held_out)
    right_before, right_after = (int(((one >= 0) == truth).sum()) for one in (before, after))
    better = round(_misfit(after, truth), 6) < round(_misfit(before, truth), 6)
    return replace(
        found,
        right_before=right_before,
        right_after=right_after,
        used=bool(better and right_after >= right_before),
    )


def _added(
    topics: frozenset[str],
    points: Sequence[Labelled],
    base: Numbers,
    known: Sequence[int],
    asked: Sequence[int],
) -> Numbers:
    """What some of the labelled articles teach of others."""
    if not known:
        return np.zeros(len(asked))
    lesson = fit(topics, [points[at] for at in known], base[list(known)])
    likeness = lesson.like(
        np.stack([points[at].meaning.opening for at in asked]),
        np.stack([points[at].meaning.title for at in asked]),
    )
    added: Numbers = likeness @ lesson.weights
    return added


def _untaught(measure: Yardstick, points: Sequence[Labelled], wanted: frozenset[str]) -> Numbers:
    """The logits of articles above what is asked for."""
    asked = min(_MOST_ASKED, max(_LEAST_ASKED, measure.topics.relevance.threshold))
    found = []
    for one in points:
        overall, each = logits(
            one.title, one.opening, one.concepts, one.categories, measure, one.meaning
        )
        alone = len(wanted) == 1 < len(each)
        found.append(each[next(iter(wanted))] if alone else overall)
    return np.array(found) - math.log(asked / (1 - asked))


def fit(topics: frozenset[str], points: Sequence[Labelled], base: Numbers) -> Taught:
    """Logistic regression on likeness to each labelled article, by Newton's method.

    Args:
        topics: what the labels are on.
        points: the labelled articles.
        base: the untaught logit of each, above what is asked for.
    """
    truth = np.array([one.belongs for one in points], np.float64)
    lesson = Taught(
        topics,
        np.stack([one.meaning.opening for one in points]),
        np.stack([one.meaning.title for one in points]),
        np.zeros(len(points)),
    )
    like = STRENGTH * lesson.like(lesson.openings, lesson.titles)

    def misfit(weights: Numbers) -> float:
        added = like @ weights
        return _misfit(base + added, truth == 1) + float(weights @ added) / 2

    weights = np.zeros(len(points))
    for _ in range(_STEPS):
        chance = _chance(base + like @ weights)
        curve = chance * (1 - chance) + 1e-9
        step = np.linalg.solve(
            np.eye(len(points)) + curve[:, None] * like, truth - chance - weights
        )
        # Far from the goal a whole step leads beyond it, and the next one back again.
        while misfit(weights + step) > misfit(weights) and np.abs(step).max() > _CLOSE_ENOUGH:
            step /= 2
        weights = weights + step
        if np.abs(step).max() <= _CLOSE_ENOUGH:
            break
    # Rounded, so that no processor's way of adding up decides about an article.
    return replace(lesson, weights=(STRENGTH * weights).round(3))


def _folds(said: Sequence[Labelled]) -> list[int]:
    """Which articles are held out together: those of one site, and of sites in turn."""
    sites = {source: number for number, source in enumerate(sorted({one.source for one in said}))}
    if len(sites) == 1:
        # Nothing but the article itself can be held out.
        return [at % _FOLDS for at in range(len(said))]
    return [sites[one.source] % _FOLDS for one in said]


def _misfit(logit: Numbers, truth: NDArray[np.bool_]) -> float:
    return float(np.logaddexp(0, np.where(truth, -logit, logit)).sum())


def _chance(logit: Numbers) -> Numbers:
    chance: Numbers = 1 / (1 + np.exp(-np.clip(logit, -30, 30)))
    return chance
