"""`newsapi sandbox`: the imitation of the news API alone."""

import click


@click.command()
@click.option("--port", default=8765, show_default=True, help="Port on loopback; 0 picks one.")
@click.option("--seed", default=7, show_default=True, help="Another seed gives other articles.")
@click.option(
    "--articles-per-day", default=20.0, show_default=True, help="Average size of a day's news."
)
@click.option("--tokens", default=2000, show_default=True, help="The account's token budget.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help='Trouble to make, such as "status=503 on=3 times=2"; may be given again.',
)
def sandbox(
    *, port: int, seed: int, articles_per_day: float, tokens: int, faults: tuple[str, ...]
) -> None:
    """Serve the sandbox: answers as newsapi.ai does, with invented articles.

    Deterministic: the articles of a day depend on the seed and the day alone.
    """
    from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox

    try:
        script = [Fault.parse(text) for text in faults]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None
    try:
        server = Sandbox(
            seed=seed, articles_per_day=articles_per_day, tokens=tokens, port=port, faults=script
        )
    except OSError as error:
        raise click.ClickException(f"port {port} can't be used: {error.strerror}") from None
    click.echo(f"The SANDBOX, with invented articles, answers on {server.url}. Use it:", err=True)
    click.echo(f"  NEWSAPI_HOST={server.url} NEWSAPI_KEY={SANDBOX_KEY} newsapi run", err=True)
    click.echo("Ctrl-C ends it.", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.close()
