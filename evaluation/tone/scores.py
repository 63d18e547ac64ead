"""What training and reporting both measure; without any library, as each has others."""

from collections.abc import Sequence


def macro_f1(right: Sequence[int], said: Sequence[int]) -> float:
    """The mean of the three labels' F1."""
    return (
        sum(
            2
            * sum(a == b == label for a, b in zip(right, said, strict=True))
            / max(1, right.count(label) + list(said).count(label))
            for label in range(3)
        )
        / 3
    )
