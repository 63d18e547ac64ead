"""`newsapi serve`: the news as a web page, feeds and a REST API."""

import click

from newsapi_dentsu.cli.ports import is_named, listen, port_option
from newsapi_dentsu.settings import load_settings

_MOST_CONNECTIONS = 1_000
"""Connections at a time; the next ones are told to come again."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@port_option(8060)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name under which others reach it; may be given several times.",
)
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.pass_context
def serve(
    context: click.Context, *, host: str, port: int, hosts: tuple[str, ...], opened: bool
) -> None:
    """Serve the news: a page to read, Atom and JSON feeds, and a REST API.

    Reads the reader's copy that each run publishes (data/reading), or with PostgreSQL the views of
    schema final; so runs and readers never wait for each other. It has no login: it listens on this
    machine only, unless --host and --allow-host say otherwise, and belongs behind something that
    has one then.
    """
    from newsapi_dentsu.loopback import is_loopback

    if not is_loopback(host) and not hosts:
        raise click.UsageError(
            f"{host} can be reached by others, and this server has no login: put it behind "
            "something that has one, and name the host under which that reaches it by --allow-host"
        )
    settings = load_settings()
    listening = listen(host, port, named=is_named(context))
    import uvicorn

    from newsapi_dentsu.reading.library import open_library
    from newsapi_dentsu.website.app import application
    from newsapi_dentsu.website.connections import BoundedConnection

    library = open_library(settings)
    url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
    click.echo(f"The news from {library.location} on {url}; Ctrl-C ends it.", err=True)
    if opened:
        click.launch(url)
    config = uvicorn.Config(
        application(library, hosts),
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        http=BoundedConnection,
        # Who it is asked by is told by whatever stands before it.
        proxy_headers=False,
    )
    try:
        with listening:
            uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        click.echo(err=True)
    finally:
        library.close()
