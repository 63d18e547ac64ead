"""`newsapi serve`: the news as a web page, feeds and a REST API."""

import gc
import re
from datetime import timedelta
from pathlib import Path

import click

from newsapi_dentsu.cli.ports import is_named, listen, port_option
from newsapi_dentsu.settings import Settings, load_settings

_MOST_CONNECTIONS = 1_000
"""Connections at a time; the next ones are told to come again."""

_ORIGIN = re.compile(r"https?://[^/\s*?#]+")


def _impatient(settings: Settings) -> Settings:
    """The settings for those who wait for a page: no statement takes longer than they do."""
    from newsapi_dentsu.website.app import MOST_SECONDS

    most = settings.postgres_statement_timeout_seconds or MOST_SECONDS
    limit = {"postgres_statement_timeout_seconds": min(most, MOST_SECONDS)}
    return settings.model_copy(update=limit)


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
@click.option(
    "--without-keys",
    is_flag=True,
    envvar="SERVE_WITHOUT_KEYS",
    show_envvar=True,
    help="Let in whoever reaches it: for a server behind something that has a login.",
)
@click.option(
    "--cors-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    envvar="SERVE_CORS_ORIGINS",
    show_envvar=True,
    help="A site whose scripts may read the API, such as https://app.example; several times.",
)
@click.option(
    "--trusted",
    type=click.Path(path_type=Path, exists=True),
    help="GraphQL documents known by name: a folder of NAME.graphql, or JSON of names and texts.",
)
@click.option(
    "--public-url",
    metavar="ADDRESS",
    envvar="SERVE_PUBLIC_URL",
    show_envvar=True,
    help="The address that links and feeds name, behind a proxy that asks under another name.",
)
@click.option("--trusted-only", is_flag=True, help="Execute no other GraphQL documents.")
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.pass_context
def serve(
    context: click.Context,
    *,
    host: str,
    port: int,
    hosts: tuple[str, ...],
    without_keys: bool,
    origins: tuple[str, ...],
    trusted: Path | None,
    public_url: str | None,
    trusted_only: bool,
    opened: bool,
) -> None:
    """Serve the news: a page to read, Atom and JSON feeds, a REST API and GraphQL.

    Reads the reader's copy that each run publishes (data/reading), or with PostgreSQL the views of
    schema final; so runs and readers never wait for each other. On this machine alone it is open.
    Where others can reach it, because of --host, --allow-host or --public-url, everybody
    needs a key of `newsapi keys create`, also for the pages, unless --without-keys says otherwise.
    """
    from newsapi_dentsu.loopback import is_loopback

    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise click.UsageError(
                f"{origin} is no origin: give scheme, host and port, such as https://app.example"
            )
    if public_url is not None and not _ORIGIN.fullmatch(public_url):
        raise click.UsageError(
            f"{public_url} is no address of a server: give scheme, host and port, such as "
            "https://news.example"
        )
    if trusted_only and trusted is None:
        raise click.UsageError("--trusted-only needs --trusted: where the documents are")
    alone = is_loopback(host) and not hosts and public_url is None
    settings = _impatient(load_settings())
    listening = listen(host, port, named=is_named(context))
    import uvicorn

    from newsapi_dentsu.access.limits import open_buckets
    from newsapi_dentsu.access.store import open_key_store
    from newsapi_dentsu.access.uses import Uses
    from newsapi_dentsu.reading.library import open_library
    from newsapi_dentsu.reading.saved import SavedSearches
    from newsapi_dentsu.website.answers import open_answers
    from newsapi_dentsu.website.app import application
    from newsapi_dentsu.website.connections import BoundedConnection
    from newsapi_dentsu.website.gate import Access
    from newsapi_dentsu.website.graphql_http import GraphQLOptions

    library = open_library(settings)
    store = open_key_store(settings)
    access = Access(
        store,
        open_buckets(settings, store),
        Uses(store, timedelta(days=settings.key_uses_days)),
        closed=not (alone or without_keys),
        alone=alone,
    )
    options = GraphQLOptions(introspection=alone, trusted=trusted, trusted_only=trusted_only)
    saved = SavedSearches(settings.saved_searches_path)
    answers = open_answers(settings, options.name())
    served = application(library, hosts, access, origins, saved, options, answers, public_url)
    url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
    config = uvicorn.Config(
        served,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        http=BoundedConnection,
        # Nobody asks here for the address of a reader, so no proxy is believed about it.
        proxy_headers=False,
    )
    # What is there by now stays, and needn't be looked through for garbage again and again.
    gc.collect()
    gc.freeze()
    try:
        click.echo(f"The news from {library.location} on {url}; Ctrl-C ends it.", err=True)
        if access.closed:
            click.echo("Everybody needs a key: `newsapi keys create NAME` makes one.", err=True)
        if opened:
            click.launch(url)
        with listening:
            uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        click.echo(err=True)
    finally:
        library.close()
        store.close()
