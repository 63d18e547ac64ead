"""What the rules look at: plain facts, whoever gathered them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that failed for good, with the attempts before it.

    `run_id` is the last attempt, `run_ids` are all of them. `error` holds the first lines of the
    error, secrets masked. `stage` is None where the run failed outside of any.
    """

    run_id: str
    run_ids: tuple[str, ...]
    job: str
    stage: str | None
    started_at: datetime | None
    ended_at: datetime
    error: str
    attempts: int
    scheduled: bool


@dataclass(frozen=True, slots=True)
class Retried:
    """Failed runs of which a retry then succeeded; `run_id` is the one that did."""

    run_id: str
    run_ids: tuple[str, ...]
    job: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class DaemonSigns:
    """Signs of life: None for a daemon that never gave one; what was switched off by hand."""

    heartbeat_at: datetime | None
    switched_off: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Dagster's view of the runs.

    `failures` and `retried` are those that nobody was told of. `scanned_until` says up to when
    failures were looked for; it lies before now where there were too many for one evaluation.
    `attempts_at` are the times of failed attempts since one window before `last_evaluation_at`.
    """

    failures: tuple[Failure, ...]
    retried: tuple[Retried, ...]
    last_evaluation_at: datetime
    scanned_until: datetime
    attempts_at: tuple[datetime, ...]
    finished_runs: int
    failed_runs: int
    last_success_at: Mapping[str, datetime]
    signs: DaemonSigns


@dataclass(frozen=True, slots=True)
class Fetch:
    """What one collecting reported; `missing_days` counts the days that it could not read."""

    ended_at: datetime
    new: int
    requests: int
    api_seconds: float
    tokens: int
    tokens_left: int | None
    missing_days: int = 0


@dataclass(frozen=True, slots=True)
class Months:
    """What months of backfills have spent, with the moments at which it was seen.

    `tokens_left` is what the account had left when one of them last asked, at `asked_at`.
    """

    spent: tuple[tuple[datetime, int], ...] = ()
    tokens_left: int | None = None
    asked_at: datetime | None = None

    def spent_since(self, since: datetime) -> int:
        """The tokens that were seen after a moment."""
        return sum(tokens for at, tokens in self.spent if at > since)


@dataclass(frozen=True, slots=True)
class BrandStories:
    """How the stories of some days speak about a brand, from -1 to 1, and those of the days before.

    Nobody can say what no story tells: then the tone is None. `reading` tells that articles of
    these days are still to be read again, so that stories may be missing.
    """

    brand: str
    stories: int
    tone: float | None
    stories_before: int
    tone_before: float | None
    reading: bool = False


@dataclass(frozen=True, slots=True)
class Tables:
    """The warehouse's view: collectings from the newest to the oldest, up to when final holds
    everything that the index listed, space in bytes.

    `free_bytes` is None where nobody said how large the database may grow. `brands` are those that
    are watched; None where no rule looks at them, or nobody can say which they are.
    """

    fetches: tuple[Fetch, ...]
    final_complete_through: datetime | None
    free_bytes: int | None
    brands: tuple[BrandStories, ...] | None = None
    months: Months = Months()

    @property
    def balance(self) -> tuple[int, datetime] | None:
        """What the account had left when a run or a month last asked, and when that was."""
        told = [(one.ended_at, one.tokens_left) for one in self.fetches]
        if self.months.asked_at is not None:
            told.append((self.months.asked_at, self.months.tokens_left))
        known = [(at, left) for at, left in told if left is not None]
        if not known:
            return None
        at, left = max(known)
        return left, at


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is judged at one moment.

    What can't be seen is None, and the reason says why, for people.
    """

    now: datetime
    job: str
    interval: timedelta
    history: RunHistory | None
    tables: Tables | None
    history_trouble: str | None = None
    tables_trouble: str | None = None

    @property
    def final_at(self) -> datetime | None:
        """Up to when final holds everything, as far as can be seen.

        The tables say it. Only where they can't be seen, the end of the last good run stands in.
        """
        told = self.tables.final_complete_through if self.tables else None
        return told or (self.history.last_success_at.get(self.job) if self.history else None)
