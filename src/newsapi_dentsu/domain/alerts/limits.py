"""From when on something is not well: every limit, as the alert rules and the schedule have it.

Whoever judges the pipeline (alerts, dashboard, doctor, asset checks, status) asks here, so that all
of them give one answer.
"""

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsapi_dentsu.domain.alerts.rules import RuleSet

GB = 1024**3
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of some rules, for a schedule with this interval."""

    rules: RuleSet
    interval: timedelta

    @property
    def stale_after(self) -> timedelta:
        """How far behind the final table may be."""
        return self.rules.stale_final.intervals * self.interval

    @property
    def silent_after(self) -> timedelta:
        """How long the daemon may give no sign of life."""
        return timedelta(minutes=self.rules.stopped.heartbeat_minutes)

    @property
    def few_tokens(self) -> int:
        """Fewer tokens than this are too few."""
        return self.rules.tokens.left

    @property
    def pace_days(self) -> int:
        """Days over which the use of tokens is averaged."""
        return self.rules.tokens.pace_days

    @property
    def least_free_bytes(self) -> float:
        """Less room than this in the database is too little."""
        return self.rules.database_full.free_gb * GB

    @property
    def failing_window(self) -> timedelta:
        """The time over which the share of failed runs is taken."""
        return timedelta(hours=self.rules.high_error_rate.within_hours)

    def stale(self, complete_through: datetime, now: datetime) -> bool:
        """Whether final, which holds everything up to a moment, is too far behind."""
        return now - complete_through > self.stale_after

    def silent(self, silence: timedelta) -> bool:
        """Whether the daemon has been silent for too long."""
        return silence > self.silent_after

    def full(self, free_bytes: float) -> bool:
        """Whether too little room is left in the database."""
        return free_bytes < self.least_free_bytes

    def failing(self, runs: int, failed: int) -> bool:
        """Whether too many of the finished runs of the window failed."""
        rule = self.rules.high_error_rate
        share = 100 * failed / runs if runs else 0.0
        return runs >= rule.min_runs and failed >= rule.min_failures and share > rule.percent

    def shortage(self, left: int, pace: float | None, now: datetime) -> str | None:
        """Why so many tokens are too few, in words; None where they are enough.

        Args:
            left: the tokens that are left.
            pace: tokens used a day of late; None where that isn't known.
            now: the time; a month's tokens end with the month.
        """
        if left < self.few_tokens:
            return f"{left} tokens are left (fewer than {self.few_tokens} alert)"
        days = days_left_of_month(now)
        if pace is not None and left < pace * days:
            return (
                f"{left} tokens are left, and {pace:.0f} are used a day: they end in "
                f"{left / pace:.0f} days, {days:.0f} before the month does"
            )
        return None


def days_left_of_month(now: datetime) -> float:
    """How many days the month still has, parts of days included."""
    length = calendar.monthrange(now.year, now.month)[1]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight.replace(day=length) + DAY - now) / DAY
