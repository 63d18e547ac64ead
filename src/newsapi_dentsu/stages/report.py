"""What each stage did: one frozen dataclass a stage, shown, stored and attached as it is.

Every figure has a default, for reports that were stored before it was added.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from newsapi_dentsu.errors import SourceUnavailableError

_ENOUGH = 20
MUCH_OFF_TOPIC = 0.6
"""Of fewer articles than `_ENOUGH`, chance alone may make this share off topic."""


@dataclass(frozen=True, slots=True)
class CollectReport:
    """What collecting did.

    `fetched` counts records read; of them `new` and `changed` were stored, `known` were not.
    `unusable` of the stored ones can't become articles. `days` counts the days that are read whole,
    `missing_days` holds the others, with the reason of each; `disagreements` says of which days the
    index contradicts itself, and in what. `tokens_left` is None where the API doesn't tell.
    `capped` says that it stopped where it had made as many requests, or taken as long, as it may.
    `api_seconds` adds up all requests; of one, the shortest and the longest time are told as well.
    """

    origin: str | None = None
    query_id: str | None = None
    query_changed: bool = False
    days: int = 0
    fetched: int = 0
    new: int = 0
    changed: int = 0
    known: int = 0
    unusable: int = 0
    missing_days: dict[str, str] = field(default_factory=dict)
    disagreements: dict[str, str] = field(default_factory=dict)
    capped: bool = False
    complete_through: datetime | None = None
    requests: int = 0
    retries: int = 0
    tokens: int = 0
    tokens_left: int | None = None
    api_seconds: float = 0.0
    api_min_seconds: float | None = None
    api_max_seconds: float | None = None

    @property
    def read_nothing(self) -> bool:
        """Whether no day could be read, so that the figures say nothing of the index."""
        return not self.days and bool(self.missing_days)


class IncompleteError(SourceUnavailableError):
    """Some days could not be read; `report` tells of all that was."""

    def __init__(self, message: str, report: CollectReport, *, transient: bool) -> None:
        super().__init__(message)
        self.report = report
        self.transient = transient


@dataclass(frozen=True, slots=True)
class DeduplicateReport:
    """What deduplicating did: the records it took, by outcome, and the articles it wrote.

    `failed` of the unusable ones could not be processed and are set aside.
    """

    records: int = 0
    url_twins: int = 0
    superseded: int = 0
    unusable: int = 0
    articles_added: int = 0
    articles_changed: int = 0
    articles_removed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class UnderstandReport:
    """What understanding did: the articles it looked at, and the vectors that it `made`.

    `model` made them; of `failed` texts it could make none.
    """

    model: str | None = None
    articles: int = 0
    made: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What grouping did: the articles it took, by their role, and others that `moved` with them.

    `copies` counts what isn't read by itself: fuller texts that another article shows, too.
    `rules_changed` says that earlier articles were judged by other rules than today's; `failed` of
    the articles could not be judged and are set aside; `off_topic` are not about the topics.
    """

    articles: int = 0
    originals: int = 0
    rewrites: int = 0
    updates: int = 0
    copies: int = 0
    moved: int = 0
    rules_changed: bool = False
    failed: int = 0
    off_topic: int = 0

    @property
    def tells_off_topic(self) -> bool:
        """Whether it took enough articles to tell which share is off topic."""
        return self.articles >= _ENOUGH

    @property
    def mostly_off_topic(self) -> bool:
        """Whether so much is off topic that the search and the descriptions hardly agree."""
        return self.tells_off_topic and self.off_topic > MUCH_OFF_TOPIC * self.articles


@dataclass(frozen=True, slots=True)
class CurateReport:
    """What curating did: the articles it took, and what is new, changed or gone in final.

    `rejected` counts by reason; `failed` is the one of articles that were set aside.
    """

    articles: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentimentReport:
    """What the stage `sentiment` did: the articles it looked at, and the mentions it read.

    `model` read them. Of the articles, `read_again` were known by another model or for other
    brands; `not_english` are not scored, `failed` could not be read, and `left` wait for the next
    runs.
    """

    model: str | None = None
    articles: int = 0
    mentions: int = 0
    read_again: int = 0
    not_english: int = 0
    failed: int = 0
    left: int = 0


AnyReport = (
    CollectReport
    | DeduplicateReport
    | UnderstandReport
    | GroupReport
    | CurateReport
    | SentimentReport
)


def as_json(report: AnyReport) -> dict[str, Any]:
    """A report as JSON values; times in ISO format."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(report).items()
    }


def from_json(kind: Callable[..., AnyReport], values: Mapping[str, Any]) -> AnyReport:
    """The report of this kind that these JSON values tell.

    Values that it doesn't have are passed over, and those that it lacks are what they are by
    default.
    """
    report: AnyReport = _adapter(kind).validate_python(dict(values))
    return report


@cache
def _adapter(kind: Callable[..., AnyReport]) -> TypeAdapter[Any]:
    described: Any = kind
    return TypeAdapter(described)
