"""Deduplicating: the articles of each page, whatever came under its url and in what order."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from functools import partial
from itertools import chain

from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.domain.urls import article_id
from newsapi_dentsu.domain.versions import (
    Occurrence,
    Wording,
    Wordings,
    articles_of,
    resolve,
)
from newsapi_dentsu.domain.wrapping import Known
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages import setting_aside
from newsapi_dentsu.stages.pages import (
    NO_WORDING,
    Draft,
    Made,
    draft_of,
    made_article,
    named,
    occurrence,
    outcome_of,
    without_article,
    wording_of,
)
from newsapi_dentsu.stages.report import DeduplicateReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import (
    assessments,
    final,
    positions,
    processed,
    raw,
    returns,
    wrapping_lines,
)
from newsapi_dentsu.warehouse.tables.processed import RecordOutcome
from newsapi_dentsu.warehouse.tables.raw import RawRow
from newsapi_dentsu.warehouse.tables.returns import Return

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

    Works in batches, each a transaction, and so may be stopped anywhere. Records that came back
    after others had replaced them are taken once more, as are those that could not be processed, by
    a later version of the program. `full_refresh` takes every record again: rows that come out the
    same are not touched.
    """
    total = DeduplicateReport(0, 0, 0, 0, 0, 0, 0, 0)
    again: list[int] = []

    def begin(session: Session) -> int:
        if full_refresh:
            positions.set_position(session, positions.DEDUPLICATED, 0)
        again[:] = returns.waiting(session)
        if setting_aside.rules_changed(session, positions.DEDUPLICATED):
            again.extend(processed.records_set_aside(session))
        return positions.waiting(session, positions.DEDUPLICATED)

    waiting = warehouse.write(begin)
    progress(0, waiting)
    known = warehouse.read(wrapping_lines.known_by_source)
    while total.records < waiting and (
        report := warehouse.write(lambda session: _deduplicate_batch(session, known, now))
    ):
        total = _sum(total, report)
        progress(total.records, waiting)
    left = sorted(set(again))
    while left:
        report, count = warehouse.write(
            partial(_deduplicate_again, left=left, recurring=known, now=now)
        )
        total = _sum(total, report)
        left = left[count:]
    warehouse.write(partial(setting_aside.note_rules, stage=positions.DEDUPLICATED))
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
    earlier = processed.outcomes_of_records(session, rows[0].seq, rows[-1].seq)
    report = _take(session, rows, earlier, recurring, now)
    positions.set_position(session, positions.DEDUPLICATED, rows[-1].seq)
    return report


def _deduplicate_again(
    session: Session, left: Sequence[int], recurring: Mapping[str, Known], now: datetime
) -> tuple[DeduplicateReport, int]:
    """Take the first of some records again; also tells how many that were."""
    rows = raw.first_of(session, left[:BATCH_ROWS], characters=BATCH_CHARACTERS)
    numbers = [row.seq for row in rows]
    earlier = processed.outcomes_by_record(session, numbers)
    report = _take(session, rows, earlier, recurring, now)
    returns.take(session, numbers)
    return report, len(numbers)


def _take(
    session: Session,
    rows: Sequence[RawRow],
    earlier: Iterable[RecordOutcome],
    recurring: Mapping[str, Known],
    now: datetime,
) -> DeduplicateReport:
    """Make articles of records whose outcomes so far are `earlier`."""
    records = _Records(session, rows, recurring)
    stored = {outcome.raw_seq: outcome for outcome in earlier}
    outcomes = {row.seq: outcome_of(row, records.drafts.get(row.seq)) for row in rows}
    page_ids = {
        one.page_id for one in chain(outcomes.values(), stored.values()) if one.page_id is not None
    }
    stored |= {one.raw_seq: one for one in processed.outcomes_of_pages(session, page_ids)}
    outcomes = dict(sorted((stored | outcomes).items()))
    articles = _articles(session, stored, outcomes, records)

    before = {one.article_id for one in stored.values() if one.article_id is not None}
    known = processed.articles(session, before | {one.article_id for one in articles})
    changed = []
    for one in articles:
        article = made_article(
            one,
            one.url or known[one.article_id].url,
            records.drafts[one.shown.raw_seq],
            records.drafts[one.shown.link_seq],
        )
        if article != known.get(one.article_id):
            changed.append(article)
        for raw_seq, outcome in one.shown.outcomes.items():
            outcomes[raw_seq] = replace(
                outcomes[raw_seq], outcome=outcome, article_id=one.article_id
            )
    gone = sorted(known.keys() - {one.article_id for one in articles})

    assessments.remove(session, gone)
    processed.remove_articles(session, gone, now)
    in_final = final.articles(session, gone)
    final.remove(
        session,
        [final.Departure(key, in_final[key].url, "gone", None) for key in gone if key in in_final],
        now,
    )
    final.remove_rejections(session, gone)
    processed.save_articles(session, changed, known, now)
    processed.save_outcomes(
        session,
        [outcome for seq, outcome in outcomes.items() if outcome != stored.get(seq)],
        stored,
    )
    taken = [outcomes[row.seq] for row in rows]
    kinds = Counter(outcome.outcome for outcome in taken)
    return DeduplicateReport(
        records=len(rows),
        url_twins=kinds["url_twin"],
        superseded=kinds["superseded"],
        unusable=kinds["unusable"],
        articles_added=sum(article.article_id not in known for article in changed),
        articles_changed=sum(article.article_id in known for article in changed),
        articles_removed=len(gone),
        failed=sum(outcome.reason == FAILED for outcome in taken),
    )


