"""Which record of a web page is its article: url twins and versions, whatever the arrival order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Literal

Outcome = Literal["article", "superseded", "url_twin"]

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One raw record of a web page.

    `text_at` is the time since which the page is known to have shown this text: when the index
    found it, or, for a record that came again changed, when it was fetched.
    """

    raw_seq: int
    uri: str
    uri_version: int
    text_hash: str
    text_at: datetime | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The article of a web page: which record gives it, and what the others are."""

    raw_seq: int
    version: int
    published_at: datetime | None
    outcomes: dict[int, Outcome]


def resolve(occurrences: Iterable[Occurrence]) -> Resolution:
    """Choose the article among all records of one canonical url.

    The newest text wins; of the records that carry it, the one published first. `version` counts
    the texts that the page has shown, one after the other; `published_at` is the earliest of all.
    The result depends on the set of records only, not on their order.

    Raises:
        ValueError: there are no records.
    """
    records = sorted(occurrences, key=lambda item: (_text_order(item), item.uri_version))
    if not records:
        raise ValueError("a page has at least one record")
    newest_of_uri: dict[str, Occurrence] = {}
    for record in records:
        known = newest_of_uri.get(record.uri)
        if known is None or record.uri_version > known.uri_version:
            newest_of_uri[record.uri] = record
    live = newest_of_uri.values()
    newest = max(live, key=_text_order)
    same_text = [record for record in live if record.text_hash == newest.text_hash]
    chosen = min(
        same_text,
        key=lambda item: (item.published_at or _LATEST, item.text_at or _LATEST, item.uri),
    )
    twins = {record.raw_seq for record in same_text}
    outcomes: dict[int, Outcome] = {
        record.raw_seq: "url_twin" if record.raw_seq in twins else "superseded"
        for record in records
    }
    outcomes[chosen.raw_seq] = "article"
    dates = [record.published_at for record in records if record.published_at is not None]
    return Resolution(
        raw_seq=chosen.raw_seq,
        version=sum(1 for _ in groupby(records, key=lambda item: item.text_hash)),
        published_at=min(dates, default=None),
        outcomes=outcomes,
    )


def _text_order(item: Occurrence) -> tuple[datetime, str]:
    return (item.text_at or _EARLIEST, item.uri)
