"""What Spark's workers do with the rows of a partition: the stages' functions, row by row.

Nothing is judged here. Each function reads rows as they stream by, calls what the stages call, and
gives rows back; what it holds in memory is one page or one neighbourhood at a time.
"""

import logging
from array import array
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from typing_extensions import override

from newsapi_dentsu.domain.comparison import strangers
from newsapi_dentsu.domain.passages import passage_hash, passages
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.similarity import Text
from newsapi_dentsu.domain.stories import Member, Neighbourhood, regroup
from newsapi_dentsu.domain.urls import Address
from newsapi_dentsu.domain.vectors import Vector
from newsapi_dentsu.domain.versions import Occurrence, Wording, Wordings, articles_of
from newsapi_dentsu.domain.wrapping import Known
from newsapi_dentsu.meaning.embedder import sentence_model
from newsapi_dentsu.rebuild.rows import as_values, of_values
from newsapi_dentsu.stages import setting_aside
from newsapi_dentsu.stages.curate import acceptances, may_be_read, refusals
from newsapi_dentsu.stages.judging import meaning_of
from newsapi_dentsu.stages.looking import Asked, look_at, prepared
from newsapi_dentsu.stages.pages import (
    NO_WORDING,
    Draft,
    draft_of,
    made_article,
    named,
    occurrence,
    outcome_of,
    without_article,
    wording_of,
)
from newsapi_dentsu.stages.understand import vector_of
from newsapi_dentsu.warehouse.tables.assessments import Assessed, held_among, homes_among
from newsapi_dentsu.warehouse.tables.processed import Article, Heading, RecordOutcome
from newsapi_dentsu.warehouse.tables.raw import RawRow
from newsapi_dentsu.warehouse.tables.returns import Return

logger = logging.getLogger(__name__)

Values = Mapping[str, Any]
Step = Callable[[Iterator[Values]], Iterator[Values]]
"""Rows of a partition in, rows out."""

_Shared: TypeAlias = "tuple[tuple[str, ...], array[int]]"
"""Candidates, and in how many bands each is near: a neighbourhood may have millions."""

TEXTS_KEPT: Final = 500
"""Prepared texts that a worker keeps."""


def drafts(rows: Iterator[Values], recurring: Mapping[str, Known]) -> Iterator[Values]:
    """Read records: what becomes of each, and the article that it would be by itself.

    `page_key` brings the records of a page together; records without one stay by themselves.
    """
    for row in rows:
        raw = of_values(RawRow, row)
        draft = None
        if raw.record is not None:
            try:
                draft = draft_of(raw, recurring)
            except Exception as error:
                _warn_of_record(raw.seq, raw.uri, error)
        outcome = outcome_of(raw, draft)
        on_page = draft is not None and outcome.page_id is not None
        yield {
            "page_key": outcome.page_id or f"none {raw.seq}",
            "page": draft.address.page if draft and draft.address else None,
            "outcome": as_values(outcome),
            "article": as_values(draft.article) if draft and on_page else None,
            "returned": row["returned"],
        }


def articles(rows: Iterator[Values]) -> Iterator[Values]:
    """Make the articles of pages, of drafts that come page by page."""
    for _, of_page in groupby(rows, itemgetter("page_key")):
        records = list(of_page)
        page = records[0]["page"]
        told = (of_values(RecordOutcome, row["outcome"]) for row in records)
        outcomes = {one.raw_seq: one for one in told}
        if page is None:
            yield from ({"outcome": as_values(one), "article": None} for one in outcomes.values())
            continue
        yield from _of_page(page, records, outcomes)


