"""Deduplicating: the articles of each page, whatever came under its url and in what order."""

import json
import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from itertools import chain, takewhile

from newsapi_dentsu.domain.record import read_content
from newsapi_dentsu.domain.similarity import prepare
from newsapi_dentsu.domain.text import clean_text, clean_title, text_hash
from newsapi_dentsu.domain.urls import Address, address, article_id, article_url, distinct_url
from newsapi_dentsu.domain.versions import (
    Occurrence,
    Resolution,
    Wording,
    Wordings,
    articles_of,
    resolve,
)
from newsapi_dentsu.domain.wrapping import NOTHING_KNOWN, Known, own_span
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages.report import DeduplicateReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import (
    assessments,
    final,
    positions,
    processed,
    raw,
    wrapping_lines,
)
from newsapi_dentsu.warehouse.tables.processed import Article, RecordOutcome
from newsapi_dentsu.warehouse.tables.raw import RawRow

logger = logging.getLogger(__name__)

BATCH_ROWS = 500
BATCH_CHARACTERS = 8_000_000
_WORDINGS_NEAR = 50
"""Records of a page, before and after one that is asked for, that are read with it."""

_WORDINGS_KEPT = 400


def deduplicate(
    warehouse: Warehouse,
    *,
    now: datetime,
    full_refresh: bool = False,
    progress: Progress = no_progress,
) -> DeduplicateReport:
    """Make articles of the raw records that were not taken before.

    Works in batches, each a transaction, and so may be stopped anywhere. `full_refresh` takes
    every record again: rows that come out the same are not touched.
    """
    total = DeduplicateReport(0, 0, 0, 0, 0, 0, 0)

    def begin(session: Session) -> int:
        if full_refresh:
            positions.set_position(session, positions.DEDUPLICATED, 0)
        return positions.waiting(session, positions.DEDUPLICATED)

    waiting = warehouse.write(begin)
    progress(0, waiting)
    known = warehouse.read(wrapping_lines.known_by_source)
    while total.records < waiting and (
        report := warehouse.write(lambda session: _deduplicate_batch(session, known, now))
    ):
        total = _sum(total, report)
        progress(total.records, waiting)
    return total


