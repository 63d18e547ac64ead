"""`newsapi dashboard`: the pipeline's health as a web page, served here or written to a file."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsapi_dentsu.cli.outputs import out_option, output_file
from newsapi_dentsu.cli.ports import is_named, listen, port_option
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.serving import BoundedHandler, BoundedServer, stand_by
from newsapi_dentsu.settings import Settings, load_settings

if TYPE_CHECKING:
    from newsapi_dentsu.dashboard.health import Storage
    from newsapi_dentsu.warehouse import Warehouse
    from newsapi_dentsu.warehouse.engines.base import Session


@click.command()
@out_option("Write the page to this file; - is the output.")
@click.option(
    "--days", default=30, show_default=True, type=click.IntRange(1, 366), help="Days to look back."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@port_option(8050)
@click.option(
    "--called",
    metavar="NAME",
    multiple=True,
    help="A name by which browsers may ask for the page, as behind a proxy; may be repeated. "
    "Always taken: localhost, --host, this machine's name, addresses in numbers.",
)
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.pass_context
def dashboard(
    context: click.Context,
    *,
    out: Path | None,
    days: int,
    host: str,
    port: int,
    called: tuple[str, ...],
    opened: bool,
) -> None:
    """Show the pipeline's health: runs, articles, duplicates, rejections, latency, tokens.

    Serves the page on this machine until Ctrl-C, with the newest figures at each reload; or, with
    --out, writes it to one HTML file that works without a network. The page has no login: keep it
    on this machine, or put it behind something that has one.
    """
    settings = load_settings()
    if out is None:
        _serve(settings, days, host, port, called, named=is_named(context), opened=opened)
        return
    page = _page(settings, days)
    with output_file(out) as part:
        part.write_text(page, encoding="utf-8")
    click.echo(f"wrote {out}", err=True)
    if opened:
        click.launch(out.absolute().as_uri())


def _serve(
    settings: Settings,
    days: int,
    host: str,
    port: int,
    called: tuple[str, ...],
    *,
    named: bool,
    opened: bool,
) -> None:
    class Handler(BoundedHandler):
        hosts = ("localhost", host, socket.gethostname(), socket.getfqdn(), *called)

        def do_GET(self) -> None:  # noqa: N802
            if self.path.partition("?")[0] != "/":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                status, kind, text = HTTPStatus.OK, "html", _page(settings, days)
            except PipelineError as error:
                status, kind, text = HTTPStatus.SERVICE_UNAVAILABLE, "plain", f"{error}\n"
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"text/{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("X-Frame-Options", "DENY")
            self.end_headers()
            self.wfile.write(body)

    with listen(host, port, named=named) as free:
        port = free.getsockname()[1]
    server = BoundedServer((host, port), Handler)
    serving = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
    with server:
        url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/"
        try:
            click.echo(f"Pipeline health on {url}; Ctrl-C ends it.", err=True)
            serving.start()
            if opened:
                click.launch(url)
            stand_by(serving)
        except KeyboardInterrupt:
            click.echo(err=True)
        finally:
            if serving.is_alive():
                server.shutdown()


def _page(settings: Settings, days: int) -> str:
    """The page as it is now.

    Raises:
        WarehouseError: the database can't be read, or is of another version.
    """
    from contextlib import closing

    from newsapi_dentsu.alerts.table_facts import read_tables
    from newsapi_dentsu.dashboard.health import Storage, health
    from newsapi_dentsu.dashboard.page import render
    from newsapi_dentsu.domain.alerts.facts import Tables
    from newsapi_dentsu.health.limits import limits_in_use
    from newsapi_dentsu.health.relevance import OffTopic, off_topic
    from newsapi_dentsu.warehouse import open_to_read
    from newsapi_dentsu.warehouse.tables import run_metrics
    from newsapi_dentsu.warehouse.tables.run_metrics import RunMetrics

    now = datetime.now(UTC)
    runs: list[RunMetrics] = []
    storage = Storage(None, None)
    tables: Tables | None = None
    astray: OffTopic | None = None
    with closing(open_to_read(settings)) as warehouse:
        if _has_tables(warehouse):
            with warehouse.snapshot() as session:
                under_way = warehouse.engine.run_under_way(session)
                found = run_metrics.read(session, since=now - timedelta(days=days))
                runs = run_metrics.settled(found, under_way=under_way)
                storage = _storage(settings, warehouse, session)
                tables = read_tables(warehouse.engine, session, None, now)
                astray = off_topic(session, now)
        location = warehouse.location
    use = limits_in_use(settings)
    if use.trouble:
        click.echo(f"The shipped alert rules stand in for yours: {use.trouble}", err=True)
    return render(
        health(
            runs,
            now=now,
            days=days,
            location=location,
            storage=storage,
            limits=use.limits,
            tables=tables,
            off_topic=astray,
        )
    )


def _has_tables(warehouse: "Warehouse") -> bool:
    from newsapi_dentsu.warehouse.schema.history import applied_version

    engine = warehouse.engine
    return (
        engine.exists() and warehouse.inspect(lambda session: applied_version(engine, session)) > 0
    )


def _storage(settings: Settings, warehouse: "Warehouse", session: "Session") -> "Storage":
    from newsapi_dentsu.dashboard.health import Storage
    from newsapi_dentsu.domain.alerts.limits import GB

    used, free = warehouse.engine.used_bytes(session), warehouse.engine.disk_free_bytes()
    limits = [] if free is None else [used + free]
    if settings.database_size_gb is not None:
        limits.append(int(settings.database_size_gb * GB))
    return Storage(used, min(limits, default=None))
