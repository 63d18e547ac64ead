"""Results as tables on a terminal."""

from collections.abc import Mapping, Sequence

from benchmarks.report import print_rows

from evaluation.judgements import Judgement, scores
from evaluation.results import TARGETS, Result


def print_result(result: Result, worst: int) -> None:
    """Print the scores of all methods, where the pipeline was right, and its worst mistakes."""
    items = len(result.of_pipeline)
    noun = "pairs" if result.subject == "duplicates" else "articles"
    print(f"\n{result.subject}, {result.part} part: {items} {noun}")
    print_rows(
        [
            ["method", "precision", "recall", "F1"],
            *(
                [name, f"{found.precision:.4f}", f"{found.recall:.4f}", f"{found.f1:.4f}"]
                for name, found in result.scores.items()
            ),
        ]
    )
    _print_shares("kind", result.by_kind)
    _print_scores("group", result.by_group)
    if result.by_rule:
        _print_shares("rule", result.by_rule)
    _print_wrong(result.wrong, worst)
    if result.part == "reported":
        for target in TARGETS:
            if target.subject == result.subject:
                print(f"  target: {target.measure} at least {target.least:g}")


def _print_shares(name: str, groups: Mapping[str, Sequence[Judgement]]) -> None:
    print()
    print_rows(
        [
            [name, "n", "right"],
            *(
                [group, str(len(judgements)), f"{scores(judgements).right:.3f}"]
                for group, judgements in groups.items()
            ),
        ]
    )


def _print_scores(name: str, groups: Mapping[str, Sequence[Judgement]]) -> None:
    print()
    rows = [[name, "n", "called so", "precision", "recall", "F1"]]
    for group, judgements in groups.items():
        found = scores(judgements)
        rows.append(
            [
                group,
                str(found.count),
                str(found.true_yes + found.false_yes),
                f"{found.precision:.3f}",
                f"{found.recall:.3f}",
                f"{found.f1:.3f}",
            ]
        )
    print_rows(rows)


def _print_wrong(judgements: Sequence[Judgement], worst: int) -> None:
    if not judgements:
        print("\n  nothing was judged wrongly")
        return
    print(f"\n  judged wrongly: {len(judgements)}, of which the worst {worst}:")
    for one in judgements[:worst]:
        what = f"{one.item.label}, {one.item.kind}, {one.item.language}, {one.item.words} words"
        said = ", ".join(part for part in (one.verdict.rule, one.verdict.detail) if part)
        print(f"  {one.item.id}  {what}; said: {said or one.verdict.said}")
