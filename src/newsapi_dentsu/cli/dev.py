"""`newsapi dev`: Dagster's UI and daemon on the same home as the command line."""

import os
import sys

import click

from newsapi_dentsu.cli.ports import is_named, listen, port_option
from newsapi_dentsu.settings import load_settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@port_option(3000)
@click.pass_context
def dev(context: click.Context, *, host: str, port: int) -> None:
    """Start Dagster's UI and daemon; the schedule runs the pipeline every six hours.

    The UI has no login: keep it on this machine.
    """
    from newsapi_dentsu.hosting.home import database_prepared, prepare_home

    settings = load_settings()
    # Dagster would go on without a word where the port is taken.
    with listen(host, port, named=is_named(context)) as free:
        port = free.getsockname()[1]
    home = prepare_home(settings)
    if settings.use_postgres:
        with database_prepared(settings, "newsapi dev"):
            pass
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(f"Dagster on {url}, home {home}; Ctrl-C ends it.", err=True)
    arguments = ["dev", "-m", "newsapi_dentsu.definitions", "-h", host, "-p", str(port)]
    # Dagster would advise another command, which knows nothing of this home.
    quiet = ["-W", "ignore:Function `dev_command` is superseded"]
    os.execv(sys.executable, [sys.executable, *quiet, "-m", "dagster", *arguments])
