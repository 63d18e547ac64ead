"""`newsapi status`: how far the pipeline is, without asking anybody outside."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from newsapi_dentsu.cli.output import console
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.wording import counted, duration, utc_text

if TYPE_CHECKING:
    from newsapi_dentsu.domain.alerts.facts import Tables
    from newsapi_dentsu.domain.alerts.limits import Limits
    from newsapi_dentsu.health.relevance import OffTopic
    from newsapi_dentsu.runs.summary import RunOutcome
    from newsapi_dentsu.warehouse.engines.postgres_replica import ReplicaState


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--runs",
    type=click.IntRange(0, 10_000),
    default=5,
    show_default=True,
    help="How many runs to show.",
)
def status(*, as_json: bool, runs: int) -> None:
    """Show watermarks, row counts, the last runs and the tokens left."""
    from newsapi_dentsu.alerts.table_facts import read_tables
    from newsapi_dentsu.health.limits import limits_in_use
    from newsapi_dentsu.health.relevance import off_topic
    from newsapi_dentsu.runs.summary import outcomes
    from newsapi_dentsu.stages.pipeline import STAGES
    from newsapi_dentsu.warehouse import open_to_read
    from newsapi_dentsu.warehouse.queries.overview import row_counts
    from newsapi_dentsu.warehouse.tables import positions, raw, stage_runs

    settings = load_settings()
    use, now = limits_in_use(settings), datetime.now(UTC)
    warehouse = open_to_read(settings)
    replica = _replica(warehouse.replica())
    with warehouse.snapshot() as session:
        query = raw.active_query(session)
        result: dict[str, Any] = {
            "database": warehouse.location,
            "replica": replica,
            "origin": raw.stored_origin(session),
            "complete_through": _iso(query.complete_through) if query else None,
            "read_from": query.start_day.isoformat() if query else None,
            "troubled_days": [
                {
                    "day": day.day.isoformat(),
                    "failure": day.failure,
                    "failures": day.failures,
                    "retry_at": _iso(day.retry_at),
                    "disagreement": day.disagreement,
                }
                for day in (raw.troubled_days(session, query.query_id) if query else [])
            ],
            "rows": row_counts(session),
            "waiting": {
                stage.name: positions.waiting(session, stage.position)
                for stage in STAGES
                if stage.position is not None
            },
            "runs": [
                _run(one)
                for one in outcomes(
                    stage_runs.stage_runs(session, limit=len(STAGES) * (runs + 1)),
                    under_way=warehouse.engine.run_under_way(session),
                )[:runs]
            ],
            **_health(read_tables(warehouse.engine, session, None, now), use.limits, now),
            "rules_trouble": use.trouble,
            "off_topic": _off_topic(off_topic(session, now)),
        }
    if as_json:
        click.echo(json.dumps(result))
    else:
        _print(result)


def _replica(state: "ReplicaState | None") -> dict[str, Any] | None:
    if state is None:
        return None
    return {"read": state.used, "lag_seconds": state.lag, "trouble": state.trouble}


def _health(tables: "Tables", limits: "Limits", now: datetime) -> dict[str, Any]:
    """What the alert rules say of final and of the tokens."""
    from newsapi_dentsu.domain.alerts.conditions import tokens
    from newsapi_dentsu.domain.alerts.facts import Facts
    from newsapi_dentsu.stages.pipeline import JOB

    through = tables.final_complete_through
    judged = tokens(limits, Facts(now, JOB, limits.interval, None, tables))
    return {
        "final": {
            "complete_through": _iso(through),
            "age_seconds": round((now - through).total_seconds()) if through else None,
            "stale_after_seconds": round(limits.stale_after.total_seconds()),
            "stale": limits.stale(through, now) if through else None,
        },
        "tokens": {"few": judged.firing, "judgement": judged.summary},
        "tokens_left": tables.balance[0] if tables.balance else None,
        "month_tokens": {
            "days": limits.pace_days,
            "spent": tables.months.spent_since(now - timedelta(days=limits.pace_days)),
        },
    }


def _off_topic(found: "OffTopic | None") -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "articles": found.articles,
        "off_topic": found.off_topic,
        "much": found.much,
        "judgement": str(found),
    }


def _run(run: "RunOutcome") -> dict[str, Any]:
    collected = run.reports.collect
    shown: dict[str, Any] = {
        "run_id": run.run_id,
        "status": run.status,
        "error": run.error,
        "stages": run.stages,
        "tokens_left": collected.tokens_left if collected else None,
        "started_at": _iso(run.started_at),
    }
    if collected:
        shown |= {
            "new": collected.new,
            "tokens": collected.tokens,
            "missing_days": len(collected.missing_days),
        }
    return shown


def _iso(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None


def _shown(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"


def _read(result: dict[str, Any]) -> str:
    if result["complete_through"]:
        return f"{result['read_from']} to {_shown(result['complete_through'])}"
    if result["read_from"]:
        return f"from {result['read_from']} on, no day is complete yet"
    return "nothing yet: run `newsapi run`"


def _print(result: dict[str, Any]) -> None:
    screen = console(stderr=False)
    origin = result["origin"]
    note = "  (SANDBOX: invented articles)" if origin == "sandbox" else ""
    left = result["tokens_left"]
    screen.print(f"  database     {result['database']}{note}", markup=False)
    if replica := result["replica"]:
        server = "the replica" if replica["read"] else "the primary"
        trouble = f": {replica['trouble']}" if replica["trouble"] else ""
        screen.print(f"  read from    {server}{trouble}", markup=False)
    screen.print(f"  read         {_read(result)}", markup=False)
    final = result["final"]
    if final["complete_through"]:
        age, limit = (
            duration(timedelta(seconds=final[name]))
            for name in ("age_seconds", "stale_after_seconds")
        )
        verdict = f"STALE: more than {limit}" if final["stale"] else f"stale after {limit}"
        screen.print(
            f"  final        complete to {_shown(final['complete_through'])}, {age} ago ({verdict})"
        )
    else:
        screen.print("  final        no run has filled it yet")
    if result["rules_trouble"]:
        note = f"the shipped ones stand in: {result['rules_trouble']}"
        screen.print(f"  alert rules  {note}", markup=False)
    for day in result["troubled_days"]:
        if day["failure"]:
            failures = counted(day["failures"], "failure")
            told = f"not read, {failures}, next try after {_shown(day['retry_at'])}: "
            screen.print(f"  {day['day']}   {told}{day['failure']}", markup=False)
        if day["disagreement"]:
            screen.print(f"  {day['day']}   the index {day['disagreement']}", markup=False)
    for table, count in result["rows"].items():
        screen.print(f"  {count:>11,}  rows in {table}")
    for stage, count in result["waiting"].items():
        if count:
            screen.print(f"  {count:>11,}  rows wait for {stage}: run `newsapi run`")
    if (off_topic := result["off_topic"]) and off_topic["much"]:
        advice = "`newsapi doctor` says what to do"
        screen.print(f"  OFF TOPIC    {off_topic['judgement']}: {advice}", markup=False)
    few = f"  FEW: {result['tokens']['judgement']}" if result["tokens"]["few"] else ""
    unknown = "unknown, no run was told; `newsapi doctor` asks"
    screen.print(f"  tokens       {unknown if left is None else f'{left:,} left'}{few}")
    if spent := result["month_tokens"]["spent"]:
        days = counted(result["month_tokens"]["days"], "day")
        screen.print(f"  backfills    {counted(spent, 'token')} by months in the last {days}")
    screen.print("  last runs" if result["runs"] else "  last runs    none")
    for run in result["runs"]:
        new = f"{run['new']:,} new, {counted(run['tokens'], 'token')}" if "new" in run else ""
        screen.print(
            f"    {_shown(run['started_at'])}  {run['status']:<10} {run['run_id'][:8]}  "
            f"{run['error'] or new}",
            markup=False,
        )
