"""`newsapi articles`: read or export the final articles."""

import csv
import json
import re
import shlex
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from newsapi_dentsu.cli.days import DAY
from newsapi_dentsu.cli.filters import stripped
from newsapi_dentsu.cli.output import console, print_rows
from newsapi_dentsu.cli.outputs import out_option, output_file
from newsapi_dentsu.errors import BrandsError
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.visible import raw
from newsapi_dentsu.wording import counted, utc_text

if TYPE_CHECKING:
    from newsapi_dentsu.reading.states import ArticleFilter, Pages
    from newsapi_dentsu.warehouse import Warehouse


TABLE_ROWS = 20
_LISTS = {"authors", "concepts", "categories", "other_sources", "topic_relevance", "flags"}
_IN_JSON = {"publishedAt": "published_at"}
"""What JSON calls a column otherwise than the table: as the views and the REST API do."""

_BOM = "\ufeff"
_UNSEEN = (
    r"\s\0-\x1f\x7f-\x9f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
    r"\ufe00-\ufe0f\ufeff"
)
_SIGNS = r"=+\-@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
_FORMULA = re.compile(rf"[{_UNSEEN}]*[{_SIGNS}]|[\t\r\n]")
"""How a formula begins, with what can't be seen before it, and in wide and small forms (OWASP)."""

_FORMULA_WITHIN = re.compile(rf'(?<![{_UNSEEN};"])[{_UNSEEN};"]++(?=[{_SIGNS}])')
"""What may stand between a cell's end and a formula. Where decimals have commas, Excel ends cells
at semicolons, and then knows no quotation marks but those that a cell begins with."""

_ENDS_OF_CELLS = re.compile(r"[;\t\r\n]")


@click.command()
@click.option("--since", type=DAY, help="First day (UTC).")
@click.option("--until", type=DAY, help="Last day (UTC), inclusive.")
@click.option("--source", callback=stripped, help="Part of the source's name or domain.")
@click.option("--text", callback=stripped, help="Words that title or body contain.")
@click.option(
    "--search",
    "asked",
    default="",
    help='A search such as: agency "series b" -crypto source:adledger since:2026-11-01',
)
@click.option(
    "--brand",
    callback=stripped,
    help="Whole name of a brand, company or person that they speak about.",
)
@click.option(
    "--tone",
    type=click.Choice(["negative", "neutral", "positive", "uncertain", "not_scored"]),
    help="How they speak of the --brand; without one, in title and first sentence.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "jsonl", "csv", "parquet"]),
    default="table",
    show_default=True,
    help="parquet needs --out.",
)
@out_option("Write to this file, all or nothing; - is the output.")
@click.option(
    "--excel",
    is_flag=True,
    help="With csv: as Excel wants it. UTF-8 is marked (BOM), and before what Excel would take for "
    "a formula, on a new line or after a semicolon as well, stands an apostrophe.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"At most so many, the newest first (default: {TABLE_ROWS} in a table, else all).",
)
def articles(
    *,
    since: date | None,
    until: date | None,
    source: str | None,
    text: str | None,
    asked: str,
    brand: str | None,
    tone: str | None,
    format_: str,
    out: Path | None,
    excel: bool,
    limit: int | None,
) -> None:
    """List or export final articles, the newest first.

    A table has a line for each article: on a terminal as much of it as fits, and the link where it
    is wide enough; in a pipe all of it.

    csv and parquet have the columns of final.filtered_news; jsonl has the names of the view
    final.articles and of the REST API, and real lists.
    """
    from newsapi_dentsu.reading.index import open_copy_index
    from newsapi_dentsu.reading.search import parse_search
    from newsapi_dentsu.reading.states import ArticleFilter, read_articles
    from newsapi_dentsu.warehouse import open_to_read

    try:
        search = parse_search(asked)
    except ValueError as error:
        raise click.UsageError(f"--search: {error}") from None
    if since and until and since > until:
        raise click.UsageError("--since must not lie after --until")
    wanted = ArticleFilter(
        since=since,
        until=until,
        source=source,
        text=text,
        brand=brand,
        tone=tone,
        search=search,
    )
    if format_ == "table":
        if out is not None:
            raise click.UsageError("a table goes to the screen: choose another --format for --out")
        limit = limit or TABLE_ROWS
    if excel and format_ != "csv":
        raise click.UsageError("--excel goes with --format csv")
    if format_ == "parquet" and out is None:
        raise click.UsageError("--format parquet needs --out FILE")
    settings = load_settings()
    warehouse = open_to_read(settings)
    if settings.use_postgres:
        pages = read_articles(warehouse, wanted, limit)
    else:
        # The index beside the reader's copy knows the words; articles are read where they are.
        pages = read_articles(
            warehouse, wanted, limit, lambda _: open_copy_index(settings.reading_folder)
        )
    if search.reads_texts:
        _tell_found_since(warehouse, wanted, settings)
    if wanted.brand or wanted.tone:
        _tell_of_tones(warehouse, wanted.brand, settings)
    if format_ == "table":
        _show(pages)
    elif out is None:
        # Data goes into a pipe as it is; a terminal is shown it.
        _write_text(
            pages, format_, sys.stdout if sys.stdout.isatty() else raw(sys.stdout), excel=excel
        )
    else:
        count = _write_file(pages, format_, out, excel=excel)
        click.echo(f"wrote {counted(count, 'article')} to {out}", err=True)


