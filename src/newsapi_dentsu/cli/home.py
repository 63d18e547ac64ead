"""`newsapi home`: Dagster's home for processes of its own."""

import click

from newsapi_dentsu.settings import load_settings


@click.command()
def home() -> None:
    """Prepare Dagster's home for these settings and print its folder.

    For dagster-webserver and dagster-daemon as processes of their own, which find their
    configuration in $DAGSTER_HOME/dagster.yaml:

    \b
      export DAGSTER_HOME=$(newsapi home)
      dagster-webserver -w workspace.yaml

    The file holds no secret: with PostgreSQL it names the environment variables.
    """
    from newsapi_dentsu.hosting.home import prepare_home

    click.echo(prepare_home(load_settings()))
