"""`newsapi daemon`: Dagster's daemon, of which one acts and others stand by."""

from pathlib import Path

import click

from newsapi_dentsu import logs
from newsapi_dentsu.settings import load_settings


@click.command()
@click.option("--health-host", default="0.0.0.0", show_default=True, help="Where /health answers.")  # noqa: S104
@click.option(
    "--health-port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Its port; 0 picks one.",
)
@click.option(
    "--workspace",
    "-w",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Workspace file (default: the pipeline's own code).",
)
@click.option(
    "--stop-seconds",
    default=60.0,
    show_default=True,
    help="How long runs under way may go on when the daemon is told to stop.",
)
def daemon(
    *, health_host: str, health_port: int, workspace: Path | None, stop_seconds: float
) -> None:
    """Run Dagster's daemon: schedules, sensors, queued and hanging runs.

    Several may be started on one deployment: one acts, the others stand by and take over when it
    dies. GET /health answers 200 while it stands by or its heartbeat is younger than 5 minutes,
    else 503: a liveness probe for containers.

    Told to stop (SIGTERM), it starts nothing more, lets another daemon act, and stays until the
    runs that it started have ended: a container ends with its first process. Those that take too
    long are marked as failed; a second signal ends the waiting.
    """
    from newsapi_dentsu.hosting.daemon import run_daemon
    from newsapi_dentsu.hosting.home import prepare_home

    logs.configure_service()
    settings = load_settings()
    prepare_home(settings)
    run_daemon(
        settings,
        workspace,
        host=health_host,
        port=health_port,
        stop_seconds=stop_seconds,
    )