def _tell_found_since(warehouse: "Warehouse", wanted: "ArticleFilter", settings: Settings) -> None:
    """Tell on stderr where the index of searches doesn't have all articles yet."""
    from newsapi_dentsu.reading.index import index_of, open_copy_index
    from newsapi_dentsu.reading.states import found_since

    with warehouse.snapshot() as session:
        index = (
            index_of(session) if settings.use_postgres else open_copy_index(settings.reading_folder)
        )
        since = found_since(session, wanted, index)
    if since is not None:
        click.echo(
            f"articles from before {utc_text(since)} can't be found yet: "
            "newsapi searches index makes the rest of the index",
            err=True,
        )


def _tell_of_tones(warehouse: "Warehouse", brand: str | None, settings: Settings) -> None:
    """Tell on stderr where tones are missing, or nobody is known by a brand's name."""
    from newsapi_dentsu.reading.tones import names_like, unread

    with warehouse.snapshot() as session:
        without, every = unread(session)
        like = names_like(session, brand) if brand else None
    if without == every:
        click.echo("no article's tone has been read yet: newsapi run reads them", err=True)
        return
    if without:
        told = f"the tone of {without:,} of {counted(every, 'article')} has not been read yet"
        click.echo(f"{told}: the next runs read them", err=True)
    if brand and like is not None:
        click.echo(_unknown_brand(brand, like, settings), err=True)


def _unknown_brand(name: str, like: Sequence[str], settings: Settings) -> str:
    """What to do where no article speaks about somebody of this name."""
    from newsapi_dentsu.domain.names import name_key
    from newsapi_dentsu.mistakes import nearest
    from newsapi_dentsu.source import load_brands

    try:
        brands = load_brands(settings).brands
    except BrandsError as error:
        return f"no article speaks about {name}; {error}"
    key = name_key(name)
    watched = {name_key(brand.name): brand.name for brand in brands}
    if key in watched:
        return f"no article that was read speaks about {watched[key]}, which is watched"
    for brand in brands:
        if key in map(name_key, brand.aliases):
            return f"{name} is an alias: ask for --brand {shlex.quote(brand.name)}"
    near = nearest(key, watched)
    meant = dict.fromkeys([*([watched[near]] if near else []), *like])
    if meant:
        return f"no article speaks about {name}: did you mean {' or '.join(meant)}?"
    return (
        f"no article speaks about {name}: names are those of brands.yaml, and of the companies and "
        "people that the index tags (docs/sentiment.md)"
    )


def _show(pages: "Pages") -> None:
    from newsapi_dentsu.warehouse.tables import final

    names = list(final.COLUMNS)
    articles = [dict(zip(names, row, strict=True)) for page in pages for row in page]
    if not articles:
        click.echo("no articles match", err=True)
        return
    if any(article["origin"] == "sandbox" for article in articles):
        click.echo("SANDBOX: these articles are invented.", err=True)
    print_rows(
        console(stderr=False),
        ("published (UTC)", "source", "title", "link"),
        [
            (
                f"{article['publishedAt']:%Y-%m-%d %H:%M}",
                *(article[name] or "" for name in ("source_name", "title", "link")),
            )
            for article in articles
        ],
    )


def _write_text(pages: "Pages", format_: str, target: IO[str], *, excel: bool) -> int:
    from newsapi_dentsu.warehouse.tables import final

    names = list(final.COLUMNS)
    count = 0
    writer = csv.writer(target)
    if excel:
        target.write(_BOM)
    if format_ == "csv":
        writer.writerow(names)
    for page in pages:
        count += len(page)
        if format_ == "csv":
            cell = _cell_of_excel if excel else _plain
            writer.writerows([[cell(value) for value in row] for row in page])
        else:
            for row in page:
                article = {
                    _IN_JSON.get(name, name): json.loads(value) if name in _LISTS else _plain(value)
                    for name, value in zip(names, row, strict=True)
                }
                target.write(json.dumps(article, ensure_ascii=False) + "\n")
    return count


def _plain(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


def _cell_of_excel(value: Any) -> Any:
    """What Excel shows as it is: it takes a text that begins like a formula for one."""
    if not isinstance(value, str):
        return _plain(value)
    text = _FORMULA_WITHIN.sub(
        lambda found: found[0] + "'" * bool(_ENDS_OF_CELLS.search(found[0])), value
    )
    return f"'{text}" if _FORMULA.match(value) else text


def _write_file(pages: "Pages", format_: str, out: Path, *, excel: bool) -> int:
    from newsapi_dentsu.reading.parquet import write_parquet

    with output_file(out) as part:
        if format_ == "parquet":
            return write_parquet(pages, part, part.with_name("rows.duckdb"))
        with part.open("w", encoding="utf-8", newline="") as target:
            return _write_text(pages, format_, target, excel=excel)
