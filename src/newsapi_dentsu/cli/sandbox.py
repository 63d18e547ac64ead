"""`newsapi sandbox`: the imitation of the news API alone."""

from contextlib import suppress

import click

from newsapi_dentsu.cli.ports import is_named, listen, port_option
from newsapi_dentsu.serving import stand_by


@click.command()
@port_option(8765)
@click.option("--seed", default=7, show_default=True, help="Another seed gives other articles.")
@click.option(
    "--articles-per-day", default=20.0, show_default=True, help="Average size of a day's news."
)
@click.option(
    "--tokens",
    type=click.IntRange(min=0),
    default=2000,
    show_default=True,
    help="The account's token budget.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help='Trouble to make, such as "status=503 on=3 times=2"; may be given again.',
)
@click.pass_context
def sandbox(
    context: click.Context,
    *,
    port: int,
    seed: int,
    articles_per_day: float,
    tokens: int,
    faults: tuple[str, ...],
) -> None:
    """Serve the sandbox: answers as newsapi.ai does, with invented articles.

    Deterministic: the articles of a day depend on the seed and the day alone.
    """
    from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox

    # A range of click's takes what is no number.
    if not 0 <= articles_per_day <= 1000:
        raise click.BadParameter("must be from 0 to 1000", param_hint="--articles-per-day")
    try:
        script = [Fault.parse(text) for text in faults]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None
    with listen("127.0.0.1", port, named=is_named(context)) as free:
        port = free.getsockname()[1]
    server = Sandbox(
        seed=seed, articles_per_day=articles_per_day, tokens=tokens, port=port, faults=script
    )
    with suppress(KeyboardInterrupt), server:
        click.echo(
            f"The SANDBOX, with invented articles, answers on {server.url}. Use it:", err=True
        )
        click.echo(f"  NEWSAPI_HOST={server.url} NEWSAPI_KEY={SANDBOX_KEY} newsapi run", err=True)
        click.echo("Ctrl-C ends it.", err=True)
        stand_by(server.thread)
