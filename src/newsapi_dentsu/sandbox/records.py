"""Turns a written text into the record of an article, with the gaps that real records have."""

import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from newsapi_dentsu.sandbox.sources import Publisher, place
from newsapi_dentsu.sandbox.tags import categories_of, concepts_of
from newsapi_dentsu.sandbox.wrapping import wrap
from newsapi_dentsu.sandbox.writer import WrittenText

# How often a record lacks a field, or shows one of the other habits of real records.
QUIRKS: Mapping[str, float] = {
    "no_dateTimePub": 0.04,
    "no_authors": 0.10,
    "no_image": 0.10,
    "relative_image": 0.03,
    "no_sentiment": 0.03,
    "no_wgt": 0.03,
    "no_event": 0.45,
    "wrong_duplicate_flag": 0.04,
    "prefixed_uri": 0.03,
    "html_entities": 0.03,
    "odd_unicode": 0.03,
    "published_days_earlier": 0.03,
    "published_after_index": 0.02,
}
_WEIGHT_EPOCH = datetime(2011, 1, 1, tzinfo=UTC)


def has_quirk(name: str, rng: random.Random) -> bool:
    """Roll for one of the habits."""
    return rng.random() < QUIRKS[name]


def build(
    text: WrittenText, source: Publisher, number: int, index_time: datetime, rng: random.Random
) -> dict[str, Any]:
    """Return the whole record of a new article, the fields of every switch included."""
    title, body = _typeset(text.title, wrap(text.body, text, source, number, index_time), rng)
    record: dict[str, Any] = {
        "uri": _uri(number, source, rng),
        "lang": source.lang,
        "isDuplicate": has_quirk("wrong_duplicate_flag", rng),
        **time_fields(index_time),
        "dateTimePub": None,
        "dataType": source.data_type,
        "sim": round(rng.uniform(0.35, 0.98), 4),
        "url": _url(text.title, source, number, index_time),
        "title": title,
        "body": body,
        "source": source.record(),
        "authors": _authors(text.cast.author, source),
        "image": f"https://cdn.{source.uri}/images/{number}.jpg",
        "eventUri": f"{source.lang}-{number % 10_000_000}",
        "sentiment": _sentiment(text, source, rng),
        "wgt": int((index_time - _WEIGHT_EPOCH).total_seconds()),
        "relevance": rng.randint(20, 100),
        "concepts": concepts_of(text.title, text.body),
        "categories": categories_of(text.topics, text.category, rng),
        "location": place(text.cast.city, text.cast.country) if rng.random() < 0.3 else None,
        "originalArticle": None,
    }
    published = _published(index_time, rng)
    if published is None:
        del record["dateTimePub"]
    else:
        record["dateTimePub"] = stamp(published)
    _leave_out(record, source, rng)
    return record


def time_fields(index_time: datetime) -> dict[str, str]:
    """Return the three forms in which a record says when it was indexed."""
    full = stamp(index_time)
    return {"date": full[:10], "time": full[11:19], "dateTime": full}


def stamp(moment: datetime) -> str:
    """Return a moment as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _leave_out(record: dict[str, Any], source: Publisher, rng: random.Random) -> None:
    for field in ("authors", "image", "sentiment", "wgt"):
        if has_quirk(f"no_{field}", rng):
            del record[field]
    if has_quirk("no_event", rng):
        record["eventUri"] = None
    if "image" in record and has_quirk("relative_image", rng):
        record["image"] = record["image"].removeprefix(f"https://cdn.{source.uri}")


def _typeset(title: str, body: str, rng: random.Random) -> tuple[str, str]:
    if has_quirk("html_entities", rng):
        title = title.replace("'", "&#39;").replace(" and ", " &amp; ")
        body = body.replace('"', "&quot;").replace(" per cent", "&nbsp;%")
    if has_quirk("odd_unicode", rng):
        # A soft hyphen, a zero-width space, a byte-order mark and a line separator.
        title = "\ufeff" + title.replace("marketing", "mar\u00adketing")
        body = body.replace(". ", ".\u200b ").replace("\n\n", "\u2028\n", 1)
    return title, body


def _uri(number: int, source: Publisher, rng: random.Random) -> str:
    prefixed = source.data_type == "blog" or has_quirk("prefixed_uri", rng)
    return f"b-{number}" if prefixed else str(number)


def _url(title: str, source: Publisher, number: int, index_time: datetime) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:70].rstrip("-")
    return f"https://www.{source.uri}/{index_time:%Y/%m}/{slug}-{number % 1_000_000}"


def _authors(name: str, source: Publisher) -> list[dict[str, Any]]:
    handle = re.sub(r"[^a-z]+", "_", name.casefold())
    uri = f"{handle}@{source.uri}"
    return [{"uri": uri, "name": name, "type": "author", "isAgency": False}]


def _sentiment(text: WrittenText, source: Publisher, rng: random.Random) -> float | None:
    if source.lang != "eng":
        return None
    return round(max(-1.0, min(1.0, rng.gauss(text.mood, 0.2))), 4)


def _published(index_time: datetime, rng: random.Random) -> datetime | None:
    if has_quirk("no_dateTimePub", rng):
        return None
    if has_quirk("published_days_earlier", rng):
        return index_time - timedelta(days=rng.randint(2, 20), minutes=rng.randint(0, 600))
    if has_quirk("published_after_index", rng):
        return index_time + timedelta(minutes=rng.randint(10, 300))
    return index_time - timedelta(minutes=rng.randint(3, 110))
