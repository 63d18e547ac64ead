"""`newsapi failover`: the database's other server becomes the primary."""

import dataclasses
import json
from contextlib import closing

import click

from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.wording import utc_text


@click.command()
@click.option("--to", "target", required=True, help="The server to promote: host, or host:port.")
@click.option(
    "--planned",
    is_flag=True,
    help="The primary still lives: wait for the run under way, and until the other has everything.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def failover(*, target: str, planned: bool, yes: bool, as_json: bool) -> None:
    """Make the database's other server (POSTGRES_STANDBY) the one that is written to.

    Promotes it where the role may, raises the epoch, and puts a fence on the old primary as soon as
    it is met: runs refuse to write there. What the standby lacked is fetched again by the next
    run. Refuses while the old primary takes writes, unless --planned. Run again, it goes on where
    it was interrupted.
    """
    from newsapi_dentsu.recovery.failover import fail_over
    from newsapi_dentsu.warehouse.engines.opening import open_postgres

    settings = load_settings()
    if not settings.use_postgres or settings.standby_server is None:
        raise click.UsageError(
            "set USE_POSTGRES=true and POSTGRES_STANDBY: there is no other server"
        )
    if not yes:
        lost = (
            "nothing is lost" if planned else "the last seconds before the loss are fetched again"
        )
        click.confirm(f"Make {target} the primary ({lost})?", abort=True, err=True)
    with closing(open_postgres(settings)) as engine:
        done = fail_over(
            engine,
            target,
            planned=planned,
            wait=settings.run_wait_seconds,
            tell=lambda text: click.echo(text, err=True),
        )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(done), default=utc_text))
        return
    click.echo(f"{done.server} is the primary (epoch {done.epoch})")
    for table, count in done.rows.items():
        click.echo(f"  {table:<30}{count:>12,} rows")
    if done.complete_through is not None:
        click.echo(f"  fetched up to {done.complete_through:%Y-%m-%d %H:%M} UTC")
    for name in done.fenced:
        click.echo(f"  {name} is fenced: runs refuse to write there")
    click.echo("The next run fetches what is missing: `newsapi run`, or wait for the schedule.")
