"""The conditions of the rules: each is a function of the facts."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from newsapi_dentsu.domain.alerts.facts import BrandStories, Facts, Fetch, Months, RunHistory
from newsapi_dentsu.domain.alerts.limits import DAY, GB, Limits
from newsapi_dentsu.domain.alerts.rules import (
    ApiLatency,
    BrandTone,
    NoData,
    PipelineFailure,
    RuleName,
    RuleSet,
)
from newsapi_dentsu.wording import counted, duration


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a condition holds (None where nobody can say), and its figures in words."""

    firing: bool | None
    summary: str


UNSEEN = Judgement(None, "can't be seen at the moment")


def judge(rules: RuleSet, facts: Facts, watching_since: datetime) -> dict[RuleName, Judgement]:
    """Judge every rule that is a condition, those that are switched off left out.

    Single failed runs are no conditions, and brands are judged one by one (`brand_tones`): see
    `incidents.advance`.
    """
    limits = Limits(rules, facts.interval)
    judged: Mapping[RuleName, Callable[[], Judgement]] = {
        "pipeline_failure": lambda: failed_attempts(rules.pipeline_failure, facts),
        "high_error_rate": lambda: high_error_rate(limits, facts),
        "no_data": lambda: no_data(rules.no_data, facts),
        "api_latency": lambda: api_latency(rules.api_latency, facts),
        "database_full": lambda: database_full(limits, facts),
        "stale_final": lambda: stale_final(limits, facts, watching_since),
        "tokens": lambda: tokens(limits, facts),
        "stopped": lambda: stopped(limits, facts),
    }
    return {name: condition() for name, condition in judged.items() if getattr(rules, name).enabled}


def failed_attempts(rule: PipelineFailure, facts: Facts) -> Judgement:
    """More failed attempts than allowed within a window, retries counted."""
    if facts.history is None:
        return UNSEEN
    most = most_attempts(facts.history, timedelta(hours=rule.within_hours), facts.now)
    return Judgement(
        most > rule.failed_attempts,
        f"{most} failed attempts within {_hours(rule.within_hours)}, retries counted "
        f"(more than {rule.failed_attempts} alert)",
    )


def most_attempts(history: RunHistory, window: timedelta, now: datetime) -> int:
    """The most failed attempts in the window that ends now, or in one that ended with an attempt
    since the last evaluation."""
    times = sorted(history.attempts_at)
    ends = [now, *(at for at in times if at > history.last_evaluation_at)]
    return max(bisect_right(times, end) - bisect_right(times, end - window) for end in ends)


def high_error_rate(limits: Limits, facts: Facts) -> Judgement:
    """More than the allowed share of the finished runs failed."""
    if facts.history is None:
        return UNSEEN
    rule, runs, failed = (
        limits.rules.high_error_rate,
        facts.history.finished_runs,
        facts.history.failed_runs,
    )
    share = 100 * failed / runs if runs else 0.0
    return Judgement(
        limits.failing(runs, failed),
        f"{failed} of {runs} runs failed in the last {_hours(rule.within_hours)}: {share:.0f} % "
        f"(more than {rule.percent:g} % alert)",
    )


def no_data(rule: NoData, facts: Facts) -> Judgement:
    """Nothing new was found for hours, however often runs looked in them."""
    if facts.tables is None:
        return UNSEEN
    empty = list(takewhile(lambda fetch: fetch.new == 0, facts.tables.fetches))
    if not empty:
        last = facts.tables.fetches[:1]
        return Judgement(False, f"{counted(sum(one.new for one in last), 'new article')} last time")
    age = facts.now - empty[-1].ended_at
    return Judgement(
        len(empty) >= rule.runs and age >= timedelta(hours=rule.hours),
        f"no new article in the last {counted(len(empty), 'run')}, since {duration(age)}",
    )


def api_latency(rule: ApiLatency, facts: Facts) -> Judgement:
    """The news API was slow in the last run that asked it."""
    if facts.tables is None:
        return UNSEEN
    last = next((fetch for fetch in facts.tables.fetches if fetch.requests), None)
    mean = last.api_seconds / last.requests if last else 0.0
    return Judgement(
        mean > rule.seconds,
        f"the news API took {mean:.1f} s for an answer, on average of "
        f"{last.requests if last else 0} in the last run (more than {rule.seconds:g} s alert)",
    )


def database_full(limits: Limits, facts: Facts) -> Judgement:
    """Little room is left in the database."""
    if facts.tables is None:
        return UNSEEN
    free = facts.tables.free_bytes
    if free is None:
        return Judgement(None, "unknown: set DATABASE_SIZE_GB to the storage of the database")
    return Judgement(
        limits.full(free),
        f"{free / GB:.1f} GB are free (less than {limits.rules.database_full.free_gb:g} GB alert)",
    )


