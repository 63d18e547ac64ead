"""Rows of somebody else's news tables as records of the news API.

Two formats are read, which their providers document: newsapi.ai's articles and NewsAPI.org's. Their
nested objects may be structs, JSON, or columns such as `source_name`. This program's own tables are
read too. Each row becomes a record as newsapi.ai would have given it, so that it goes the way of
every record from there on; columns without a counterpart are kept in it under `legacy`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from newsapi_dentsu.domain.json_text import parse_json
from newsapi_dentsu.domain.language import alpha3
from newsapi_dentsu.domain.record import Record, read_record
from newsapi_dentsu.domain.text import canonical_json

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "url": ("url",),
    "uri": ("uri",),
    "title": ("title",),
    "body": ("body", "content", "description"),
    "dateTimePub": ("datetimepub", "publishedat", "datetime", "date"),
    "dateTime": ("datetime", "indexedat"),
    "fetched": ("fetchedat",),
    "source_name": ("sourcename", "sourcetitle"),
    "source_uri": ("sourceuri", "sourceid"),
    "source": ("source",),
    "authors": ("authors", "author"),
    "lang": ("lang", "language"),
    "dataType": ("datatype",),
    "image": ("image", "urltoimage"),
    "sentiment": ("sentiment",),
    "concepts": ("concepts",),
    "categories": ("categories",),
    "eventUri": ("eventuri",),
    "isDuplicate": ("isduplicate",),
    "record": ("record", "rawjson"),
}
"""What each field of a record may be called: lower case, letters and digits only, best first."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A row as a record, when it was fetched, and the columns whose values could not be read."""

    record: Record
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which columns of a table give which field of a record, best first; and the others."""

    fields: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...] = field(default=())

    @property
    def is_news(self) -> bool:
        """Whether rows of the table can be articles."""
        return "record" in self.fields or (
            "url" in self.fields and bool({"title", "body"} & self.fields.keys())
        )


def map_columns(names: Iterable[str]) -> ColumnMap:
    """Find out what the columns of a table are, by their names."""
    by_key: dict[str, str] = {}
    given = list(names)
    for name in given:
        by_key.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), name)
    fields = {
        field_: found
        for field_, aliases in ALIASES.items()
        if (found := tuple(by_key[alias] for alias in aliases if alias in by_key))
    }
    used = {name for found in fields.values() for name in found}
    return ColumnMap(fields, tuple(name for name in given if name not in used))


def map_row(
    row: Mapping[str, Any],
    columns: ColumnMap,
    *,
    prefix: str,
    language: str,
    now: datetime,
) -> Mapped:
    """Make a record of a row; never fails, whatever the row holds.

    Args:
        row: the row's values by column name.
        columns: what the columns are.
        prefix: begins the uri of a row that has none, before a hash of its content.
        language: taken for rows that don't say theirs.
        now: taken as the time of fetching where the row doesn't tell, and no row is later.
    """

    def first(name: str) -> Any:
        found = (row[column] for column in columns.fields.get(name, ()))
        return next((value for value in found if not _blank(value)), None)

    value: dict[str, Any] = {}
    whole = _structured(first("record"))
    if isinstance(whole, dict):
        value |= whole
    published = _moment(first("dateTimePub"))
    candidate: dict[str, Any] = {
        "url": _text(first("url")),
        "uri": _text(first("uri")),
        "title": _text(first("title")),
        "body": _text(first("body")),
        "dateTimePub": published,
        # Without it an old article's date would not be believed.
        "dateTime": _moment(first("dateTime")) or published,
        "source": _source(first("source"), first("source_name"), first("source_uri")),
        "authors": _authors(first("authors")),
        "lang": _language(first("lang")) or language,
        "dataType": _text(first("dataType")) or "news",
        "image": _text(first("image")),
        "sentiment": _number(first("sentiment")),
        "concepts": _structured(first("concepts")),
        "categories": _structured(first("categories")),
        "eventUri": _text(first("eventUri")),
        "isDuplicate": first("isDuplicate"),
    }
    for name, item in candidate.items():
        if item is not None and _blank(value.get(name)):
            value[name] = item
    rest = {name: _json(row[name]) for name in columns.others if not _blank(row[name])}
    if rest:
        value["legacy"] = rest
    if _blank(value.get("uri")):
        value["uri"] = prefix + sha256(canonical_json(value).encode()).hexdigest()[:32]
    fetched_at = _time(first("fetched")) or now
    return Mapped(read_record(value, min(fetched_at, now)), min(fetched_at, now))


def _blank(value: object) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _text(value: object) -> str | None:
    return None if value is None else value if isinstance(value, str) else str(_json(value))


def _moment(value: object) -> Any:
    """A time as the API writes it; what can't be read stays as it is, to be named a problem."""
    moment = _time(value)
    if moment is not None:
        return moment.isoformat().replace("+00:00", "Z")
    return _json(value)


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    with suppress(ValueError, OverflowError):
        if isinstance(value, str):
            return _time(datetime.fromisoformat(value.strip()))
    return None


def _language(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    return alpha3(text) or text


def _number(value: object) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return _json(value)


def _structured(value: object) -> Any:
    """A list or mapping: as it is, or as JSON text."""
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in ("{", "["):
            with suppress(ValueError):
                return parse_json(text)
        return value
    return _json(value)


def _source(value: object, name: object, uri: object) -> Any:
    given = _structured(value)
    title, address = _text(name), _text(uri)
    if isinstance(given, dict):
        title = title or _text(given.get("title") or given.get("name"))
        address = address or _text(given.get("uri") or given.get("id"))
    elif isinstance(given, str) and given.strip():
        title = title or given.strip()
    if address and "//" in address:
        address = urlsplit(address).hostname
    found = {key: item for key, item in (("title", title), ("uri", address)) if item}
    return found or None


def _authors(value: object) -> Any:
    given = _structured(value)
    if isinstance(given, str):
        given = re.split(r"\s*[;,]\s*", given.strip())
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, Sequence):
        return None
    names = [_text(item.get("name")) if isinstance(item, dict) else _text(item) for item in given]
    return [{"name": name} for name in names if name] or None


def _json(value: object) -> Any:
    """A value as JSON can hold it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else str(value)
