"""What a record makes of its page: drafts, outcomes, and the articles that a page has.

All of it follows from the records alone; whoever has them in hand can call it, wherever they lie.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from newsapi_dentsu.domain.record import FAILED, read_content
from newsapi_dentsu.domain.similarity import prepare
from newsapi_dentsu.domain.text import clean_text, clean_title, text_hash
from newsapi_dentsu.domain.urls import Address, address, article_id, article_url, distinct_url
from newsapi_dentsu.domain.versions import Occurrence, Resolution, Returned, Wording, resolve
from newsapi_dentsu.domain.wrapping import NOTHING_KNOWN, Known, own_span
from newsapi_dentsu.warehouse.tables.processed import Article, RecordOutcome
from newsapi_dentsu.warehouse.tables.raw import RawRow
from newsapi_dentsu.warehouse.tables.returns import Return

NO_WORDING = Wording(prepare(""), prepare(""))
"""Stands for that of a record that can't be compared, until its page is divided without it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as the article that it would be if it were the only one of its page.

    `address` is None where its link can't be used, by the rules of now.
    """

    uri: str
    address: Address | None
    article: Article


@dataclass(frozen=True, slots=True)
class Made:
    """An article of a page, and its canonical url; None where that stays as it is stored."""

    article_id: str
    url: str | None
    shown: Resolution


def draft_of(row: RawRow, recurring: Mapping[str, Known]) -> Draft:
    """Read a record; `recurring` are the lines that are known to recur, by source.

    Raises:
        Exception: whatever the record does to the code that reads it.
    """
    value = json.loads(row.record or "{}")
    found = address(value.get("url"))
    link = found.link if found else row.url or ""
    content = read_content(value, link)
    title, body = clean_title(content.title), clean_text(content.body)
    span = own_span(body, recurring.get(row.source_uri or "", NOTHING_KNOWN))
    article = Article(
        article_id="",
        url="",
        link=link,
        title=title,
        body=body,
        published_at=row.published_at,
        first_published_at=row.published_at,
        indexed_at=row.indexed_at,
        source_name=row.source_name,
        source_uri=row.source_uri,
        lang=row.lang,
        data_type=row.data_type,
        authors=content.authors,
        image=content.image,
        sentiment=content.sentiment,
        concepts=content.concepts,
        categories=content.categories,
        event_uri=content.event_uri,
        is_duplicate=row.is_duplicate,
        version=1,
        text_hash=text_hash(title, span.of(body)),
        raw_seq=row.seq,
        origin=row.origin,
        fetched_at=row.fetched_at,
        text_start=span.start,
        text_end=span.end,
    )
    return Draft(row.uri, found, article)


def wording_of(article: Article) -> Wording:
    """An article's title and text as they are compared with those of its page's other records."""
    return Wording(prepare(article.title), prepare(article.body))


def outcome_of(row: RawRow, draft: Draft | None) -> RecordOutcome:
    """What becomes of a record; not yet of which article it is."""
    if draft is None or draft.address is None:
        return RecordOutcome(
            raw_seq=row.seq,
            uri=row.uri,
            uri_version=row.version,
            page_id=None,
            fragment=None,
            article_id=None,
            outcome="unusable",
            reason=row.unusable or (FAILED if draft is None else "bad_url"),
            text_hash=None,
            text_at=None,
            published_at=None,
        )
    text_at = row.indexed_at
    if row.version > 1:
        text_at = max(row.indexed_at or row.fetched_at, row.fetched_at)
    return RecordOutcome(
        raw_seq=row.seq,
        uri=row.uri,
        uri_version=row.version,
        page_id=article_id(draft.address.page),
        fragment=draft.address.fragment,
        article_id=None,
        outcome="article",
        reason=None,
        text_hash=draft.article.text_hash,
        text_at=text_at,
        published_at=row.published_at,
    )


def without_article(outcome: RecordOutcome) -> RecordOutcome:
    """The outcome of a record that has a page, and of which no article can be made after all."""
    return replace(
        outcome,
        page_id=None,
        fragment=None,
        article_id=None,
        outcome="unusable",
        reason=FAILED,
        text_hash=None,
        text_at=None,
        published_at=None,
    )


def occurrence(outcome: RecordOutcome, returned: Return | None) -> Occurrence:
    """A record among those of its page; `returned` where it came back after others."""
    return Occurrence(
        outcome.raw_seq,
        outcome.uri,
        outcome.uri_version,
        outcome.fragment or "",
        outcome.text_hash or "",
        outcome.text_at,
        outcome.published_at,
        Returned(returned.number, returned.returned_at, returned.changes) if returned else None,
    )


def named(page: str, articles: Iterable[Sequence[Occurrence]]) -> list[Made]:
    """The articles of a page, which come in the order of their first records, with their urls."""
    made: dict[str, Made] = {}
    for records in articles:
        url = article_url(page, records[0].fragment)
        if article_id(url) in made:
            url = distinct_url(url, records[0].uri)
        key = article_id(url)
        made[key] = Made(key, url, resolve(records))
    return list(made.values())


def made_article(made: Made, url: str, shown: Draft, linked: Draft) -> Article:
    """The row of an article at its canonical url, of the drafts of what it shows and links to."""
    return replace(
        shown.article,
        article_id=made.article_id,
        url=url,
        link=linked.article.link,
        version=made.shown.version,
        published_at=made.shown.published_at,
        first_published_at=made.shown.first_published_at,
    )
