"""What each stage did: one frozen dataclass a stage, shown, stored and attached as it is."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class CollectReport:
    """What collecting did.

    `fetched` counts records read; of them `new` and `changed` were stored, `known` were not.
    `unusable` of the stored ones can't become articles. `short_days` lists days of which the API
    lists fewer articles than it counts. `tokens_left` is None where the API doesn't tell.
    `api_seconds` adds up all requests; of one, the shortest and the longest time are told as well.
    """

    origin: str
    query_id: str
    query_changed: bool
    days: int
    fetched: int
    new: int
    changed: int
    known: int
    unusable: int
    short_days: tuple[date, ...]
    capped: bool
    complete_through: datetime | None
    requests: int
    retries: int
    tokens: int
    tokens_left: int | None
    api_seconds: float
    api_min_seconds: float | None
    api_max_seconds: float | None


@dataclass(frozen=True, slots=True)
class DeduplicateReport:
    """What deduplicating did: the records it took, by outcome, and the articles it wrote."""

    records: int
    url_twins: int
    superseded: int
    unusable: int
    articles_added: int
    articles_changed: int
    articles_removed: int


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What grouping did: the articles it took, by their role, and others that `moved` with them.

    `rules_changed` says that earlier articles were judged by other rules than today's.
    """

    articles: int
    originals: int
    versions: int
    copies: int
    moved: int
    rules_changed: bool


@dataclass(frozen=True, slots=True)
class CurateReport:
    """What curating did: the articles it took, and what is new, changed or gone in final."""

    articles: int
    added: int
    changed: int
    removed: int
    rejected: dict[str, int]