def _of_page(
    page: str, records: Sequence[Values], outcomes: dict[int, RecordOutcome]
) -> Iterator[Values]:
    found = _Page(page, records, outcomes)
    returned = {
        one.raw_seq: one
        for row in records
        if row["returned"]
        for one in [of_values(Return, row["returned"])]
    }
    while True:
        there = [
            occurrence(one, returned.get(seq))
            for seq, one in outcomes.items()
            if one.page_id is not None
        ]
        made = named(page, articles_of(there, found))
        if not found.failed:
            break
        # Divided again without what can't be compared.
        outcomes.update({seq: without_article(outcomes[seq]) for seq in found.failed})
        found.failed.clear()
    ready = {}
    for one in made:
        shown, linked = found.draft(one.shown.raw_seq), found.draft(one.shown.link_seq)
        article = made_article(one, one.url or page, shown, linked)
        ready[one.shown.raw_seq] = as_values(article)
        for seq, outcome in one.shown.outcomes.items():
            outcomes[seq] = replace(outcomes[seq], outcome=outcome, article_id=one.article_id)
    for seq, told in outcomes.items():
        yield {"outcome": as_values(told), "article": ready.get(seq)}


class _Page(Wordings):
    """The drafts of a page's records."""

    def __init__(
        self, page: str, records: Sequence[Values], outcomes: Mapping[int, RecordOutcome]
    ) -> None:
        self._page = page
        self._records = {row["outcome"]["raw_seq"]: row for row in records}
        self._outcomes = outcomes
        self._wordings: OrderedDict[int, Wording] = OrderedDict()
        self.failed: set[int] = set()

    def draft(self, seq: int) -> Draft:
        outcome = self._outcomes[seq]
        article = of_values(Article, self._records[seq]["article"])
        return Draft(
            outcome.uri, Address(article.link, self._page, outcome.fragment or ""), article
        )

    @override
    def of(self, record: Occurrence) -> Wording:
        seq = record.raw_seq
        if seq not in self._wordings and seq not in self.failed:
            while len(self._wordings) > TEXTS_KEPT:
                self._wordings.popitem(last=False)
            try:
                self._wordings[seq] = wording_of(self.draft(seq).article)
            except Exception as error:
                self.failed.add(seq)
                _warn_of_record(seq, record.uri, error)
        return self._wordings.get(seq, NO_WORDING)


def _warn_of_record(seq: int, uri: str, error: Exception) -> None:
    logger.warning(
        "Record %s (raw.seq %d) could not be made an article and is set aside: %s",
        uri,
        seq,
        setting_aside.told(error),
    )


def passages_of(rows: Iterator[Values]) -> Iterator[Values]:
    """The passages of articles, each with the hash under which its vector is kept."""
    for row in rows:
        article = of_values(Article, row)
        for place, passage in enumerate(passages(article.title, article.own_text)):
            yield {
                "article_id": article.article_id,
                "place": place,
                "passage_hash": passage_hash(passage),
                "passage": passage,
            }


def vectors(rows: Iterator[Values], model: Callable[[], Path]) -> Iterator[Values]:
    """The vectors of passages, but for those that the model can't read."""
    embedder = sentence_model(model())
    for row in rows:
        made = vector_of(embedder, row["passage"])
        if isinstance(made, str):
            logger.warning("%s is judged without its meaning: %s", row["article_id"], made)
        else:
            yield {"passage_hash": row["passage_hash"], "vector": made.tobytes()}


def looks(rows: Iterator[Values], measure: Yardstick) -> Iterator[Values]:
    """Judge articles by themselves, by the vectors of their passages, and make their bands."""
    for row in rows:
        article = of_values(Article, row)
        first = row["first"]
        meaning = None
        if first is not None:
            last = first if row["last"] is None else row["last"]
            meaning = meaning_of([_vector(first), _vector(last)])
        look = look_at(measure, Asked(article, meaning, banded=True))
        day = look.row.rank.day
        yield {
            **as_values(look.row),
            "day": day,
            "bands": list(look.bands or ()) if day else [],
        }


def _vector(value: bytes) -> Vector:
    return np.frombuffer(value, np.float32)


def tested(rows: Iterator[Values]) -> Iterator[Values]:
    """Tell of pairs of texts whether they are strangers."""
    texts = _Texts()
    for row in rows:
        one = texts.of(row["earlier"], row["earlier_text"])
        other = texts.of(row["later"], row["later_text"])
        yield {
            "earlier": row["earlier"],
            "later": row["later"],
            "shared": row["shared"],
            "strangers": strangers(one, other),
        }