class _Records(Wordings):
    """The records of a batch as drafts, and of others what is asked for."""

    def __init__(
        self, session: Session, rows: Sequence[RawRow], recurring: Mapping[str, Known]
    ) -> None:
        self._session = session
        self._recurring = recurring
        self.failed: set[int] = set()
        """Records of which no article can be made, as far as anybody has asked for them."""
        self.drafts = self._drafts(row for row in rows if row.record is not None)
        self.taken = frozenset(row.seq for row in rows)
        self._page: Sequence[int] = ()
        self._wordings: OrderedDict[int, Wording] = OrderedDict()

    def load(self, numbers: Collection[int]) -> None:
        """Have drafts of these records, but for those that fail."""
        missing = [seq for seq in numbers if seq not in self.drafts]
        if missing:
            self.drafts |= self._drafts(raw.rows_by_seq(self._session, missing))

    def expect(self, page: Sequence[Occurrence]) -> None:
        """Be ready to be asked for the wordings of a page's records, which are in their order."""
        self._page = [record.raw_seq for record in page]

    def of(self, record: Occurrence) -> Wording:
        if record.raw_seq not in self._wordings:
            while len(self._wordings) > _WORDINGS_KEPT:
                self._wordings.popitem(last=False)
            place = self._page.index(record.raw_seq)
            near = self._page[max(0, place - _WORDINGS_NEAR) : place + _WORDINGS_NEAR]
            there = self.drafts.keys() | self._wordings.keys() | self.failed
            others = [seq for seq in near if seq not in there]
            drafts = {seq: self.drafts[seq] for seq in near if seq in self.drafts}
            drafts |= self._drafts(raw.rows_by_seq(self._session, others))
            for seq, draft in drafts.items():
                try:
                    self._wordings[seq] = wording_of(draft.article)
                except Exception as error:
                    self._set_aside(seq, draft.uri, error)
        # Where there is none, the page will be divided again without the record.
        return self._wordings.get(record.raw_seq, NO_WORDING)

    def _drafts(self, rows: Iterable[RawRow]) -> dict[int, Draft]:
        drafts = {}
        for row in rows:
            try:
                drafts[row.seq] = draft_of(row, self._recurring)
            except Exception as error:
                self._set_aside(row.seq, row.uri, error)
        return drafts

    def _set_aside(self, seq: int, uri: str, error: Exception) -> None:
        """Whatever it is about this record, the others must go on."""
        self.failed.add(seq)
        logger.warning(
            "Record %s (raw.seq %d) could not be made an article and is set aside: %s",
            uri,
            seq,
            setting_aside.told(error),
        )


def _articles(
    session: Session,
    stored: Mapping[int, RecordOutcome],
    outcomes: dict[int, RecordOutcome],
    records: _Records,
) -> list[Made]:
    """The articles of the pages that records lead to, or have led to.

    There are drafts of what they show. A record that turns out to fail on the way gets the outcome
    that says so, and its page is divided again without it.
    """
    returned = returns.of_records(session, outcomes)
    while True:
        articles = _divided(stored, outcomes, returned, records)
        records.load({seq for one in articles for seq in (one.shown.raw_seq, one.shown.link_seq)})
        failed = [seq for seq in records.failed if outcomes[seq].page_id is not None]
        if not failed:
            return articles
        outcomes.update({seq: without_article(outcomes[seq]) for seq in failed})


def _divided(
    stored: Mapping[int, RecordOutcome],
    outcomes: Mapping[int, RecordOutcome],
    returned: Mapping[int, Return],
    records: _Records,
) -> list[Made]:
    pages: dict[str, list[Occurrence]] = {}
    moved: dict[str, list[Occurrence]] = {}
    """The records that are not what or where they were, there and here."""
    settled: dict[int, str] = {}
    for seq, outcome in outcomes.items():
        touched = seq in records.taken or seq in records.failed
        if outcome.page_id is not None:
            here = occurrence(outcome, returned.get(seq))
            pages.setdefault(outcome.page_id, []).append(here)
            if touched:
                moved.setdefault(outcome.page_id, []).append(here)
            elif outcome.article_id is not None:
                settled[seq] = outcome.article_id
        before = stored.get(seq)
        if touched and before is not None and before.page_id is not None:
            moved.setdefault(before.page_id, []).append(occurrence(before, None))
    made = []
    for page_id, page in pages.items():
        page.sort(key=lambda record: record.order)
        first = min(record.order for record in moved[page_id])
        known = {record.raw_seq: settled[record.raw_seq] for record in page if record.order < first}
        name = _page(page_id, page[len(known) :], records)
        if name is None:
            made += _as_stored(page, settled)
        else:
            records.expect(page)
            made += named(name, articles_of(page, records, known))
    return made


def _page(page_id: str, following: Sequence[Occurrence], records: _Records) -> str | None:
    """The canonical url of a page of which some records are to be divided again.

    Returns:
        None where there are none, or where new rules for urls will move them, in the batch that
        takes them.
    """
    for record in sorted(following, key=lambda one: one.raw_seq not in records.taken)[:1]:
        records.load([record.raw_seq])
        draft = records.drafts.get(record.raw_seq)
        if draft and draft.address and article_id(draft.address.page) == page_id:
            return draft.address.page
    return None


def _as_stored(page: Iterable[Occurrence], settled: Mapping[int, str]) -> list[Made]:
    """The articles of a page which a record has left."""
    articles: dict[str, list[Occurrence]] = {}
    for record in page:
        articles.setdefault(settled[record.raw_seq], []).append(record)
    return [Made(key, None, resolve(found)) for key, found in articles.items()]


def _sum(one_: DeduplicateReport, other: DeduplicateReport) -> DeduplicateReport:
    return DeduplicateReport(*(a + b for a, b in zip(astuple(one_), astuple(other), strict=True)))