def _deduplicate_batch(
    session: Session, recurring: Mapping[str, Known], now: datetime
) -> DeduplicateReport | None:
    rows = raw.rows_after(
        session,
        positions.position(session, positions.DEDUPLICATED),
        rows=BATCH_ROWS,
        characters=BATCH_CHARACTERS,
    )
    if not rows:
        return None
    records = _Records(session, rows, recurring)
    earlier = {
        outcome.raw_seq: outcome
        for outcome in processed.outcomes_of_records(session, rows[0].seq, rows[-1].seq)
    }
    outcomes = {row.seq: _outcome(row, records.drafts.get(row.seq)) for row in rows}
    page_ids = {
        one.page_id for one in chain(outcomes.values(), earlier.values()) if one.page_id is not None
    }
    around = {one.raw_seq: one for one in processed.outcomes_of_pages(session, page_ids)}
    stored = around | earlier
    outcomes = stored | outcomes
    articles = _articles(outcomes.values(), records)
    records.load({seq for one in articles for seq in (one.shown.raw_seq, one.shown.link_seq)})

    before = {one.article_id for one in stored.values() if one.article_id is not None}
    known = processed.articles(session, before | {one.article_id for one in articles})
    changed = []
    for one in articles:
        article = replace(
            records.drafts[one.shown.raw_seq].article,
            article_id=one.article_id,
            url=one.url or known[one.article_id].url,
            link=records.drafts[one.shown.link_seq].article.link,
            version=one.shown.version,
            published_at=one.shown.published_at,
            first_published_at=one.shown.first_published_at,
        )
        if article != known.get(one.article_id):
            changed.append(article)
        for raw_seq, outcome in one.shown.outcomes.items():
            outcomes[raw_seq] = replace(
                outcomes[raw_seq], outcome=outcome, article_id=one.article_id
            )
    gone = sorted(known.keys() - {one.article_id for one in articles})

    assessments.remove(session, gone)
    processed.remove_articles(session, gone)
    in_final = final.articles(session, gone)
    final.remove(
        session,
        [final.Departure(key, article.url, "gone", None) for key, article in in_final.items()],
        now,
    )
    final.remove_rejections(session, gone)
    processed.save_articles(session, changed, known, now)
    processed.save_outcomes(
        session,
        [outcome for seq, outcome in outcomes.items() if outcome != stored.get(seq)],
        stored,
    )
    positions.set_position(session, positions.DEDUPLICATED, rows[-1].seq)
    taken = [outcomes[row.seq].outcome for row in rows]
    return DeduplicateReport(
        records=len(rows),
        url_twins=taken.count("url_twin"),
        superseded=taken.count("superseded"),
        unusable=taken.count("unusable"),
        articles_added=sum(article.article_id not in known for article in changed),
        articles_changed=sum(article.article_id in known for article in changed),
        articles_removed=len(gone),
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """A record as the article that it would be if it were the only one of its page.

    `address` is None where its link can't be used, by the rules of now.
    """

    address: Address | None
    article: Article


@dataclass(frozen=True, slots=True)
class _Made:
    """An article of a page, and its canonical url; None where that stays as it is stored."""

    article_id: str
    url: str | None
    shown: Resolution


class _Records(Wordings):
    """The records of a batch as drafts, and of others what is asked for."""

    def __init__(
        self, session: Session, rows: Sequence[RawRow], recurring: Mapping[str, Known]
    ) -> None:
        self._session = session
        self._recurring = recurring
        self.drafts = {row.seq: self._draft(row) for row in rows if row.record is not None}
        self.taken = {seq: draft.address for seq, draft in self.drafts.items() if draft.address}
        """Where the usable records of the batch lead to."""
        self._page: Sequence[int] = ()
        self._wordings: OrderedDict[int, Wording] = OrderedDict()

    def load(self, numbers: Collection[int]) -> None:
        """Have drafts of these records."""
        missing = [seq for seq in numbers if seq not in self.drafts]
        if missing:
            found = raw.rows_by_seq(self._session, missing)
            self.drafts.update({row.seq: self._draft(row) for row in found})

    def expect(self, page: Sequence[Occurrence]) -> None:
        """Be ready to be asked for the wordings of a page's records, which are in their order."""
        self._page = [record.raw_seq for record in page]

    def of(self, record: Occurrence) -> Wording:
        if record.raw_seq not in self._wordings:
            while len(self._wordings) > _WORDINGS_KEPT:
                self._wordings.popitem(last=False)
            place = self._page.index(record.raw_seq)
            near = self._page[max(0, place - _WORDINGS_NEAR) : place + _WORDINGS_NEAR]
            others = [seq for seq in near if seq not in self.drafts and seq not in self._wordings]
            drafts = [self.drafts[seq] for seq in near if seq in self.drafts]
            drafts += [self._draft(row) for row in raw.rows_by_seq(self._session, others)]
            for draft in drafts:
                article = draft.article
                self._wordings[article.raw_seq] = Wording(
                    prepare(article.title), prepare(article.body)
                )
        return self._wordings[record.raw_seq]

    def _draft(self, row: RawRow) -> _Draft:
        return _draft(row, self._recurring)


def _draft(row: RawRow, recurring: Mapping[str, Known]) -> _Draft:
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
    return _Draft(found, article)


def _outcome(row: RawRow, draft: _Draft | None) -> RecordOutcome:
    if draft is None or draft.address is None:
        return RecordOutcome(
            raw_seq=row.seq,
            uri=row.uri,
            uri_version=row.version,
            page_id=None,
            fragment=None,
            article_id=None,
            outcome="unusable",
            reason=row.unusable or "bad_url",
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


def _articles(outcomes: Iterable[RecordOutcome], records: _Records) -> list[_Made]:
    """The articles of the pages that records lead to."""
    pages: dict[str, list[Occurrence]] = {}
    settled: dict[int, str] = {}
    for one in outcomes:
        if one.page_id is None or one.text_hash is None:
            continue
        pages.setdefault(one.page_id, []).append(
            Occurrence(
                one.raw_seq,
                one.uri,
                one.uri_version,
                one.fragment or "",
                one.text_hash,
                one.text_at,
                one.published_at,
            )
        )
        if one.article_id is not None:
            settled[one.raw_seq] = one.article_id
    made = []
    for page in pages.values():
        page.sort(key=lambda record: record.order)
        before = list(takewhile(lambda record: record.raw_seq not in records.taken, page))
        if len(before) == len(page):
            made += _as_stored(page, settled)
        else:
            records.expect(page)
            known = {record.raw_seq: settled[record.raw_seq] for record in before}
            found = articles_of(page, records, known)
            made += _named(records.taken[page[len(before)].raw_seq].page, found)
    return made


def _as_stored(page: Iterable[Occurrence], settled: Mapping[int, str]) -> list[_Made]:
    """The articles of a page which a record has left."""
    # New rules for urls will move the others, in the batch that takes them.
    articles: dict[str, list[Occurrence]] = {}
    for record in page:
        articles.setdefault(settled[record.raw_seq], []).append(record)
    return [_Made(key, None, resolve(found)) for key, found in articles.items()]


def _named(page: str, articles: Iterable[Sequence[Occurrence]]) -> list[_Made]:
    """The articles of a page, which come in the order of their first records, with their urls."""
    made: dict[str, _Made] = {}
    for records in articles:
        url = article_url(page, records[0].fragment)
        if article_id(url) in made:
            url = distinct_url(url, records[0].uri)
        key = article_id(url)
        made[key] = _Made(key, url, resolve(records))
    return list(made.values())


def _sum(one_: DeduplicateReport, other: DeduplicateReport) -> DeduplicateReport:
    return DeduplicateReport(*(a + b for a, b in zip(astuple(one_), astuple(other), strict=True)))
