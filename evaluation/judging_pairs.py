"""`python -m evaluation.judging_pairs`: how well real pairs are judged, beside plainer methods.

The figures are fitted on the pairs of all days but one and judge those of that day, for each day.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

from benchmarks.report import print_rows

from evaluation.fit_pairs import fitted
from evaluation.real_news import FOLDER
from evaluation.real_pairs import RealPair, is_there, real_pairs
from newsapi_dentsu.domain.comparison import Degree, certainty, compare
from newsapi_dentsu.domain.novelty import evidence
from newsapi_dentsu.domain.similarity import Text, in_common
from newsapi_dentsu.domain.stories import HELD

if TYPE_CHECKING:
    from datasketch import MinHash

LENGTHS: Final = (0, 150, 500, 1_500)
"""Words of the later text at which the next band begins."""

_PERMUTATIONS: Final = 128
_STANDARD_ERRORS: Final = 1.96
"""As many on either side hold the true share in 95 of 100 cases."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair, what the pipeline says of it, and how sure it is that the later text has no news."""

    pair: RealPair
    degree: Degree | None
    no_news: float


def judged(pairs: Sequence[RealPair]) -> list[Judged]:
    """Judge each day's pairs by figures that were fitted on those of the other days."""
    found = []
    for day in sorted({pair.day for pair in pairs}):
        figures = fitted([pair for pair in pairs if pair.day != day])
        for pair in (pair for pair in pairs if pair.day == day):
            result = compare(pair.earlier, pair.later, figures)
            sure = certainty(evidence(pair.earlier, pair.later).of_copies, figures.copy)
            found.append(Judged(pair, result.degree if result else None, sure))
    return found


def interval(part: int, whole: int) -> tuple[float, float]:
    """The Wilson interval of a share, which holds the true one in 95 of 100 cases."""
    if not whole:
        return 0.0, 1.0
    share, square = part / whole, _STANDARD_ERRORS**2
    middle = share + square / (2 * whole)
    spread = _STANDARD_ERRORS * sqrt(share * (1 - share) / whole + square / (4 * whole**2))
    scale = 1 + square / whole
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def area(scores: Sequence[tuple[bool, float]]) -> float:
    """The area under the curve: how often a true item has a higher score than another."""
    true = [score for truth, score in scores if truth]
    other = [score for truth, score in scores if not truth]
    won = sum((one > two) + (one == two) / 2 for one in true for two in other)
    return won / (len(true) * len(other)) if true and other else 1.0


def by_exact_text(earlier: Text, later: Text) -> bool:
    """Drop the same words only."""
    return earlier.words == later.words


def by_minhash(threshold: float) -> Callable[[Text, Text], bool]:
    """Drop what has an estimated Jaccard similarity of runs of this much."""
    return lambda earlier, later: _sketch(earlier).jaccard(_sketch(later)) >= threshold


def by_former_thresholds(earlier: Text, later: Text) -> bool:
    """Drop what the rules of before dropped: by shares of common words, whatever is new."""
    shorter, longer = sorted((earlier, later), key=lambda text: len(text.words))
    one, other = in_common(shorter, longer).count(1), in_common(longer, shorter).count(1)
    lengths = len(shorter.words), len(longer.words)
    if (one + other) / sum(lengths) >= 0.82:
        return True
    least = 0.25 if shorter is later else 0.4
    return one / lengths[0] >= 0.86 and least * lengths[1] <= lengths[0] < 0.9 * lengths[1]


def main() -> int:
    """Print the figures, or that they can't be had; the exit code is 0 either way."""
    if not is_there():
        print(
            f"real pairs: they are not in {FOLDER}, so nothing real was judged; the last figures "
            "are in docs/stories.md"
        )
        return 0
    pairs = real_pairs()
    found = judged(pairs)
    same = [one for one in found if one.pair.label == "same"]
    print(f"real pairs, hard on purpose: {len(found)}, of which {len(same)} say the same")
    rows = [["method", "dropped", "precision", "recall"]]
    rows.append(_row("the pipeline", [(one.pair, one.degree == "copy") for one in found]))
    rows.append(_row("  or shown", [(one.pair, one.degree in HELD) for one in found]))
    for name, method in (
        ("exact text", by_exact_text),
        ("MinHash 0.7", by_minhash(0.7)),
        ("MinHash 0.8", by_minhash(0.8)),
        ("former thresholds", by_former_thresholds),
    ):
        rows.append(_row(name, [(pair, method(pair.earlier, pair.later)) for pair in pairs]))
    print_rows(rows)
    print(f"  AUC {area([(one.pair.label == 'same', one.no_news) for one in found]):.3f}")
    _print_bands(found)
    _print_fuller(found)
    return 0


def _print_bands(found: Sequence[Judged]) -> None:
    rows = [["later text", "dropped", "precision", "recall"]]
    for low, high in zip(LENGTHS, [*LENGTHS[1:], 10**6], strict=True):
        some = [one for one in found if low <= len(one.pair.later.words) < high]
        name = f"{low}-{high - 1} words" if high < 10**6 else f"{low} words and more"
        rows.append(_row(name, [(one.pair, one.degree == "copy") for one in some]))
    sure = [one for one in found if one.pair.sure]
    rows.append(_row("sure labels", [(one.pair, one.degree == "copy") for one in sure]))
    print_rows(rows)


def _print_fuller(found: Sequence[Judged]) -> None:
    fuller = [one for one in found if one.pair.label == "fuller"]
    shown = [one for one in found if one.degree == "fuller"]
    read = [one for one in fuller if one.degree != "copy"]
    right = [one for one in shown if one.pair.label == "fuller"]
    better = [one for one in shown if one.pair.better != "a"]
    lossless = [one for one in shown if one.pair.label in ("fuller", "same")]
    print(f"  fuller texts: {_share(len(read), len(fuller))} are shown")
    print(f"    in the earlier one's place: {_share(len(right), len(fuller))}")
    print(f"  shown in an earlier one's place: {len(shown)}")
    print(f"    of these the better text, or as good: {_share(len(better), len(shown))}")
    print(f"    of the same news, by its label: {_share(len(lossless), len(shown))}")


def _row(name: str, judgements: Sequence[tuple[RealPair, bool]]) -> list[str]:
    dropped = [pair for pair, said in judgements if said]
    right = sum(pair.label == "same" for pair in dropped)
    same = sum(pair.label == "same" for pair, _ in judgements)
    return [name, str(len(dropped)), _share(right, len(dropped)), _share(right, same)]


def _share(part: int, whole: int) -> str:
    low, high = interval(part, whole)
    return f"{part / whole if whole else 1.0:.2f} ({low:.2f}-{high:.2f})"


def _sketch(text: Text) -> "MinHash":
    from datasketch import MinHash  # Half a second, for whoever only reads the other methods.

    sketch = MinHash(num_perm=_PERMUTATIONS)
    sketch.update_batch([run.encode() for run in text.distinct_runs])
    return sketch


if __name__ == "__main__":
    raise SystemExit(main())
