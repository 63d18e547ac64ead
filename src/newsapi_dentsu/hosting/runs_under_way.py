"""What becomes of runs when the daemon that started them must stop."""

import logging

import dagster as dg
import tenacity

from newsapi_dentsu.defs.resources import ATTENDED

logger = logging.getLogger(__name__)

OUT_OF_TIME = "the daemon was stopped, and the run had no time left to end"

_LOOK_SECONDS = 1.0
_UNDER_WAY = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def see_runs_off(seconds: float) -> None:
    """Wait until the runs under way have ended; those that take longer are marked as failed.

    A container ends with its first process, and its runs with it. Runs of `newsapi run` have
    processes of their own, and where runs are jobs they have containers of their own: those are
    left alone. Ctrl-C or another SIGTERM ends the waiting.

    Args:
        seconds: how long to wait at most.
    """
    with dg.DagsterInstance.get() as instance:
        if not isinstance(instance.run_launcher, dg.DefaultRunLauncher):
            return
        followed = [
            run.run_id
            for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
            if ATTENDED not in run.tags
        ]
        if not followed:
            return
        logger.info("Waiting up to %g s for %d runs to end", seconds, len(followed))
        left = dg.RunsFilter(run_ids=followed, statuses=_UNDER_WAY)
        wait = tenacity.Retrying(
            retry=tenacity.retry_if_result(bool),
            stop=tenacity.stop_after_delay(seconds),
            wait=tenacity.wait_fixed(_LOOK_SECONDS),
            retry_error_callback=lambda _: None,
        )
        try:
            wait(instance.get_runs, left)
        except KeyboardInterrupt:
            logger.info("Told to stop again: not waiting any longer")
        for run in instance.get_runs(left):
            instance.report_run_failed(run, message=OUT_OF_TIME)