def stale_final(limits: Limits, facts: Facts, watching_since: datetime) -> Judgement:
    """Final lacks what was listed some intervals ago, or all of it ever since it is watched."""
    if facts.history is None and facts.tables is None:
        return UNSEEN
    final_at = facts.final_at
    stale = limits.stale(final_at or watching_since, facts.now)
    age = facts.now - (final_at or watching_since)
    if final_at is None:
        return Judgement(stale, f"no run has succeeded in {duration(age)} of watching")
    return Judgement(
        stale,
        f"final holds everything up to {final_at:%Y-%m-%d %H:%M} UTC, {duration(age)} ago "
        f"(more than {duration(limits.stale_after)} alert){_missing(facts)}",
    )


def _missing(facts: Facts) -> str:
    """The days that the last collecting left out, which hold the watermark back."""
    count = facts.tables.fetches[0].missing_days if facts.tables and facts.tables.fetches else 0
    if not count:
        return ""
    return f"; the last run could not read {count} {'day' if count == 1 else 'days'}"


def tokens(limits: Limits, facts: Facts) -> Judgement:
    """Few tokens are left, or they won't last until the month ends."""
    if facts.tables is None:
        return UNSEEN
    if (told := facts.tables.balance) is None:
        return Judgement(None, "unknown: the news API doesn't tell how many tokens are left")
    left, asked_at = told
    if (asked_at.year, asked_at.month) != (facts.now.year, facts.now.month):
        return Judgement(None, "unknown: no run has asked since the month began")
    pace = daily_tokens(facts.tables.fetches, facts.tables.months, facts.now, limits.pace_days)
    shortage = limits.shortage(left, pace, facts.now)
    return Judgement(shortage is not None, shortage or f"{left} tokens are left")


def daily_tokens(
    fetches: Sequence[Fetch], months: Months, now: datetime, days: int
) -> float | None:
    """Tokens used a day in the last `days`; None where that many days weren't seen yet.

    They are those of runs and of backfills by months.

    The first run reads a month back: a pace that counts it would foretell an end that never comes.
    """
    if not fetches or now - fetches[-1].ended_at < days * DAY:
        return None
    of_runs = sum(fetch.tokens for fetch in fetches if now - fetch.ended_at < days * DAY)
    return (of_runs + months.spent_since(now - days * DAY)) / days


def stopped(limits: Limits, facts: Facts) -> Judgement:
    """The daemon gives no sign of life, or what it should do is switched off."""
    if facts.history is None:
        return Judgement(True, f"no sign of life can be read: {facts.history_trouble}")
    signs = facts.history.signs
    if signs.heartbeat_at is None:
        # What was never started can't have stopped; `newsapi doctor` says that it is missing.
        return Judgement(None, "unknown: no Dagster daemon has run here yet")
    age = facts.now - signs.heartbeat_at
    if limits.silent(age):
        most = duration(limits.silent_after)
        return Judgement(
            True,
            f"the Dagster daemon last gave a sign of life {duration(age)} ago, at "
            f"{signs.heartbeat_at:%Y-%m-%d %H:%M} UTC (more than {most} alert)",
        )
    if signs.switched_off:
        return Judgement(True, f"switched off: {', '.join(signs.switched_off)}")
    return Judgement(False, "the daemon is alive, and the schedule is on")


def brand_tones(rule: BrandTone, facts: Facts) -> dict[str, Judgement] | None:
    """Whether the press speaks worse of each watched brand than before; None: can't be seen.

    A fall of less than half ends what a whole one began; between them nothing changes, so that a
    figure that goes up and down a little is told once.
    """
    if facts.tables is None or facts.tables.brands is None:
        return None
    return {one.brand: _brand_tone(rule, one) for one in facts.tables.brands}


def _brand_tone(rule: BrandTone, one: BrandStories) -> Judgement:
    counts = one.stories, one.stories_before
    if min(counts) < rule.stories or one.tone is None or one.tone_before is None:
        # A week of silence is no recovery; but of whom nobody speaks any more, nothing is told.
        over = sum(counts) < rule.stories and not one.reading
        few = f"{counts[0]} and {counts[1]} stories are too few to compare"
        return Judgement(False if over else None, f"{one.brand}: {few} ({rule.stories} are needed)")
    fall = one.tone_before - one.tone
    firing = None if rule.fall / 2 < fall < rule.fall else fall >= rule.fall
    return Judgement(
        firing,
        f"{one.brand}: from {one.tone_before:+.2f} ({counted(counts[1], 'story')} before) "
        f"to {one.tone:+.2f} ({counted(counts[0], 'story')}) within {_days(rule.days)} "
        f"(a fall of {rule.fall:g} or more alerts)",
    )


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _hours(hours: float) -> str:
    return "1 hour" if hours == 1 else f"{hours:g} hours"
