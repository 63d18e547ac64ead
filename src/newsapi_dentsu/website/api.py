"""The REST API, version 1: articles, stories and changes as JSON, and all articles in bulk."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from newsapi_dentsu.reading import states, stories
from newsapi_dentsu.reading.hits import Place
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.memory import remembered_each
from newsapi_dentsu.reading.parquet import parquet_stream
from newsapi_dentsu.reading.search import MOST_CHARACTERS
from newsapi_dentsu.reading.states import ARTICLE_TYPES, ARTICLES
from newsapi_dentsu.reading.tones import OF_ARTICLES
from newsapi_dentsu.reading.trends import MOST_CONCEPTS, MOST_WEEKS
from newsapi_dentsu.visible import visible
from newsapi_dentsu.warehouse.engines.base import Row, Session
from newsapi_dentsu.website.questions import (
    MOST_DAYS,
    QuestionError,
    article_filter,
    article_place,
    change_number,
    encoded,
    limit,
    list_question,
    story_rank,
)
from newsapi_dentsu.wording import utc_text

USUAL: Final = 50
MOST: Final = 500
MOST_STORIES: Final = 100
USUAL_HITS: Final = 20
MOST_HITS: Final = 100
_BULK_ROWS: Final = 500
_ID: Final = ARTICLES.columns.index("article_id")
_CHANGE: Final = ARTICLES.columns.index("change_seq")
_LONGEST_NAME: Final = 40


class Parameter(NamedTuple):
    """A parameter of an operation, for its description."""

    name: str
    about: str
    schema: Mapping[str, Any]


class Operation(NamedTuple):
    """An operation: its path, what it gives, its parameters, and the name of what it answers."""

    path: str
    about: str
    parameters: tuple[Parameter, ...]
    answer: str


_TEXT: Final = {"type": "string", "maxLength": 200}
_SEARCH: Final = {"type": "string", "maxLength": MOST_CHARACTERS}
_DAY: Final = {"type": "string", "format": "date"}
_SINCE = Parameter("since", "First day, UTC.", _DAY)
_UNTIL = Parameter("until", "Last day, UTC, inclusive.", _DAY)
_SOURCE = Parameter("source", "Part of the source's name or domain.", _TEXT)
_DOMAIN = Parameter("source", "The domain of a source where the story ran.", _TEXT)
_TOPIC = Parameter("topic", "A topic that it is about.", _TEXT)
_LANG = Parameter("lang", "Language, ISO 639-2, such as eng.", _TEXT)
_WORDS = Parameter("q", 'A search, such as agency "series b" -crypto source:adledger.', _SEARCH)
_CURSOR = Parameter("cursor", "What the page before says in next.", {"type": "string"})


def _limit(most: int, usual: int = USUAL) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": min(usual, most)}
    return Parameter("limit", "How many a page.", schema)


_BRAND = Parameter("brand", "Whole name of whom they speak about.", _TEXT)
_TONE = Parameter(
    "tone",
    "How they speak of the brand; without one, in title and first sentence.",
    {"type": "string", "enum": list(OF_ARTICLES)},
)

_FILTERS = (_SINCE, _UNTIL, _SOURCE, _TOPIC, _LANG, _BRAND, _TONE, _WORDS)

OPERATIONS: Final = (
    Operation(
        "/api/v1/articles",
        "The articles, the newest first; all pages are of one state.",
        (*_FILTERS, _limit(MOST), _CURSOR),
        "Articles",
    ),
    Operation(
        "/api/v1/articles.jsonl",
        "All articles that match, one JSON object a line.",
        _FILTERS,
        "jsonl",
    ),
    Operation("/api/v1/articles.csv", "All articles that match, as CSV.", _FILTERS, "csv"),
    Operation(
        "/api/v1/articles.parquet",
        "All articles that match, as a Parquet file.",
        _FILTERS,
        "parquet",
    ),
    Operation("/api/v1/articles/{article_id}", "One article.", (), "Article"),
    Operation(
        "/api/v1/articles/{article_id}/tones",
        "How one article speaks about whom, and the sentences.",
        (),
        "Tones",
    ),
    Operation(
        "/api/v1/stories",
        "The stories of some days, most carried first.",
        (
            _UNTIL,
            Parameter(
                "days",
                "Days up to then.",
                {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 1},
            ),
            *(_DOMAIN, _TOPIC, _LANG, _WORDS, _limit(MOST_STORIES), _CURSOR),
        ),
        "Stories",
    ),
    Operation("/api/v1/stories/{story_id}", "One story, and where it ran.", (), "Story"),
    Operation(
        "/api/v1/stories/{story_id}/tones",
        "How one story speaks about whom, all its articles together, and the sentences.",
        (),
        "Tones",
    ),
    Operation(
        "/api/v1/changes",
        "Everything that came, changed or left, in order; ask again with the cursor in next.",
        (_limit(MOST), _CURSOR),
        "Changes",
    ),
    Operation(
        "/api/v1/search",
        "The hits of a search, the newest first or, for one page, those that fit best; all pages "
        "are of one state.",
        (
            _WORDS,
            Parameter(
                "sort",
                "relevance looks among the newest 2,000 hits and has no further pages.",
                {"type": "string", "enum": ["newest", "relevance"], "default": "newest"},
            ),
            _limit(MOST_HITS, USUAL_HITS),
            _CURSOR,
        ),
        "Hits",
    ),
    Operation(
        "/api/v1/search/facets",
        "What the newest 1,000 hits can be narrowed down by.",
        (_WORDS,),
        "Facets",
    ),
    Operation(
        "/api/v1/stories/{story_id}/related", "Stories that are akin to one.", (), "RelatedStories"
    ),
    Operation(
        "/api/v1/trends",
        "Articles a week, the first sources, rising concepts, the shares of those chosen, and how "
        "stories speak about chosen brands; a week that isn't complete says so.",
        (
            Parameter(
                "weeks",
                "Weeks up to the newest day.",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_WEEKS,
                    "default": 12,
                },
            ),
            Parameter(
                "concepts",
                f"Concepts to compare, separated by commas; {MOST_CONCEPTS} at most.",
                {"type": "string", "maxLength": 500},
            ),
            Parameter(
                "brands",
                "Brands, companies or people to compare by how stories speak about them, separated "
                f"by commas; {MOST_CONCEPTS} at most.",
                {"type": "string", "maxLength": 500},
            ),
        ),
        "Trends",
    ),
    Operation(
        "/api/v1/sources/{source_uri}",
        "How much a publication had in 90 days, how fast, and how often it was copied.",
        (),
        "Source",
    ),
)


_PARAMETERS: Final = {
    one.path: {parameter.name: parameter for parameter in one.parameters} for one in OPERATIONS
}


def check_given(path: str, given: Iterable[tuple[str, str]]) -> None:
    """Refuse parameters that an operation doesn't have, that are given twice, or without a value.

    Raises:
        QuestionError: there is such a one.
    """
    known = _PARAMETERS.get(path, {})
    seen: set[str] = set()
    for name, value in given:
        if name not in known:
            offered = ", ".join(sorted(known)) or "none"
            raise QuestionError(
                f"{visible(name[:_LONGEST_NAME])!r} is no parameter here; there are: {offered}"
            )
        if name in seen:
            raise QuestionError(f"{name} is given twice")
        seen.add(name)
        schema = known[name].schema
        is_text = schema["type"] == "string" and not {"format", "enum"} & schema.keys()
        if not is_text and (not value or value != value.strip()):
            raise QuestionError(f"{name} needs a value, without white space")


def articles(session: Session, given: Mapping[str, str]) -> bytes:
    """A page of articles, with how many there are in all, as JSON."""
    wanted, rows = article_filter(given), limit(given, USUAL, MOST)
    cursor = given.get("cursor")
    state, after = (
        article_place(cursor) if cursor else (states.state_to_read(session, wanted), None)
    )
    found = states.articles_page(session, ARTICLES, state, wanted, after=after, rows=rows + 1)
    last = found[rows - 1] if len(found) > rows else None
    total = states.articles_count(session, ARTICLES, state, wanted)
    begin = as_json(states.found_since(session, wanted))
    following = as_json(encoded(state, *ARTICLES.place(last)) if last else None)
    pieces = [
        f'{{"state": {state}, "total": {total}, "found_since": {begin}, "articles": ['.encode()
    ]
    for told in _articles_json(session, found[:rows]):
        pieces += (told, b", ")
    if len(pieces) > 1:
        pieces.pop()
    pieces.append(f'], "next": {following}}}'.encode())
    return b"".join(pieces)


def _articles_json(session: Session, rows: Sequence[Row]) -> list[bytes]:
    """Articles as JSON; made once of each that is read again and again."""
    return remembered_each(
        session,
        [("json", row[_ID], row[_CHANGE]) for row in rows],
        lambda number: as_json(_article(rows[number])).encode(),
        len,
    )


def article(session: Session, article_id: str) -> dict[str, Any] | None:
    """One article; None where there is no such."""
    found = states.articles_by_id(session, [article_id], ARTICLES.columns).get(article_id)
    return _article(found) if found else None


def story_list(session: Session, given: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """A page of stories."""
    question, rows = list_question(given), limit(given, USUAL, MOST_STORIES)
    cursor = given.get("cursor")
    wanted = question.wanted(stories.read_state(session).newest or now.astimezone(UTC).date())
    found = stories.most_carried(
        session, wanted, after=story_rank(cursor) if cursor else None, rows=rows + 1
    )
    shown = found[:rows]
    return {
        "since": wanted.since,
        "until": wanted.until,
        "found_since": stories.found_since(session, wanted),
        "stories": [asdict(one.story) for one in shown],
        "next": encoded(*shown[-1].rank) if len(found) > rows else None,
    }


def story(session: Session, story_id: str) -> dict[str, Any] | None:
    """One story with the places where it ran; None where there is no such."""
    found = stories.stories_by_id(session, [story_id]).get(story_id)
    if found is None:
        return None
    ran = stories.places(session, [story_id], stories.MOST_PLACES).get(story_id, [])
    return {**asdict(found), "places": [asdict(place) for place in ran]}


def changes(session: Session, given: Mapping[str, str]) -> dict[str, Any]:
    """The changes after those that were taken."""
    rows = limit(given, USUAL, MOST)
    after = change_number(given["cursor"]) if given.get("cursor") else -1
    found = states.changes_after(session, after, rows)
    last = found[-1].change_seq if found else max(after, 0)
    return {
        "changes": [asdict(change) for change in found],
        "more": len(found) == rows,
        "next": encoded(last),
    }


def bulk(library: Library, given: Mapping[str, str], write: "Writer") -> Iterator[bytes]:
    """All articles that match, in one state, page by page.

    Raises:
        QuestionError: at once, if the question is malformed.
    """
    wanted = article_filter(given)
    state = library.read(lambda session: states.state_to_read(session, wanted))

    def pages() -> Iterator[str]:
        yield write.begin()
        after: Place | None = None
        while True:
            page = library.read(
                partial(
                    states.articles_page,
                    relation=ARTICLES,
                    state=state,
                    wanted=wanted,
                    after=after,
                    rows=_BULK_ROWS,
                )
            )
            yield "".join(write.row(row) for row in page)
            if len(page) < _BULK_ROWS:
                return
            after = ARTICLES.place(page[-1])

    return write.whole(pages())


class Writer(NamedTuple):
    """A format for articles in bulk: how it begins, a row, and what makes bytes of all that."""

    kind: str
    name: str
    begin: Callable[[], str]
    row: Callable[[Row], str]
    whole: Callable[[Iterator[str]], Iterator[bytes]]


def _csv_line(values: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return plain(value) if isinstance(value, datetime) else value


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    # A lone half of a pair of surrogates has no bytes.
    return (piece.encode(errors="replace") for piece in pieces if piece)


JSON_LINES: Final = Writer(
    "application/jsonl",
    "articles.jsonl",
    lambda: "",
    lambda row: as_json(_article(row)) + "\n",
    _encoded,
)
CSV: Final = Writer(
    "text/csv; charset=utf-8",
    "articles.csv",
    lambda: _csv_line(list(ARTICLES.columns)),
    lambda row: _csv_line([_csv_cell(value) for value in row]),
    _encoded,
)
PARQUET: Final = JSON_LINES._replace(
    kind="application/vnd.apache.parquet",
    name="articles.parquet",
    whole=lambda lines: parquet_stream(lines, ARTICLE_TYPES),
)


def as_json(value: Any) -> str:
    """A value as JSON; times in UTC."""
    return json.dumps(value, ensure_ascii=False, default=plain)


def plain(value: Any) -> str:
    """A time or day as text."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no JSON value")


def _article(row: Row) -> dict[str, Any]:
    return dict(zip(ARTICLES.columns, row, strict=True))
