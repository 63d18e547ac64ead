"""What each stage did: one frozen dataclass a stage, shown, stored and attached as it is."""

from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.errors import SourceUnavailableError


@dataclass(frozen=True, slots=True)
class CollectReport:
    """What collecting did.

    `fetched` counts records read; of them `new` and `changed` were stored, `known` were not.
    `unusable` of the stored ones can't become articles. `days` counts the days that are read whole,
    `missing_days` holds the others, with the reason of each; `disagreements` says of which days the
    index contradicts itself, and in what. `tokens_left` is None where the API doesn't tell.
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
    missing_days: dict[str, str]
    disagreements: dict[str, str]
    capped: bool
    complete_through: datetime | None
    requests: int
    retries: int
    tokens: int
    tokens_left: int | None
    api_seconds: float
    api_min_seconds: float | None
    api_max_seconds: float | None


class IncompleteError(SourceUnavailableError):
    """Some days could not be read; `report` tells of all that was."""

    def __init__(self, message: str, report: CollectReport, *, transient: bool) -> None:
        super().__init__(message)
        self.report = report
        self.transient = transient


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
