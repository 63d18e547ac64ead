"""What a benchmark found, and the table at the end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; without a limit it is for information."""

    benchmark: str
    what: str
    value: float
    unit: str = ""
    limit: float | None = None

    @property
    def missed(self) -> bool:
        """Whether it is beyond its limit."""
        return self.limit is not None and self.value > self.limit


def print_rows(rows: Iterable[Sequence[str]]) -> None:
    """Print columns: the first to the left, the others to the right."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *rest]).rstrip())


def print_medians(title: str, columns: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Print, for each column, the median of every named number over its measurements."""
    print(title)
    names = next(iter(columns.values()))[0]
    print_rows(
        [
            ["", *columns],
            *(
                [name, *(f"{median(one[name] for one in runs):.3f}" for runs in columns.values())]
                for name in names
            ),
        ]
    )


def print_table(figures: Sequence[Figure]) -> None:
    """Print all figures with limits and verdicts."""
    print("\nResults")
    print_rows(
        [
            ["benchmark", "figure", "value", "limit", "verdict"],
            *(
                [
                    figure.benchmark,
                    figure.what,
                    f"{figure.value:.2f}{figure.unit}",
                    "" if figure.limit is None else f"{figure.limit:g}{figure.unit}",
                    "" if figure.limit is None else "MISSED" if figure.missed else "met",
                ]
                for figure in figures
            ),
        ]
    )
