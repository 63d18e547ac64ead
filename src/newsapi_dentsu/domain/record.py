"""Reading one article record of the news API, whatever state it is in."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from urllib.parse import urljoin

from newsapi_dentsu.domain.json_text import REPEATED, Verbatim, problems_in
from newsapi_dentsu.domain.text import canonical_json, clean_title, has_controls
from newsapi_dentsu.domain.urls import MAX_URL_LENGTH, address

MAX_RECORD_LENGTH = 2_000_000
"""Characters of JSON beyond which a record is kept but not made an article."""

FAILED = "failed"
"""The reason for which records and articles that no code can process are set aside."""

MAX_URI_LENGTH = 200
MAX_PROBLEMS = 20
"""How many of a record's values that could not be read as they are get told."""

CLOCK_TOLERANCE = timedelta(hours=1)
"""How far ahead of the index a publisher's clock may be and still be believed."""

MAX_AGE_AT_INDEXING = timedelta(days=365)
"""How long before the index found it an article may credibly have been published."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TEXT_KEYS = ("eng", "text", "value", "content", "html")
"""Where an object that stands in place of a text is likely to hold it."""

_SHOWN_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "body": str,
    "authors": list,
    "image": str,
    "sentiment": (int, float),
    "concepts": list,
    "categories": list,
    "eventUri": str,
}
"""What else an article shows of its record, and the type that the API documents for it."""

VOLATILE_FIELDS = frozenset({"sim", "wgt", "relevance"})
"""Fields that depend on the search or the hour, not on the article."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is stored in raw: the whole JSON beside the fields read from it.

    `url` is the link that people click, or the canonical url where that is too long for an index.
    `problems` names fields of another type than documented, which are read as far as they can be
    or left out, and titles with characters that steer a screen, which are cleaned; `unusable` says
    why no article can be made of the record, or is None.
    """

    uri: str
    url: str | None
    title: str | None
    published_at: datetime | None
    indexed_at: datetime | None
    lang: str | None
    data_type: str | None
    source_uri: str | None
    source_name: str | None
    is_duplicate: bool | None
    problems: tuple[str, ...]
    unusable: str | None
    record: str
    record_hash: str


@dataclass(frozen=True, slots=True)
class Content:
    """The fields of a record that its article shows, typed; lists are JSON text."""

    title: str
    body: str
    authors: str
    image: str | None
    sentiment: float | None
    concepts: str
    categories: str
    event_uri: str | None


def read_record(value: object, fetched_at: datetime) -> Record:
    """Read one element of an answer's `results`; never fails, whatever it holds.

    Fields of a wrong type count as missing and are named in `problems`, as are values of which only
    the text could be read. A record whose `uri` can't be an identity (no text, or none of bearable
    length; a whole number is one) gets one made from its content, so that reading it again finds it
    again; `problems` names `uri` then.
    """
    text = canonical_json(value)
    if not isinstance(value, Mapping):
        return _unreadable(text, _digest(text), "not_a_record", value)
    stable = {
        key: item
        for key, item in value.items()
        if key.removesuffix(REPEATED) not in VOLATILE_FIELDS
    }
    record_hash = _digest(canonical_json(stable))
    try:
        return _read(value, text, record_hash, fetched_at)
    except Exception:
        # Whatever it is about this record, the others must be stored.
        return _unreadable(text, record_hash, FAILED, value)


def _read(value: Mapping[str, object], text: str, record_hash: str, fetched_at: datetime) -> Record:
    fields = _Fields(value)
    uri = fields.text("uri", MAX_URI_LENGTH) or _number_as_uri(value.get("uri"))
    if uri is None:
        fields.problem("uri")
    source = fields.mapping("source")
    found = address(value.get("url"))
    url = None
    if found is not None:
        url = found.link if len(found.link.encode()) <= MAX_URL_LENGTH else found.page
    indexed_at = _indexed_at(fields)
    published_at = credible_date(fields.time("dateTimePub"), indexed_at, fetched_at)
    unusable = None
    if len(text) > MAX_RECORD_LENGTH:
        unusable = "too_long"
    elif url is None:
        unusable = "no_url" if not value.get("url") else "bad_url"
        fields.problem("url")
    title = fields.lenient_text("title")
    if title and has_controls(title):
        fields.problem("title")
    for name, expected in _SHOWN_TYPES.items():
        fields.expect(name, expected)
    return Record(
        uri=uri or f"content:{record_hash}",
        url=url,
        title=clean_title(title)[:1000] if title else None,
        published_at=published_at,
        indexed_at=indexed_at,
        lang=fields.text("lang", 20),
        data_type=fields.text("dataType", 20),
        source_uri=source.text("uri", 300),
        source_name=source.text("title", 300),
        is_duplicate=fields.boolean("isDuplicate"),
        problems=(
            *fields.problems,
            *(f"source.{name}" for name in source.problems),
            *islice(problems_in(value), MAX_PROBLEMS),
        ),
        unusable=unusable,
        record=text,
        record_hash=record_hash,
    )


def read_content(value: Mapping[str, object], url: str) -> Content:
    """Read what an article shows from a record that is not `unusable`; text is not yet cleaned.

    A relative address of the image is completed with the article's link, `url`.
    """
    image = value.get("image")
    fields = _Fields(value)
    return Content(
        title=fields.lenient_text("title") or "",
        body=fields.lenient_text("body") or "",
        authors=canonical_json(
            [name for item in fields.mappings("authors") if (name := item.text("name", 300))]
        ),
        image=_address(url, image),
        sentiment=fields.number("sentiment", -1, 1),
        concepts=canonical_json(
            [
                {"uri": uri, "label": item.label(), "score": item.number("score")}
                for item in fields.mappings("concepts")
                if (uri := item.text("uri", 500))
            ]
        ),
        categories=canonical_json(
            [
                {"uri": uri, "label": item.label(), "wgt": item.number("wgt")}
                for item in fields.mappings("categories")
                if (uri := item.text("uri", 500))
            ]
        ),
        event_uri=fields.text("eventUri", 200),
    )


def _address(url: str, value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        found = address(urljoin(url, value))
    except ValueError:
        return None
    return found.link if found else None


def credible_date(
    published_at: datetime | None, indexed_at: datetime | None, fetched_at: datetime
) -> datetime | None:
    """Choose an article's date: the publisher's where it is credible, else the index's.

    A publisher's date is credible when it lies at most `CLOCK_TOLERANCE` after and
    `MAX_AGE_AT_INDEXING` before the moment at which the index found the article; the index's
    own date when it isn't later than the fetch by more than the tolerance.

    Returns:
        The date, or None when neither is credible.
    """
    if indexed_at is not None and indexed_at > fetched_at + CLOCK_TOLERANCE:
        indexed_at = None
    found_at = indexed_at or fetched_at
    if (
        published_at is not None
        and found_at - MAX_AGE_AT_INDEXING <= published_at <= found_at + CLOCK_TOLERANCE
    ):
        return published_at
    return indexed_at


class _Fields:
    """Typed access to a JSON object that notes which fields were not what they should be."""

    def __init__(self, value: Mapping[str, object]) -> None:
        self._value = value
        self.problems: list[str] = []

    def problem(self, name: str) -> None:
        if name not in self.problems:
            self.problems.append(name)

    def text(self, name: str, longest: int | None = None) -> str | None:
        value = self._value.get(name)
        if value is None:
            return None
        if (
            not isinstance(value, str)
            or isinstance(value, Verbatim)
            or (longest is not None and len(value) > longest)
        ):
            self.problem(name)
            return None
        return clean_title(value) or None if longest is not None else value

    def lenient_text(self, name: str) -> str | None:
        """A text, also where it comes in parts, by languages or as a number."""
        value = self._value.get(name)
        if value is None or isinstance(value, str):
            return value
        self.problem(name)
        return _text_within(value)

    def expect(self, name: str, expected: type | tuple[type, ...]) -> None:
        """Note a field of another type."""
        value = self._value.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, expected)):
            self.problem(name)

    def boolean(self, name: str) -> bool | None:
        value = self._value.get(name)
        if value is not None and not isinstance(value, bool):
            self.problem(name)
            return None
        return value

    def number(self, name: str, least: float = -math.inf, most: float = math.inf) -> float | None:
        value = self._value.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problem(name)
            return None
        try:
            number = float(value)
        except OverflowError:
            number = math.nan
        if not math.isfinite(number) or not least <= number <= most:
            self.problem(name)
            return None
        return number

    def time(self, name: str) -> datetime | None:
        value = self._value.get(name)
        if value is None:
            return None
        moment = _parse_time(value)
        if moment is None:
            self.problem(name)
        return moment

    def mapping(self, name: str) -> "_Fields":
        value = self._value.get(name)
        if isinstance(value, Mapping):
            return _Fields(value)
        if value is not None:
            self.problem(name)
        return _Fields({})

    def mappings(self, name: str) -> list["_Fields"]:
        value = self._value.get(name)
        if value is not None and not isinstance(value, list):
            self.problem(name)
        items = value if isinstance(value, list) else []
        return [_Fields(item) for item in items if isinstance(item, Mapping)]

    def label(self) -> str | None:
        """The English label of a concept or category, or whichever there is."""
        value = self._value.get("label")
        if isinstance(value, Mapping):
            labels = _Fields(value)
            return labels.text("eng", 300) or next(
                (text for key in value if (text := labels.text(key, 300))), None
            )
        return self.text("label", 300)


def _text_within(value: object, depth: int = 3) -> str | None:
    """The text that a value of another type holds, its parts as paragraphs."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**15:
        return str(value)
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        chosen = next((key for key in _TEXT_KEYS if value.get(key)), None)
        items = [value[chosen]] if chosen else list(value.values())[:1]
    else:
        items = value if isinstance(value, list) else []
    return "\n\n".join(text for item in items if (text := _text_within(item, depth - 1))) or None


