"""Dagster's records as the alert rules look at them; the cost doesn't follow their number."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from newsapi_dentsu.dagster_private import (
    AUTO_RETRY_RUN_ID_TAG,
    ROOT_RUN_ID_TAG,
    SCHEDULE_NAME_TAG,
    WILL_RETRY_TAG,
    InstigatorStatus,
)
from newsapi_dentsu.defs.failures import first_error
from newsapi_dentsu.domain.alerts.facts import DaemonSigns, Failure, Retried, RunHistory
from newsapi_dentsu.domain.alerts.incidents import AlertState
from newsapi_dentsu.domain.alerts.rules import AlertRules
from newsapi_dentsu.stages.pipeline import JOB, STEPS

MOST_FAILURES = 300
"""Failed runs that one evaluation takes; the next takes the rest."""

MOST_ERRORS = 25
"""Failed runs of which one evaluation reads the error."""

MOST_STEPS = 30
"""Runs of which one evaluation counts the steps that failed and were retried."""

RETRY_WAIT = timedelta(hours=1)
"""How long a failed run waits for the end of its retry before it counts as failed."""

ERROR_LINES, ERROR_LENGTH = 3, 600

WATCHED_DAEMONS = ("SCHEDULER", "SENSOR")

_UNFINISHED = frozenset(
    {
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.MANAGED,
    }
)
_TOLD_BY = frozenset(
    {
        dg.DagsterEventType.STEP_START,
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
        dg.DagsterEventType.RUN_FAILURE,
    }
)


def read_history(
    instance: dg.DagsterInstance,
    state: AlertState,
    rules: AlertRules,
    now: datetime,
    *,
    hide: Callable[[str], str],
    in_daemon: bool,
) -> RunHistory:
    """Read what the rules need.

    Args:
        instance: Dagster's instance.
        state: what is known already.
        rules: the rules, for the spans of time that they look at.
        now: the time.
        hide: masks secrets.
        in_daemon: whether the daemon itself asks; its question is a sign of life.
    """
    failed = _failed_since(instance, state.scan_from(now))
    known = state.notified_runs
    new = [record for record in failed if record.dagster_run.run_id not in known]
    failures, retried = _sorted_out(instance, new, now, hide)
    window = timedelta(hours=rules.rules.pipeline_failure.within_hours)
    last_evaluation_at = min(state.scanned_until, now)
    share_since = now - timedelta(hours=rules.rules.high_error_rate.within_hours)
    failed_runs = _count(instance, dg.DagsterRunStatus.FAILURE, share_since)
    jobs = {
        JOB,
        *(failure.job for failure in failures),
        *(
            one.subject
            for one in state.open_incidents
            if one.rule in ("pipeline_failure", "failed_run")
        ),
    }
    return RunHistory(
        failures=tuple(failures),
        retried=tuple(retried),
        last_evaluation_at=last_evaluation_at,
        scanned_until=_when(failed[-1]) if len(failed) == MOST_FAILURES else now,
        attempts_at=tuple(_attempts(instance, failed, last_evaluation_at - window)),
        finished_runs=failed_runs + _count(instance, dg.DagsterRunStatus.SUCCESS, share_since),
        failed_runs=failed_runs,
        last_success_at=dict(_last_successes(instance, jobs)),
        signs=_signs(instance, now if in_daemon else None),
    )


def _failed_since(instance: dg.DagsterInstance, since: datetime) -> list[dg.RunRecord]:
    """The failed runs in the order of their ends."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since),
        limit=MOST_FAILURES,
        order_by="update_timestamp",
        ascending=True,
    )
    # A tag that somebody adds to an old run makes it look new.
    return [record for record in records if _ended(record) >= since]


def _sorted_out(
    instance: dg.DagsterInstance,
    new: Sequence[dg.RunRecord],
    now: datetime,
    hide: Callable[[str], str],
) -> tuple[list[Failure], list[Retried]]:
    """Tell failures for good from those that a retry made good; leave those whose retry runs."""
    failures: list[Failure] = []
    retried: list[Retried] = []
    chains: dict[str, list[dg.RunRecord]] = {}
    for record in new:
        chains.setdefault(_root(record.dagster_run), []).append(record)
    retries = _retries_of(instance, list(chains))
    for root, failed in chains.items():
        last = max(failed, key=_ended)
        later = [record for record in retries.get(root, []) if _started_after(record, last)]
        run_ids = tuple(record.dagster_run.run_id for record in failed)
        succeeded = [one for one in later if one.dagster_run.status == dg.DagsterRunStatus.SUCCESS]
        if succeeded:
            good = succeeded[0]
            run = good.dagster_run
            retried.append(Retried(run.run_id, run_ids, run.job_name, _ended(good)))
        elif _waits(last, later, now):
            continue
        else:
            error_wanted = len(failures) < MOST_ERRORS
            failures.append(_failure(instance, last, run_ids, hide, error_wanted=error_wanted))
    return failures, retried


def _retries_of(
    instance: dg.DagsterInstance, roots: Sequence[str]
) -> Mapping[str, list[dg.RunRecord]]:
    """The runs that were started to do these again, oldest first, by the run that began it."""
    found: dict[str, list[dg.RunRecord]] = {}
    if roots:
        for record in instance.get_run_records(
            dg.RunsFilter(tags={ROOT_RUN_ID_TAG: list(roots)}), ascending=True
        ):
            found.setdefault(_root(record.dagster_run), []).append(record)
    return found


