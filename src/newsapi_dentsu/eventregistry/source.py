"""What the pipeline needs of a source of articles: pages of a search, and what they cost."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from newsapi_dentsu.domain.listing import PAGE_SIZE
from newsapi_dentsu.domain.topics import Topics


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: the records as they came, and what the API says of the whole.

    `total` counts the articles of the whole search; None where the count can't be right, and then
    `trouble` says why. `size` is how many articles the server puts on a page.
    """

    records: list[object]
    total: int | None
    size: int = PAGE_SIZE
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """The account's tokens."""

    available: int
    used: int

    @property
    def left(self) -> int:
        """Tokens that may still be spent."""
        return max(0, self.available - self.used)


@dataclass(slots=True)
class Traffic:
    """What the requests of one client have cost so far."""

    requests: int = 0
    retries: int = 0
    tokens: int = 0
    seconds: float = 0.0
    shortest: float | None = None
    longest: float | None = None

    def count(self, seconds: float) -> None:
        """Count a request that took this long."""
        self.requests += 1
        self.seconds += seconds
        self.shortest = min(seconds, seconds if self.shortest is None else self.shortest)
        self.longest = max(seconds, seconds if self.longest is None else self.longest)


class Gate(Protocol):
    """What is passed before each search, where several ask the API at once."""

    def enter(self, day: date) -> None:
        """Wait for one's turn to search a day.

        Raises:
            BudgetSpentError: no more may be spent.
        """
        ...

    def leave(self, tokens: int | None, hold_off: float | None) -> None:
        """Tell what the answer cost; None where none came.

        `hold_off` are the seconds for which the API wants to be left alone.
        """
        ...


class Source(Protocol):
    """Where articles come from."""

    traffic: Traffic
    origin: str
    """`newsapi.ai`, or `sandbox` for the built-in imitation."""

    def search(self, topics: Topics, day: date, page: int, size: int = PAGE_SIZE) -> Page:
        """Read one page, from 1, of so many articles that the index dates on `day`."""
        ...

    def usage(self) -> Usage:
        """Ask for the account's tokens."""
        ...
