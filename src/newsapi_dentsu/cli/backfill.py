"""`newsapi backfill`: days beyond the watermark, in one run or by months at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from newsapi_dentsu.cli.days import DAY
from newsapi_dentsu.cli.output import progress_bars
from newsapi_dentsu.cli.running import as_json as json_option
from newsapi_dentsu.cli.running import execute, executed
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.wording import counted

if TYPE_CHECKING:
    from newsapi_dentsu.domain.months import Month
    from newsapi_dentsu.domain.topics import Topics
    from newsapi_dentsu.runs.months import MonthReport
    from newsapi_dentsu.stages.collect import DayRange
    from newsapi_dentsu.warehouse import Warehouse
    from newsapi_dentsu.warehouse.tables.backfills import Backfill

_PRICE = "(1 a request in the last 31 days, 5 a request before)"


@click.command()
@click.option("--from", "first", required=True, type=DAY, help="First day to read.")
@click.option("--to", "last", type=DAY, help="Last day to read (default: today).")
@click.option("--reread", is_flag=True, help="Read days again that are settled.")
@click.option("--by-month", is_flag=True, help="Read months at once, each in its own process.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 5),
    help="With --by-month: months at once (default: BACKFILL_JOBS, which is 4).",
)
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    help="With --by-month: tokens that all months together may spend (default: BACKFILL_TOKENS).",
)
@click.option("--plan", "plan_only", is_flag=True, help="Tell what it would cost and read nothing.")
@click.option("--yes", is_flag=True, help="Don't ask before spending tokens.")
@json_option
def backfill(
    *,
    first: date,
    last: date | None,
    reread: bool,
    by_month: bool,
    jobs: int | None,
    tokens: int | None,
    plan_only: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Read a range of days beyond the watermark.

    Prints what it will cost and asks. Days that are settled, so that nothing can come in any more,
    are skipped: a backfill that was interrupted goes on where it stopped. Days that regular runs
    have set aside are tried at once. The watermark of the regular runs stays where it is.

    For years there is --by-month: months are read at once, with one budget and at one pace, and
    regular runs come in between. A month that fails stops no other. In the end one run takes what
    all of them have read through the other stages.
    """
    from newsapi_dentsu.source import load_topics
    from newsapi_dentsu.stages.collect import (
        INDEX_BEGINS,
        CollectOptions,
        DayRange,
        estimate_by_day,
    )
    from newsapi_dentsu.stages.pipeline import COLLECT
    from newsapi_dentsu.warehouse import open_warehouse

    if not by_month and (jobs or tokens):
        raise click.UsageError("--jobs and --tokens go with --by-month")
    settings = load_settings()
    now = datetime.now(UTC)
    days = DayRange(first, min(last or now.date(), now.date()))
    if by_month:
        days = DayRange(max(first, date(INDEX_BEGINS, 1, 1)), days.last)
    if days.first > days.last:
        raise click.UsageError(f"there are no days from {days.first} to {days.last}")
    topics = load_topics(settings)
    with closing(open_warehouse(settings)) as warehouse:
        if warehouse.is_behind():
            with warehouse.run_lock("newsapi backfill", settings.run_wait_seconds):
                warehouse.upgrade()
        options = CollectOptions(
            overlap=timedelta(hours=settings.overlap_hours), backfill=days, reread=reread
        )
        plan = _Plan(days, *estimate_by_day(warehouse, topics, now, options))
        if plan_only and as_json:
            click.echo(json.dumps(plan.as_json()))
        else:
            for line in plan.lines(by_month=by_month):
                click.echo(line, err=not plan_only)
        if plan_only:
            return
        if plan.tokens and not yes:
            click.confirm("Read them?", abort=True, err=True)
        if by_month:
            asked_for = f"{first} to {last or 'today'}{', reread' if reread else ''}"
            update = {"backfill_jobs": jobs, "backfill_tokens": tokens}
            limited = settings.model_copy(
                update={name: value for name, value in update.items() if value is not None}
            )
            asked = _Asked(asked_for, tokens, reread, as_json)
            _by_month(limited, topics, warehouse, plan, asked)
            return
    execute(
        settings,
        {
            COLLECT.step: {
                "config": {
                    "backfill_from": days.first.isoformat(),
                    "backfill_to": days.last.isoformat(),
                    "reread": reread,
                }
            }
        },
        as_json=as_json,
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """The days to read, with the tokens that each will cost; `guessed` where none is known."""

    days: DayRange
    tokens: Mapping[date, int]
    guessed: bool

    @property
    def months(self) -> list[Month]:
        """The months of which days are to be read."""
        from newsapi_dentsu.domain.months import months

        wanted = self._by_month()
        return [one for one in months(self.days.first, self.days.last) if one.name in wanted]

    def as_json(self) -> dict[str, Any]:
        """What `--plan --json` prints."""
        return {
            "from": self.days.first.isoformat(),
            "to": self.days.last.isoformat(),
            "days": len(self.tokens),
            "tokens": sum(self.tokens.values()),
            "guessed": self.guessed,
            "months": [
                {"month": name, "days": days, "tokens": tokens}
                for name, (days, tokens) in self._by_month().items()
            ],
        }

    def lines(self, *, by_month: bool) -> Iterator[str]:
        """It in words."""
        about = "at least" if self.guessed else "about"
        if by_month:
            for name, (days, tokens) in self._by_month().items():
                yield f"  {name}  {counted(days, 'day')}, {about} {counted(tokens, 'token')}"
        yield (
            f"{counted(len(self.tokens), 'day')} to read from {self.days.first} to "
            f"{self.days.last}, {about} {counted(sum(self.tokens.values()), 'token')} {_PRICE}."
        )
        if self.tokens and self.guessed:
            capped = "--tokens caps all months together" if by_month else "MAX_REQUESTS_PER_RUN"
            yield (
                "That counts one page of 100 articles a day, for no day of this search is known "
                f"yet: busy days cost more. {capped}{'' if by_month else ' caps a run'}; the next "
                f"{'backfill' if by_month else 'one'} goes on."
            )

    def _by_month(self) -> dict[str, tuple[int, int]]:
        days = Counter(f"{day:%Y-%m}" for day in self.tokens)
        tokens = Counter[str]()
        for day, count in self.tokens.items():
            tokens[f"{day:%Y-%m}"] += count
        return {name: (days[name], tokens[name]) for name in sorted(days)}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a command by months was asked for: its days in words, and options."""

    days: str
    tokens: int | None
    reread: bool
    as_json: bool


def _by_month(
    settings: Settings, topics: Topics, warehouse: Warehouse, plan: _Plan, asked: _Asked
) -> None:
    """Fetch the months, let the stages take what they brought, and tell what became of each."""
    from newsapi_dentsu.runs.month_processes import fetch_months
    from newsapi_dentsu.runs.months import at_work
    from newsapi_dentsu.stages.pipeline import COLLECT, STAGES

    with at_work(warehouse, topics, asked.days) as end:
        begun = _begun(settings, topics, warehouse, asked)
        with progress_bars(shown=not asked.as_json) as bars:
            reports = fetch_months(
                settings,
                topics,
                plan.months,
                begun,
                reread=asked.reread,
                told=lambda report: click.echo(_told(report), err=True),
                progress=bars(COLLECT.name),
            )
        failed = [report for report in reports if report.error is not None]
        spent = end(begun, not failed)
    warehouse.close()
    # Not with this command's own limits, which other processes would find in Dagster's home.
    summary = executed(
        load_settings(),
        {},
        as_json=asked.as_json,
        stages=[one for one in STAGES if one is not COLLECT],
    )
    succeeded = summary.outcome.succeeded and not failed
    if asked.as_json:
        told = {
            "backfill_id": begun.backfill_id,
            "succeeded": succeeded,
            "tokens_used": spent.tokens,
            "tokens_unanswered": spent.unanswered,
            "tokens_allowed": begun.tokens_allowed,
            "requests": spent.requests,
            "months": [asdict(report) for report in reports],
            "run": summary.as_json(),
        }
        click.echo(json.dumps(told))
    else:
        unanswered = f", at most {spent.unanswered:,} more unanswered" if spent.unanswered else ""
        click.echo(
            f"Backfill: {counted(len(reports), 'month')}, {counted(spent.tokens, 'token')} "
            f"used{unanswered}."
        )
    if failed:
        click.echo(_take_up(failed, plan, reread=asked.reread), err=True)
    if not succeeded:
        raise SystemExit(1)


def _begun(settings: Settings, topics: Topics, warehouse: Warehouse, asked: _Asked) -> Backfill:
    """The backfill that is begun, or gone on with where its command was killed."""
    from newsapi_dentsu.runs.months import take_up_backfill
    from newsapi_dentsu.warehouse.tables import backfills

    found, was_there = take_up_backfill(
        settings, warehouse, topics, asked.days, tokens=asked.tokens
    )
    if was_there:
        spent = warehouse.read(lambda session: backfills.spent(session, found.backfill_id))
        allowed = found.tokens_allowed
        of = "" if allowed is None else f" of the {allowed:,} that it may spend"
        click.echo(
            f"Going on with the backfill of {found.started_at:%Y-%m-%d %H:%M} UTC, which has not "
            f"ended and has spent {counted(spent.at_most, 'token')}{of}.",
            err=True,
        )
    return found


def _told(report: MonthReport) -> str:
    if report.error is not None:
        return f"{report.month}: not whole: {report.error}"
    return (
        f"{report.month}: {counted(report.days, 'day')}, {counted(report.fetched, 'record')} "
        f"({report.new:,} new), {counted(report.tokens, 'token')}"
    )


def _take_up(failed: Sequence[MonthReport], plan: _Plan, *, reread: bool) -> str:
    """Which months aren't whole, and the command that takes them up again."""
    names = [report.month for report in failed]
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    wanted = [month for month in plan.months if month.name in names]
    again = " --reread" if reread else ""
    return (
        f"Error: {len(failed)} of {counted(len(plan.months), 'month')} could not be read whole: "
        f"{shown}. What is settled is not read again by\n"
        f"  newsapi backfill --from {wanted[0].first} --to {wanted[-1].last} --by-month{again}"
    )