def _waits(last: dg.RunRecord, later: Sequence[dg.RunRecord], now: datetime) -> bool:
    """Whether a failed run's retry is still to end."""
    if now - _ended(last) > RETRY_WAIT:
        return False
    if any(record.dagster_run.status in _UNFINISHED for record in later):
        return True
    tags = last.dagster_run.tags
    return tags.get(WILL_RETRY_TAG) == "true" and AUTO_RETRY_RUN_ID_TAG not in tags


def _failure(
    instance: dg.DagsterInstance,
    record: dg.RunRecord,
    run_ids: tuple[str, ...],
    hide: Callable[[str], str],
    *,
    error_wanted: bool,
) -> Failure:
    run = record.dagster_run
    events = _events(instance, run.run_id) if error_wanted else []
    text = first_error(events) or _run_message(events) or "see the run's log"
    return Failure(
        run_id=run.run_id,
        run_ids=run_ids,
        job=run.job_name,
        stage=_stage(events),
        started_at=datetime.fromtimestamp(record.start_time, UTC) if record.start_time else None,
        ended_at=_ended(record),
        # Masked before it is cut, for a cut secret would not be known.
        error=_first_lines(hide(text)),
        attempts=max(1, len(run_ids) - 1 + sum(1 for _ in _failed_steps(events))),
        scheduled=SCHEDULE_NAME_TAG in run.tags,
    )


def _events(instance: dg.DagsterInstance, run_id: str) -> list[dg.DagsterEvent]:
    entries = instance.get_records_for_run(run_id, of_type=set(_TOLD_BY), limit=200).records
    return [
        entry.event_log_entry.dagster_event
        for entry in entries
        if entry.event_log_entry.dagster_event is not None
    ]


def _failed_steps(events: Sequence[dg.DagsterEvent]) -> Iterator[dg.DagsterEvent]:
    return (event for event in events if event.is_step_failure or event.is_step_up_for_retry)


def _run_message(events: Sequence[dg.DagsterEvent]) -> str | None:
    """What Dagster says of a run that ended outside of its steps, such as one that was killed."""
    return next((event.message for event in reversed(events) if event.is_failure), None)


def _stage(events: Sequence[dg.DagsterEvent]) -> str | None:
    """The stage that failed, else the one that had started and not ended."""
    failed = [event.step_key for event in events if event.is_step_failure]
    ended = {event.step_key for event in events if event.is_step_success}
    begun = [
        event.step_key for event in events if event.is_step_start and event.step_key not in ended
    ]
    key = next(iter(failed or begun), None)
    stage = STEPS.get(key or "")
    return stage.name if stage else key


def _attempts(
    instance: dg.DagsterInstance, failed: Sequence[dg.RunRecord], since: datetime
) -> Iterator[datetime]:
    """When attempts of runs and steps failed."""
    recent = [record for record in failed if _ended(record) > since]
    ends = {record.dagster_run.run_id: _ended(record) for record in recent}
    counted: set[str] = set()
    for record in instance.get_run_records(dg.RunsFilter(updated_after=since), limit=MOST_STEPS):
        run_id = record.dagster_run.run_id
        entries = instance.get_records_for_run(
            run_id,
            of_type={dg.DagsterEventType.STEP_UP_FOR_RETRY, dg.DagsterEventType.STEP_FAILURE},
            limit=100,
        ).records
        times = [datetime.fromtimestamp(entry.event_log_entry.timestamp, UTC) for entry in entries]
        if times:
            counted.add(run_id)
            yield from (at for at in times if at > since)
    yield from (at for run_id, at in ends.items() if run_id not in counted)


def _count(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, since: datetime) -> int:
    return instance.get_runs_count(dg.RunsFilter(statuses=[status], updated_after=since))


def _last_successes(
    instance: dg.DagsterInstance, jobs: Collection[str]
) -> Iterator[tuple[str, datetime]]:
    for job in sorted(jobs):
        records = instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=3
        )
        if records:
            yield job, max(_ended(record) for record in records)


def _signs(instance: dg.DagsterInstance, alive_at: datetime | None) -> DaemonSigns:
    beats = instance.get_daemon_heartbeats()
    times = [
        datetime.fromtimestamp(beats[name].timestamp, UTC)
        for name in WATCHED_DAEMONS
        if name in beats
    ]
    stopped = instance.all_instigator_state(instigator_statuses={InstigatorStatus.STOPPED})
    return DaemonSigns(
        alive_at or (min(times) if len(times) == len(WATCHED_DAEMONS) else None),
        tuple(sorted({f"{one.instigator_type.value.lower()} {one.name}" for one in stopped})),
    )


def _root(run: dg.DagsterRun) -> str:
    return run.tags.get(ROOT_RUN_ID_TAG) or run.run_id


def _ended(record: dg.RunRecord) -> datetime:
    if record.end_time:
        return datetime.fromtimestamp(record.end_time, UTC)
    return _when(record)


def _when(record: dg.RunRecord) -> datetime:
    return record.update_timestamp.astimezone(UTC)


def _started_after(record: dg.RunRecord, failed: dg.RunRecord) -> bool:
    return record.create_timestamp > failed.create_timestamp


def _first_lines(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    shown = "\n".join(lines[:ERROR_LINES]).replace("\0", "")
    return shown if len(shown) <= ERROR_LENGTH else shown[: ERROR_LENGTH - 1] + "…"
