"""How well the model of tone reads sentences with a marked target, beside plainer methods."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from evaluation.tone.scores import macro_f1
from evaluation.tone.sentences import (
    COMPARISONS,
    FILE,
    INDEPENDENT,
    BrandSentence,
    Marked,
    marked_of,
    read_newsmtsc,
)
from newsapi_dentsu.domain.tone import SURE
from newsapi_dentsu.meaning import Passage, tone_model

FOLDER: Final = Path(
    os.environ.get("NEWSMTSC") or Path(__file__).parents[3] / "shared" / "sentiment"
)
"""Where NewsMTSC is, if it is there (https://github.com/fhamborg/NewsMTSC)."""

LABELS: Final = ("negative", "neutral", "positive")
MODEL: Final = "the model"
_BINS: Final = 15
_DRAWS: Final = 200
GOALS: Final = {"brands": 0.75, "independent": 0.75, "NewsMTSC-rw": 0.81, "NewsMTSC-mt": 0.79}
"""The macro-F1 that is wanted of the model on these sets, and probabilities that fit."""

SUBJECTS: Final = {
    "brands": "brand",
    "independent": "brand",
    "comparisons": "brand",
    "NewsMTSC-rw": "person",
    "NewsMTSC-mt": "person",
}
"""What the targets of each set are: nearly all of NewsMTSC's are people."""

MOST_ECE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Figures:
    """How a method did on a set.

    `confusion` counts by the right label, then by what was said. `ece` is how far probabilities
    are from shares, `ece_by_chance` what that is on average, on as many texts, for probabilities
    that are right; `sure` the share to which the model gives a label, and `f1_where_sure` the
    macro-F1 of these: None for methods without probabilities.
    """

    set: str
    method: str
    count: int
    f1: float
    accuracy: float
    confusion: tuple[tuple[int, ...], ...]
    ece: float | None = None
    ece_by_chance: float | None = None
    sure: float | None = None
    f1_where_sure: float | None = None


def sets(folder: Path = FOLDER) -> dict[str, list[Marked]]:
    """The sets that are reported: the brands that nothing was fitted to, and NewsMTSC's tests."""
    found = {
        "brands": marked_of("report", FILE),
        "independent": marked_of("report", INDEPENDENT),
        "comparisons": marked_of("report", COMPARISONS),
    }
    for name in ("rw", "mt"):
        path = folder / f"newsmtsc-{name}-hf-test.jsonl"
        if path.exists():
            found[f"NewsMTSC-{name}"] = read_newsmtsc(path)
    return found


def all_figures(folder: Path = FOLDER) -> list[Figures]:
    """Every method on every set; methods whose library isn't installed are left out."""
    methods = dict(_plainer(folder))
    found = []
    for name, items in sets(folder).items():
        found.append(_of_model(name, items))
        for method, said_of in methods.items():
            found.append(_figures(name, method, items, said_of(items)))
    return found


def agreement(sentences: Sequence[BrandSentence]) -> tuple[int, float]:
    """How many sentences both passes of labelling told alike, and Cohen's kappa."""
    alike = sum(one.first == one.second for one in sentences)
    count = len(sentences)
    chance = sum(
        sum(one.first == label for one in sentences) * sum(one.second == label for one in sentences)
        for label in range(3)
    ) / (count * count)
    return alike, (alike / count - chance) / (1 - chance)


def short_of_goals(figures: Sequence[Figures]) -> list[str]:
    """Where the model does not do what it is meant to do in the end."""
    told = []
    for one in figures:
        if one.method == MODEL and one.set in GOALS:
            if one.f1 < GOALS[one.set]:
                told.append(
                    f"macro-F1 {one.f1:.3f} on {one.set}, at least {GOALS[one.set]} is the goal"
                )
            if one.ece is not None and one.ece > MOST_ECE:
                told.append(f"ECE {one.ece:.3f} on {one.set}, at most {MOST_ECE} is the goal")
    return told


def as_rows(figures: Sequence[Figures]) -> list[list[str]]:
    """The figures as a table."""
    return [
        [
            *("set", "method", "n", "macro-F1", "accuracy"),
            *("ECE", "by chance", "sure", "F1 where sure"),
        ],
        *(
            [
                one.set,
                one.method,
                f"{one.count}",
                f"{one.f1:.3f}",
                f"{one.accuracy:.3f}",
                *(
                    "" if value is None else f"{value:.3f}"
                    for value in (one.ece, one.ece_by_chance, one.sure, one.f1_where_sure)
                ),
            ]
            for one in figures
        ),
    ]


def confusion_rows(one: Figures) -> list[list[str]]:
    """What was said of each label, as a table."""
    return [
        ["right is", *(f"said {label}" for label in LABELS)],
        *(
            [label, *(str(count) for count in counts)]
            for label, counts in zip(LABELS, one.confusion, strict=True)
        ),
    ]


def _figures(name: str, method: str, items: Sequence[Marked], said: Sequence[int]) -> Figures:
    right = [one.label for one in items]
    return Figures(
        name,
        method,
        len(items),
        macro_f1(right, said),
        sum(a == b for a, b in zip(right, said, strict=True)) / len(items),
        tuple(
            tuple(sum((a, b) == (x, y) for a, b in zip(right, said, strict=True)) for y in range(3))
            for x in range(3)
        ),
    )


def _of_model(name: str, items: Sequence[Marked]) -> Figures:
    subject = SUBJECTS[name]
    tones = tone_model().read([Passage(one.sentence, one.start, one.end, subject) for one in items])
    said = [tone.index(max(tone)) for tone in tones]
    plain = _figures(name, MODEL, items, said)
    right = [one.label for one in items]
    sure = [n for n, tone in enumerate(tones) if max(tone) >= SURE]
    sureness = [max(tone) for tone in tones]
    return Figures(
        plain.set,
        plain.method,
        plain.count,
        plain.f1,
        plain.accuracy,
        plain.confusion,
        expected_calibration_error(
            sureness,
            [a == b for a, b in zip(right, said, strict=True)],
        ),
        ece_by_chance(sureness),
        len(sure) / len(items),
        macro_f1([right[n] for n in sure], [said[n] for n in sure]),
    )


def expected_calibration_error(sureness: Sequence[float], hits: Sequence[bool]) -> float:
    """How far the probability of what is said is from how often that is right, in 15 bins.

    https://arxiv.org/abs/1706.04599
    """
    bins: list[list[int]] = [[] for _ in range(_BINS)]
    for number, value in enumerate(sureness):
        bins[min(_BINS - 1, int(value * _BINS))].append(number)
    return sum(
        abs(sum(hits[n] for n in some) - sum(sureness[n] for n in some)) for some in bins
    ) / len(hits)


def ece_by_chance(sureness: Sequence[float]) -> float:
    """The mean error of calibration of probabilities that are right: few texts err by chance."""
    drawn = random.Random(0)
    return (
        sum(
            expected_calibration_error(sureness, [drawn.random() < one for one in sureness])
            for _ in range(_DRAWS)
        )
        / _DRAWS
    )


Said = Callable[[Sequence[Marked]], list[int]]


def _plainer(folder: Path) -> Mapping[str, Said]:
    methods: dict[str, Said] = {"always neutral": lambda items: [1] * len(items)}
    if find_spec("vaderSentiment"):
        methods["VADER"] = _vader
    train = folder / "newsmtsc-rw-hf-train.jsonl"
    if find_spec("sklearn") and train.exists():
        methods["TF-IDF"] = _tf_idf(read_newsmtsc(train) + marked_of("fit", FILE))
    return methods


def _vader(items: Sequence[Marked]) -> list[int]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    scores = [analyzer.polarity_scores(one.sentence)["compound"] for one in items]
    return [2 if score >= 0.05 else 0 if score <= -0.05 else 1 for score in scores]


def _tf_idf(train: Sequence[Marked]) -> Said:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    def masked(items: Sequence[Marked]) -> list[str]:
        return [f"{one.sentence[: one.start]}TARGET{one.sentence[one.end :]}" for one in items]

    method = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True),
        ),
        LogisticRegression(C=4, max_iter=300, class_weight="balanced"),
    ).fit(masked(train), [one.label for one in train])
    return lambda items: [int(one) for one in method.predict(masked(items))]
