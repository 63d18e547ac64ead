"""Runs written straight into Dagster's records, at the time that a frozen clock shows."""

import dagster as dg
from dagster._core.events import (
    DagsterEvent,
    DagsterEventType,
    JobFailureData,
    RunFailureReason,
)
from dagster._core.execution.plan.objects import StepFailureData, StepRetryData
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus
from dagster._core.storage.tags import ROOT_RUN_ID_TAG, SCHEDULE_NAME_TAG
from dagster._core.utils import make_new_run_id
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

JOB = "news_pipeline"
STEP = "raw__ai_marketing_news_raw"
FIXED = {SCHEDULE_NAME_TAG: "news_every_six_hours"}


def begin(
    instance: dg.DagsterInstance,
    *,
    job: str = JOB,
    scheduled: bool = True,
    retry_of: str | None = None,
    **tags: str,
) -> str:
    """A run that starts now, and its id."""
    run_id = make_new_run_id()
    given = {**(FIXED if scheduled else {}), **tags}
    if retry_of:
        given |= {ROOT_RUN_ID_TAG: retry_of, "dagster/parent_run_id": retry_of}
    instance.run_storage.add_run(
        DagsterRun(job_name=job, run_id=run_id, tags=given, status=DagsterRunStatus.NOT_STARTED)
    )
    report(instance, run_id, DagsterEventType.RUN_START, job)
    return run_id


def succeed(instance: dg.DagsterInstance, run_id: str, job: str = JOB) -> str:
    """The run ends well now."""
    report(instance, run_id, DagsterEventType.RUN_SUCCESS, job)
    return run_id


def fail(
    instance: dg.DagsterInstance,
    run_id: str,
    error: str = "newsapi_dentsu.errors.SourceError: the API refused the key",
    job: str = JOB,
    step: str | None = STEP,
) -> str:
    """The run fails now, in a step or (killed) outside of any."""
    if step is not None:
        report(instance, run_id, DagsterEventType.STEP_START, job, step)
        wrapped = SerializableErrorInfo(
            "Dagster's own wrapping",
            [],
            "DagsterExecutionStepError",
            SerializableErrorInfo(error, [], "SourceError"),
        )
        data = StepFailureData(  # type: ignore[no-untyped-call]
            error=wrapped, user_failure_data=None
        )
        report(instance, run_id, DagsterEventType.STEP_FAILURE, job, step, data)
    reason = RunFailureReason.STEP_FAILURE if step else RunFailureReason.UNKNOWN
    data_of_run = JobFailureData(error=None, failure_reason=reason)
    message = "" if step else "Run timed out due to taking longer than 1800 seconds to run."
    report(instance, run_id, DagsterEventType.RUN_FAILURE, job, None, data_of_run, message)
    return run_id


def retry_step(instance: dg.DagsterInstance, run_id: str, job: str = JOB) -> None:
    """A step of the run fails now and is tried again."""
    error = SerializableErrorInfo("passing trouble", [], "Error")
    report(
        instance,
        run_id,
        DagsterEventType.STEP_UP_FOR_RETRY,
        job,
        STEP,
        StepRetryData(error=error, seconds_to_wait=1),  # type: ignore[no-untyped-call]
    )


def report(
    instance: dg.DagsterInstance,
    run_id: str,
    kind: DagsterEventType,
    job: str = JOB,
    step: str | None = None,
    data: object = None,
    message: str = "",
) -> None:
    event = DagsterEvent(
        event_type_value=kind.value,
        job_name=job,
        step_key=step,
        event_specific_data=data,  # type: ignore[arg-type]
        message=message,
    )
    instance.report_dagster_event(event, run_id)


def beat(instance: dg.DagsterInstance, at: float) -> None:
    """The daemon gives a sign of life."""
    for kind in ("SCHEDULER", "SENSOR"):
        instance.add_daemon_heartbeat(DaemonHeartbeat(at, kind, "daemon", []))


def switch(instance: dg.DagsterInstance, *, on: bool) -> None:
    """Somebody switches the schedule on or off in the UI."""
    location = RegisteredCodeLocationOrigin("newsapi_dentsu.definitions")
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(location, "__repository__"), "news_every_six_hours"
    )
    known = instance.all_instigator_state()
    state = InstigatorState(
        origin,
        InstigatorType.SCHEDULE,
        InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED,
        ScheduleInstigatorData("0 0,6,12,18 * * *", None),
    )
    (instance.update_instigator_state if known else instance.add_instigator_state)(state)
