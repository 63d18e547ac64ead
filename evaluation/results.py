"""How the pipeline and plainer methods do on labelled sets, and what the pipeline must reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from evaluation import copy_detection, relevance_scoring
from evaluation.duplicates.pairs import make_pairs
from evaluation.judgements import PIPELINE, Judgement, grouped, scores, wrong
from evaluation.labelled_articles import labelled_articles
from evaluation.parts import Part
from evaluation.scores import Scores

Subject = Literal["duplicates", "relevance"]
SUBJECTS: Final[tuple[Subject, ...]] = ("duplicates", "relevance")


@dataclass(frozen=True)
class Target:
    """What the pipeline must reach on the reported part."""

    subject: Subject
    measure: Literal["precision", "f1"]
    least: float


TARGETS: Final = (
    Target("duplicates", "f1", 0.96),
    Target("duplicates", "precision", 0.96),
    Target("relevance", "f1", 0.6),
)


@dataclass(frozen=True)
class Result:
    """What every method said of the items of one part; the pipeline is one of the methods."""

    subject: Subject
    part: Part
    judgements: Mapping[str, Sequence[Judgement]]

    @property
    def of_pipeline(self) -> Sequence[Judgement]:
        """The pipeline's judgements."""
        return self.judgements[PIPELINE]

    @property
    def scores(self) -> dict[str, Scores]:
        """The scores of each method."""
        return {method: scores(judgements) for method, judgements in self.judgements.items()}

    @property
    def by_kind(self) -> dict[str, Sequence[Judgement]]:
        """The pipeline's judgements by kind and truth."""
        return grouped(self.of_pipeline, lambda one: f"{one.item.label}: {one.item.kind}")

    @property
    def by_group(self) -> dict[str, Sequence[Judgement]]:
        """The pipeline's judgements by language, and again by length."""
        return {
            **grouped(self.of_pipeline, lambda one: one.item.language),
            **grouped(self.of_pipeline, lambda one: one.item.length),
        }

    @property
    def by_rule(self) -> dict[str, Sequence[Judgement]]:
        """The pipeline's judgements by the rule that decided, where one did."""
        decided = [one for one in self.of_pipeline if one.verdict.rule]
        return grouped(decided, lambda one: one.verdict.rule)

    @property
    def wrong(self) -> list[Judgement]:
        """The pipeline's wrong judgements, those furthest from the truth first."""
        return wrong(self.of_pipeline)

    @property
    def missed(self) -> list[str]:
        """What the pipeline should have reached and did not, in words."""
        if self.part != "reported":
            return []
        reached = self.scores[PIPELINE]
        return [
            f"{self.subject}: {target.measure} {getattr(reached, target.measure):.4f}"
            f" is below {target.least:g}"
            for target in TARGETS
            if target.subject == self.subject and getattr(reached, target.measure) < target.least
        ]

    def as_json(self, worst: int) -> dict[str, Any]:
        """Return all figures, and the worst of the wrong judgements, as JSON values."""
        return {
            "methods": {name: _figures(found) for name, found in self.scores.items()},
            "kinds": _figures_of(self.by_kind),
            "groups": _figures_of(self.by_group),
            "rules": _figures_of(self.by_rule),
            "wrong": [
                {
                    "id": one.item.id,
                    "kind": one.item.kind,
                    "language": one.item.language,
                    "words": one.item.words,
                    "truth": one.item.label,
                    "said": one.verdict.said,
                    "rule": one.verdict.rule,
                    "detail": one.verdict.detail,
                }
                for one in self.wrong[:worst]
            ],
            "missed": self.missed,
        }


def evaluate(subject: Subject, part: Part) -> Result:
    """Let every method judge one part of a set."""
    if subject == "duplicates":
        pairs = make_pairs(part)
        return Result(
            subject,
            part,
            {
                name: [
                    Judgement(copy_detection.item(pair), method(pair.one, pair.other))
                    for pair in pairs
                ]
                for name, method in copy_detection.METHODS.items()
            },
        )
    articles = labelled_articles(part)
    return Result(
        subject,
        part,
        {
            name: [Judgement(relevance_scoring.item(one), method(one)) for one in articles]
            for name, method in relevance_scoring.METHODS.items()
        },
    )


def _figures_of(groups: Mapping[str, Sequence[Judgement]]) -> dict[str, dict[str, float]]:
    return {name: _figures(scores(judgements)) for name, judgements in groups.items()}


def _figures(found: Scores) -> dict[str, float]:
    return {
        "count": found.count,
        "said": found.true_yes + found.false_yes,
        "right": round(found.right, 4),
        "precision": round(found.precision, 4),
        "recall": round(found.recall, 4),
        "f1": round(found.f1, 4),
    }
