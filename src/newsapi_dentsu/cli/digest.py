"""`newsapi digest`: what mattered in some days."""

import re
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsapi_dentsu.cli.days import DAY
from newsapi_dentsu.cli.outputs import output_file
from newsapi_dentsu.errors import DigestError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.visible import raw

if TYPE_CHECKING:
    from newsapi_dentsu.reading.digest import Digest, Period

_WIDEST = 100
_DAYS = re.compile(r"0*([0-9]{1,4})\s*([dw])", re.IGNORECASE)


class _Since(click.ParamType["date | timedelta"]):
    """A day, or a number of days such as 7d or 2w."""

    name = "days|yyyy-mm-dd"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date | timedelta:
        """Read it, or fail with the forms that there are."""
        if isinstance(value, date | timedelta):
            return value
        text = str(value).strip()
        if match := _DAYS.fullmatch(text):
            count = int(match[1]) * (7 if match[2].lower() == "w" else 1)
            if count:
                return timedelta(days=count)
        if "-" not in text:
            self.fail("must be a number of days such as 7d or 2w, or a day", param, ctx)
        return DAY.convert(text, param, ctx)


@click.command()
@click.option(
    "--since",
    type=_Since(),
    default="7d",
    show_default=True,
    help="So many days up to the last one, such as 7d or 2w; or the first day (UTC).",
)
@click.option("--until", type=DAY, help="Last day (UTC), inclusive.  [default: today]")
@click.option("--topic", help="Only what is about this topic.")
@click.option(
    "--stories",
    type=click.IntRange(1, 50),
    default=10,
    show_default=True,
    help="How many stories to tell.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "markdown", "html", "slack", "json"]),
    default="text",
    show_default=True,
    help="slack is the JSON that an incoming webhook takes.",
)
@click.option(
    "--send",
    is_flag=True,
    help="Send it to DIGEST_EMAIL_TO and DIGEST_SLACK_WEBHOOK_URL: once for the same days.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file, all or nothing.")
def digest(
    *,
    since: date | timedelta,
    until: date | None,
    topic: str | None,
    stories: int,
    format_: str,
    out: Path | None,
    send: bool,
) -> None:
    """Tell what mattered in some days, beside as many days before.

    The stories that most sources carried and that are most relevant, with who had them first; the
    concepts that rise; how watched brands are spoken of; the sources that are new; and how much
    there was.
    """
    from newsapi_dentsu.digest.making import make_digest

    settings = load_settings()
    period = _period(since, until or datetime.now(UTC).date())
    topics = _topics(settings) if topic is not None else {}
    if topic is not None:
        topic = topics.get(topic.strip().casefold(), topic)
    if send:
        if out is not None or format_ != "text":
            raise click.UsageError("--send goes without --format and --out")
        if topic is not None and topic not in topics.values():
            raise click.UsageError(f"--topic: there are {', '.join(topics.values())}")
        _send(settings, period, topic, stories)
        return
    found = make_digest(settings, period, topic=topic, rows=stories)
    if topic is not None and topic not in topics.values() and not found.figures.articles:
        raise click.UsageError(f"--topic: there are {', '.join(topics.values())}")
    text = _formed(found, format_, settings.reading_url, to_terminal=out is None)
    if out is not None:
        with output_file(out) as part:
            part.write_text(text, encoding="utf-8", newline="")
        click.echo(f"wrote the digest to {out}", err=True)
        return
    # Data goes into a pipe as it is; a terminal is shown it.
    target = sys.stdout if sys.stdout.isatty() else raw(sys.stdout)
    target.write(text)


def _period(since: date | timedelta, until: date) -> "Period":
    from newsapi_dentsu.reading.digest import MOST_DAYS, Period

    try:
        first = since if isinstance(since, date) else until - since + timedelta(days=1)
    except OverflowError:
        raise click.UsageError(f"a digest has at most {MOST_DAYS} days") from None
    period = Period(first, until)
    if period.days < 1:
        raise click.UsageError("--since must not lie after --until")
    if period.days > MOST_DAYS:
        raise click.UsageError(f"a digest has at most {MOST_DAYS} days")
    return period


def _send(settings: Settings, period: "Period", topic: str | None, stories: int) -> None:
    from newsapi_dentsu.digest.sending import send_digest
    from newsapi_dentsu.hosting.home import database_prepared

    with database_prepared(settings, "newsapi digest"):
        pass
    sent = send_digest(settings, period, datetime.now(UTC), topic=topic, rows=stories)
    for one in sent.before:
        when = f"{one.tried_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{one.channel}: had it already, since {when}")
    for one in sent.tried:
        click.echo(f"{one.channel}: {one.status} ({one.answer})")
    if sent.failed:
        channels = ", ".join(one.channel for one in sent.failed)
        raise DigestError(f"not taken by {channels}: `newsapi digest --send` tries these again")


def _topics(settings: Settings) -> dict[str, str]:
    """The topics of topics.yaml by their names in small letters."""
    from newsapi_dentsu.source import load_topics

    return {one.name.casefold(): one.name for one in load_topics(settings).topics}


def _formed(found: "Digest", format_: str, page: str | None, *, to_terminal: bool) -> str:
    from newsapi_dentsu.digest import forms

    if format_ == "text":
        return forms.as_text(found, _width() if to_terminal else forms.MAIL_WIDTH, page)
    if format_ == "slack":
        import json

        from newsapi_dentsu.digest.slack import as_slack

        return json.dumps(as_slack(found, page), ensure_ascii=False, indent=2) + "\n"
    if format_ == "json":
        return forms.as_json(found)
    return (forms.as_markdown if format_ == "markdown" else forms.as_html)(found, page)


def _width() -> int:
    from newsapi_dentsu.cli.output import console

    screen = console(stderr=False)
    return min(screen.width, _WIDEST) if screen.is_terminal else 80