class _Texts:
    """Prepared texts, of which those that were used last are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Text] = OrderedDict()

    def of(self, article_id: str, compared: Values) -> Text:
        text = self._kept.get(article_id)
        if text is None:
            text = prepared(article_id, compared["text"], compared["title"], compared["source_uri"])
            self._kept[article_id] = text
            while len(self._kept) > TEXTS_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(article_id)
        return text


def places(rows: Iterator[Values], horizon_days: int) -> Iterator[Values]:
    """Put the articles of each neighbourhood into their stories."""
    for neighbourhood, of_one in groupby(rows, itemgetter("neighbourhood")):
        around = _Around(of_one, horizon_days)
        placed = regroup(around, around.rows, around.rows)
        for key, row in around.rows.items():
            yield as_values(row.placed(placed[key])) | {"neighbourhood": neighbourhood}


class _Around(Neighbourhood):
    """A neighbourhood that nobody has placed yet, with everything that its articles may concern."""

    def __init__(self, rows: Iterable[Values], horizon_days: int) -> None:
        self.rows: dict[str, Assessed] = {}
        self._horizon = horizon_days
        self._bodies: dict[str, Values] = {}
        self._candidates: dict[str, _Shared] = {}
        self._texts = _Texts()
        known: dict[str, str] = {}
        for row in rows:
            key = known.setdefault(row["article_id"], row["article_id"])
            self.rows[key] = of_values(Assessed, row)
            self._bodies[key] = row["compared"]
            found = row["candidates"] or ()
            self._candidates[key] = (
                tuple(known.setdefault(one["article_id"], one["article_id"]) for one in found),
                array("i", [one["shared"] for one in found]),
            )
        self._members = {key: Member(row.rank) for key, row in self.rows.items()}

    @property
    @override
    def horizon_days(self) -> int:
        return self._horizon

    @override
    def member(self, article_id: str) -> Member:
        return self._members[article_id]

    @override
    def is_there(self, article_id: str) -> bool:
        return article_id in self.rows

    @override
    def text(self, article_id: str) -> Text:
        return self._texts.of(article_id, self._bodies[article_id])

    @override
    def candidates(self, article_id: str) -> Mapping[str, int]:
        return dict(zip(*self._candidates[article_id], strict=True))

    @override
    def dependents(self, article_id: str) -> Collection[str]:
        return ()

    @override
    def owners(self, story_ids: Collection[str]) -> Mapping[str, str]:
        return {}


def finals(rows: Iterator[Values]) -> Iterator[Values]:
    """Sort the articles of each neighbourhood into those for final and those that stay out."""
    for _, of_one in groupby(rows, itemgetter("neighbourhood")):
        both = [(of_values(Assessed, row), of_values(Article, row["article"])) for row in of_one]
        judged = {assessed.article_id: assessed for assessed, _ in both}
        found = {article.article_id: article for _, article in both}
        standing: dict[str | None, list[Assessed]] = {}
        for assessed in judged.values():
            standing.setdefault(assessed.reference_id, []).append(assessed)

        readable = [key for key, one in judged.items() if may_be_read(one)]
        homes = homes_among(judged, partial(_among, judged))
        headings = {
            key: Heading(article.url, article.link, article.title) for key, article in found.items()
        }
        not_read = [one for one in judged.values() if not may_be_read(one)]
        refused = refusals(not_read, homes, headings)
        held = held_among(readable, partial(_standing_to, standing))
        accepted, failed = acceptances(found, readable, judged, held)
        yield from ({"final": as_values(one), "rejected": None} for one in accepted.values())
        yield from (
            {"final": None, "rejected": as_values(one)} for one in (refused | failed).values()
        )


def _among(judged: Mapping[str, Assessed], _keys: Collection[str]) -> Mapping[str, Assessed]:
    return judged


def _standing_to(
    standing: Mapping[str | None, list[Assessed]], keys: Collection[str]
) -> list[Assessed]:
    return [one for key in keys for one in standing.get(key, ())]


def shipped_model(name: str) -> Path:
    """The folder of the model that came with the job, under the name of its archive."""
    from pyspark import SparkFiles

    return Path(SparkFiles.get(name))
