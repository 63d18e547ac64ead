"""Months of days, as a backfill divides them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """Days of one month, both inclusive: the whole month, or what of it is asked for."""

    first: date
    last: date

    @property
    def name(self) -> str:
        """The month, as `2015-01`."""
        return f"{self.first:%Y-%m}"

    @property
    def number(self) -> int:
        """The month as a number: 201501."""
        return self.first.year * 100 + self.first.month


def months(first: date, last: date) -> Iterator[Month]:
    """The months from one day to another, both inclusive, cut to these days; oldest first."""
    while first <= last:
        end = month_end(first)
        yield Month(first, min(end, last))
        first = end + timedelta(days=1)


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