def _parse_time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # Years outside this range have no place in either engine's arithmetic on dates.
    return moment if 1900 <= moment.year <= 2200 else None


def _indexed_at(fields: _Fields) -> datetime | None:
    """When the index found the article: `dateTime`, else `date` with `time`, else `date`."""
    moment = fields.time("dateTime")
    if moment is not None:
        return moment
    day, clock = fields.text("date", 10), fields.text("time", 15)
    if day is None:
        return None
    return _parse_time(f"{day}T{clock}Z") if clock else _parse_time(f"{day}T00:00:00Z")


def _number_as_uri(value: object) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    digits = str(value)
    return digits if len(digits) <= MAX_URI_LENGTH else None


def _unreadable(text: str, digest: str, why: str, value: object) -> Record:
    return Record(
        uri=f"content:{digest}",
        url=None,
        title=None,
        published_at=None,
        indexed_at=None,
        lang=None,
        data_type=None,
        source_uri=None,
        source_name=None,
        is_duplicate=None,
        problems=("uri", *islice(problems_in(value), MAX_PROBLEMS)),
        unusable=why,
        record=text,
        record_hash=digest,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def parse_day(text: str) -> date:
    """Read a day that somebody names, such as 2026-11-28.

    Raises:
        ValueError: it isn't one, or lies where an earlier or later one could not be named; the
            message ends the sentence "since must be".
    """
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2999:
        raise ValueError("a day from 1900 to 2999 such as 2026-11-28")
    return day


def day_start(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)
