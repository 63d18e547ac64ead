"""The weekly digest: sent where there are receivers."""

from datetime import UTC, datetime

import dagster as dg

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.stages.pipeline import DIGEST_SCHEDULE

RETRIES = dg.RetryPolicy(max_retries=2, delay=300, backoff=dg.Backoff.EXPONENTIAL)


@dg.op(retry_policy=RETRIES, description="Send the digest of the last whole week, once.")
def send_weekly_digest(context: dg.OpExecutionContext) -> None:
    """Send it to whoever hasn't had it, and tell what became of it."""
    # Every run imports this module, and needs none of these.
    from newsapi_dentsu.digest.sending import send_digest
    from newsapi_dentsu.reading.digest import week_before

    now = datetime.now(UTC)
    try:
        sent = send_digest(load_settings(), week_before(now.date()), now)
    except PipelineError as error:
        raise dg.Failure(str(error), allow_retries=error.transient) from error
    context.add_output_metadata(
        {one.channel: f"{one.status}: {one.answer}" for one in (*sent.before, *sent.tried)}
    )
    if sent.failed:
        answers = "; ".join(f"{one.channel}: {one.answer}" for one in sent.failed)
        raise dg.Failure(f"{sent.name} didn't reach everybody: {answers}")


@dg.job(description="Sends the digest of the last whole week to DIGEST_EMAIL_TO and Slack.")
def digest() -> None:
    """Send the digest, in one step."""
    send_weekly_digest()


def schedule() -> dg.ScheduleDefinition:
    """The schedule of the digest: on from the start where there are receivers."""
    status = dg.DefaultScheduleStatus
    return dg.ScheduleDefinition(
        name=DIGEST_SCHEDULE,
        job=digest,
        # The run of 06:00 has read the whole Sunday.
        cron_schedule="0 8 * * 1",
        execution_timezone="UTC",
        default_status=status.RUNNING if load_settings().digest_receivers else status.STOPPED,
        description="The digest of the week before, on Mondays at 08 UTC.",
    )
