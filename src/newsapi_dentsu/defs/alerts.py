"""The hourly evaluation of the alert rules."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from newsapi_dentsu.errors import AlertsError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.stages.pipeline import INTERVAL, JOB

if TYPE_CHECKING:
    # Runs don't need them, and every run imports this module.
    from newsapi_dentsu.alerts.evaluation import Report
    from newsapi_dentsu.domain.alerts.facts import RunHistory
    from newsapi_dentsu.domain.alerts.incidents import AlertState
    from newsapi_dentsu.domain.alerts.rules import AlertRules

EVERY_SECONDS = 3600


def evaluate_alerts(
    records: Callable[[], AbstractContextManager[dg.DagsterInstance]],
    settings: Settings,
    now: datetime,
    *,
    in_daemon: bool,
) -> "Report":
    """Evaluate the rules by Dagster's records and the tables, and send what is new.

    Args:
        records: opens Dagster's instance; PipelineError where that is impossible.
        settings: the settings.
        now: the time.
        in_daemon: whether the daemon itself evaluates them.

    Raises:
        AlertsError: the rules have a mistake, or the state can't be kept.
    """
    from newsapi_dentsu.alerts.evaluation import evaluate
    from newsapi_dentsu.defs.run_history import read_history
    from newsapi_dentsu.masking import known_secrets, mask

    secrets = known_secrets(settings)

    def read(state: "AlertState", rules: "AlertRules", at: datetime) -> "RunHistory":
        with records() as instance:
            return read_history(
                instance,
                state,
                rules,
                at,
                hide=lambda text: mask(text, secrets),
                in_daemon=in_daemon,
            )

    return evaluate(settings, read, job=JOB, interval=INTERVAL, now=now)


# Not one of Dagster's run status sensors: those move on before anybody was told.
@dg.sensor(
    name="pipeline_failure_sensor",
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Notifies operators once an hour of everything that has failed, is wrong or is "
    "well again since their last notice.",
)
def pipeline_failure_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Send what is new; what reaches nobody is kept, and the tick shows as failed."""
    report = evaluate_alerts(
        lambda: nullcontext(context.instance), load_settings(), datetime.now(UTC), in_daemon=True
    )
    if report.kept and report.channels:
        raise AlertsError(f"operators could not be notified: {report.summary}")
    return dg.SkipReason(report.summary)
