"""What a request asks for, read from its address; a mistake is told in plain English."""

import base64
import binascii
import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from newsapi_dentsu.domain.record import parse_day
from newsapi_dentsu.reading.hits import Place
from newsapi_dentsu.reading.search import MOST_CHARACTERS, Search, parse_search
from newsapi_dentsu.reading.states import ArticleFilter
from newsapi_dentsu.reading.stories import Rank, StoryFilter
from newsapi_dentsu.reading.tones import OF_ARTICLES
from newsapi_dentsu.reading.trends import MOST_CONCEPTS, MOST_WEEKS

PERIODS: Final = ((1, "1 day"), (7, "7 days"), (30, "30 days"))
MOST_DAYS: Final = 31
"""Days whose stories are listed together at most."""

_LONGEST: Final = 200

_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")


class QuestionError(Exception):
    """The address of a request can't be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class ListQuestion:
    """A list of stories that a page or feed shows."""

    q: str = ""
    source: str = ""
    topic: str = ""
    lang: str = ""
    days: int = 1
    until: date | None = None

    @property
    def filtered(self) -> bool:
        """Whether it leaves out stories of its days."""
        return bool(self.q or self.source or self.topic or self.lang)

    def wanted(self, newest: date) -> StoryFilter:
        """The stories that it asks for; `newest` is the newest day that has any."""
        until = self.until or newest
        return StoryFilter(
            until - timedelta(days=self.days - 1),
            until,
            source=self.source or None,
            topic=self.topic or None,
            lang=self.lang or None,
            search=_search(self.q),
        )

    def path(self, base: str = "/stories", **changes: Any) -> str:
        """The address of the list with some of it changed."""
        changed = replace(self, **changes)
        values = {
            "q": changed.q,
            "source": changed.source,
            "topic": changed.topic,
            "lang": changed.lang,
            "days": changed.days if changed.days != 1 else "",
            "until": changed.until or "",
        }
        asked = urlencode({name: value for name, value in values.items() if value != ""})
        return f"{base}?{asked}" if asked else base


def list_question(given: Mapping[str, str], days: int = 1) -> ListQuestion:
    """Read the parameters of a list.

    Raises:
        QuestionError: one of them is malformed.
    """
    asked = words(given)
    _search(asked)
    return ListQuestion(
        q=asked,
        source=_text(given, "source"),
        topic=_text(given, "topic"),
        lang=_text(given, "lang"),
        days=_number(given, "days", days, 1, MOST_DAYS),
        until=day(given, "until"),
    )


def article_filter(given: Mapping[str, str]) -> ArticleFilter:
    """Read the filters of a list of articles.

    Raises:
        QuestionError: one of them is malformed.
    """
    since, until = day(given, "since"), day(given, "until")
    search = _search(words(given))
    if since and until and since > until:
        raise QuestionError("since must not lie after until")
    return ArticleFilter(
        since=since,
        until=until,
        source=_text(given, "source") or None,
        search=search,
        topic=_text(given, "topic") or None,
        lang=_text(given, "lang") or None,
        brand=_text(given, "brand") or None,
        tone=_tone(given),
    )


def _tone(given: Mapping[str, str]) -> str | None:
    text = _text(given, "tone")
    if text and text not in OF_ARTICLES:
        raise QuestionError(f"tone must be one of {', '.join(OF_ARTICLES)}")
    return text or None


def searched(given: Mapping[str, str]) -> Search:
    """Read a search; without words it has all articles.

    Raises:
        QuestionError: it is malformed.
    """
    return _search(words(given))


def trend_question(given: Mapping[str, str]) -> tuple[int, list[str], list[str]]:
    """Read how many weeks, and which concepts and which brands are to be compared.

    Raises:
        QuestionError: one of them is malformed.
    """
    weeks = _number(given, "weeks", 12, 1, MOST_WEEKS)
    return weeks, _names(given, "concepts"), _names(given, "brands")


def _names(given: Mapping[str, str], name: str) -> list[str]:
    """Names separated by commas; one that has a comma is in quotation marks."""
    rows = csv.reader([" ".join(_text(given, name, 500).split())], skipinitialspace=True)
    return chosen([part for row in rows for part in row], name)


def chosen(names: Sequence[str], name: str) -> list[str]:
    """The names that are to be compared, each once.

    Raises:
        QuestionError: there are too many, or one can't be a name.
    """
    found = list(dict.fromkeys(one.strip() for one in names if one.strip()))
    if len(found) > MOST_CONCEPTS or not all(map(is_storable, found)):
        raise QuestionError(f"{name} must be at most {MOST_CONCEPTS} names, separated by commas")
    return found


def names_text(names: Sequence[str]) -> str:
    """Names as an address has them, separated by commas."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


def limit(given: Mapping[str, str], usual: int, most: int) -> int:
    """Read how many are wanted.

    Raises:
        QuestionError: it isn't a number from 1 to `most`.
    """
    return _number(given, "limit", usual, 1, most)


def day(given: Mapping[str, str], name: str) -> date | None:
    """Read a day.

    Raises:
        QuestionError: it isn't one.
    """
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise QuestionError(f"{name} must be {error}") from None


def is_storable(text: str) -> bool:
    """Whether databases take a text: NUL and halves of characters are none of theirs."""
    return _NOT_STORABLE.search(text) is None


def _text(given: Mapping[str, str], name: str, longest: int = _LONGEST) -> str:
    text = given.get(name, "")
    if len(text) > longest or not is_storable(text):
        raise QuestionError(f"{name} must have at most {longest:,} characters, none of them NUL")
    return text.strip()


def words(given: Mapping[str, str]) -> str:
    """Read a search as it was typed.

    Raises:
        QuestionError: it is too long.
    """
    return _text(given, "q", MOST_CHARACTERS)


def _search(text: str) -> Search:
    try:
        return parse_search(text)
    except ValueError as error:
        raise QuestionError(str(error)) from None


def _number(given: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = given.get(name, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise QuestionError(f"{name} must be a whole number from {least:,} to {most:,}")
    return int(text)


def encoded(*values: object) -> str:
    """A place in a list, as text for an address."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def article_place(cursor: str) -> tuple[int, Place]:
    """The state and the place in it that a cursor tells.

    Raises:
        QuestionError: it isn't one of this list's.
    """
    state, published_at, article_id = _decoded(cursor, int, datetime, str)
    return state, Place(published_at, article_id)


def story_rank(cursor: str) -> Rank:
    """The rank that a cursor tells.

    Raises:
        QuestionError: it isn't one of this list's.
    """
    return Rank(*_decoded(cursor, int, datetime, str))


def change_number(cursor: str) -> int:
    """The number of a change that a cursor tells.

    Raises:
        QuestionError: it isn't one of this list's.
    """
    (number,) = _decoded(cursor, int)
    return int(number)


def _decoded(cursor: str, *kinds: type) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise ValueError
        told: list[Any] = [
            datetime.fromisoformat(value) if kind is datetime else value
            for value, kind in zip(values, kinds, strict=True)
        ]
        right = all(
            type(value) is kind and not (isinstance(value, int) and abs(value) >= 2**63)
            for value, kind in zip(told, kinds, strict=True)
        )
        if not right or any(isinstance(one, datetime) and one.tzinfo is None for one in told):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise QuestionError(
            "the cursor isn't one that this list has given: begin again without it"
        ) from None
    return told
