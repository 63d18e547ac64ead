"""Deduplicating: one article for each canonical url, whatever came under it and in what order."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import astuple, replace
from datetime import datetime

from newsapi_dentsu.domain.record import Content, read_content
from newsapi_dentsu.domain.text import clean_text, clean_title, text_hash
from newsapi_dentsu.domain.urls import article_id, canonical_url
from newsapi_dentsu.domain.versions import Occurrence, Resolution, resolve
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages.report import DeduplicateReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import assessments, final, positions, processed, raw
from newsapi_dentsu.warehouse.tables.processed import Article, RecordOutcome
from newsapi_dentsu.warehouse.tables.raw import RawRow

logger = logging.getLogger(__name__)

BATCH_ROWS = 500
BATCH_CHARACTERS = 8_000_000


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
    while total.records < waiting and (
        report := warehouse.write(lambda session: _deduplicate_batch(session, now))
    ):
        total = _sum(total, report)
        progress(total.records, waiting)
    return total


def _deduplicate_batch(session: Session, now: datetime) -> DeduplicateReport | None:
    rows = raw.rows_after(
        session,
        positions.position(session, positions.DEDUPLICATED),
        rows=BATCH_ROWS,
        characters=BATCH_CHARACTERS,
    )
    if not rows:
        return None
    drafts = {row.seq: _draft(row) for row in rows if row.unusable is None}
    earlier = {
        outcome.raw_seq: outcome
        for outcome in processed.outcomes_of_records(session, rows[0].seq, rows[-1].seq)
    }
    article_ids = {draft.article_id for draft in drafts.values()} | {
        outcome.article_id for outcome in earlier.values() if outcome.article_id
    }
    outcomes = {
        outcome.raw_seq: outcome for outcome in processed.outcomes_of_articles(session, article_ids)
    }
    stored = outcomes | earlier
    outcomes |= {row.seq: _outcome(row, drafts.get(row.seq)) for row in rows}
    resolutions = _resolve(outcomes.values())
    _load_missing_drafts(session, drafts, resolutions)

    known = processed.articles(session, article_ids)
    changed = []
    for key, resolution in resolutions.items():
        draft = drafts[resolution.raw_seq]
        if draft.article_id != key:
            # New rules for urls will move this record, in the batch that takes it.
            draft = replace(draft, article_id=key, url=known[key].url)
        article = replace(
            draft,
            version=resolution.version,
            published_at=resolution.published_at,
        )
        if article != known.get(key):
            changed.append(article)
        for raw_seq, outcome in resolution.outcomes.items():
            outcomes[raw_seq] = replace(outcomes[raw_seq], outcome=outcome)
    gone = [key for key in known if key not in resolutions]

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


def _draft(row: RawRow) -> Article:
    """The article that a record would be if it were the only one of its page."""
    content = _content(row)
    title, body = clean_title(content.title), clean_text(content.body)
    url = canonical_url(row.url or "")
    return Article(
        article_id=article_id(url),
        url=url,
        title=title,
        body=body,
        published_at=row.published_at,
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
        text_hash=text_hash(title, body),
        raw_seq=row.seq,
        origin=row.origin,
        fetched_at=row.fetched_at,
    )


def _content(row: RawRow) -> Content:
    value = json.loads(row.record or "{}")
    return read_content(value, row.url or "")


def _outcome(row: RawRow, draft: Article | None) -> RecordOutcome:
    if draft is None:
        return RecordOutcome(
            row.seq, row.uri, row.version, None, "unusable", row.unusable, None, None, None
        )
    text_at = row.indexed_at
    if row.version > 1:
        text_at = max(row.indexed_at or row.fetched_at, row.fetched_at)
    return RecordOutcome(
        raw_seq=row.seq,
        uri=row.uri,
        uri_version=row.version,
        article_id=draft.article_id,
        outcome="article",
        reason=None,
        text_hash=draft.text_hash,
        text_at=text_at,
        published_at=row.published_at,
    )


def _resolve(outcomes: Iterable[RecordOutcome]) -> Mapping[str, Resolution]:
    pages: dict[str, list[Occurrence]] = {}
    for outcome in outcomes:
        if outcome.article_id is not None and outcome.text_hash is not None:
            pages.setdefault(outcome.article_id, []).append(
                Occurrence(
                    outcome.raw_seq,
                    outcome.uri,
                    outcome.uri_version,
                    outcome.text_hash,
                    outcome.text_at,
                    outcome.published_at,
                )
            )
    return {key: resolve(records) for key, records in pages.items()}


def _load_missing_drafts(
    session: Session, drafts: dict[int, Article], resolutions: Mapping[str, Resolution]
) -> None:
    """Read the records that give an article but came in an earlier batch."""
    missing = [
        resolution.raw_seq
        for resolution in resolutions.values()
        if resolution.raw_seq not in drafts
    ]
    if missing:
        drafts.update({row.seq: _draft(row) for row in raw.rows_by_seq(session, missing)})


def _sum(one_: DeduplicateReport, other: DeduplicateReport) -> DeduplicateReport:
    return DeduplicateReport(*(a + b for a, b in zip(astuple(one_), astuple(other), strict=True)))
