"""The stage `sentiment`: how each final article speaks about whom, as the model of tone reads it.

What was read is kept with the text, the model and the brands that it was read for. Articles for
which one of these has changed are read again: those with another text first, and of those that
another model has read only so many in a run, so that the old figures stand until the new ones come.
Of a history from before the last month only a few are read in each run: nobody waits for them.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import NamedTuple

from typing_extensions import override

from newsapi_dentsu.domain.brands import Brands
from newsapi_dentsu.domain.json_text import parse_json
from newsapi_dentsu.domain.targets import Gazetteer, gazetteer, watching
from newsapi_dentsu.domain.tone import (
    ARTICLE,
    ENGLISH,
    Mention,
    Tone,
    mentions,
    opening,
    text_hash,
    together,
)
from newsapi_dentsu.errors import ModelError
from newsapi_dentsu.meaning import Passage, ToneModel, ToneReader
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages import setting_aside
from newsapi_dentsu.stages.report import SentimentReport
from newsapi_dentsu.stages.workers import Workers, workers
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import tone as table
from newsapi_dentsu.warehouse.tables.tone import (
    ArticleRow,
    MentionRow,
    Reading,
    Shown,
    Span,
    TargetRow,
)

logger = logging.getLogger(__name__)

BATCH_ROWS = 50
CHANGED_IN_RUN = 5_000
"""New and changed articles that one run reads: some minutes. The next runs read the others."""

OUTDATED_IN_RUN = 500
"""Articles that one run reads again for a new model or other brands."""

_MANY = 1_000
"""Articles for which it pays to start processes."""

_AT_ONCE = 25
"""Passages that one process reads at a time."""

RECENT_DAYS = 31
EARLIER_IN_RUN = 50
"""Of either kind so many that were published more than `RECENT_DAYS` before the newest article."""


def score_sentiment(
    warehouse: Warehouse,
    reader: ToneReader,
    brands: Brands,
    *,
    progress: Progress = no_progress,
) -> SentimentReport:
    """Read the final articles that are new, have changed, or were read by another model.

    Each batch is one transaction, so a stage that is killed goes on where it was.

    Args:
        warehouse: where the articles are.
        reader: what reads them.
        brands: the brands that are watched.
        progress: told how many of the articles that this run reads are done.

    Raises:
        ModelError: the model can't be used.
    """

    reading = Reading(reader.model, brands.version)

    def begin(session: Session) -> tuple[Span, list[str], list[str]]:
        span = table.forget_departed(session)
        table.fill_keys(session)
        since = table.recent_since(session, RECENT_DAYS)
        if since is None:
            return span, [], []
        return (
            span,
            table.changed(session, span, since, CHANGED_IN_RUN, EARLIER_IN_RUN),
            table.outdated(session, reading, since, OUTDATED_IN_RUN, EARLIER_IN_RUN),
        )

    span, changed, outdated = warehouse.write(begin)
    watched = _Watched(brands.version, watching(brands.brands))
    total = SentimentReport(model=reader.model)
    waiting = [*changed, *outdated]
    progress(0, len(waiting))
    # Only a model on this machine gains by more processes.
    many = len(waiting) >= _MANY and isinstance(reader, ToneModel)
    with workers(wanted=many) as helpers:
        read_by = _InWorkers(reader, helpers) if helpers.count > 1 else reader
        for batch in _portions(waiting):
            total = _sum(total, _score_batch(warehouse, read_by, watched, batch))
            progress(total.articles, len(waiting))
    left = warehouse.write(partial(table.settle, span=span, reading=reading))
    return replace(total, read_again=min(len(outdated), total.articles), left=left)


class _InWorkers(ToneReader):
    """A reader whose model other processes load: this one needn't, and several read at once."""

    def __init__(self, reader: ToneReader, helpers: Workers) -> None:
        self._reader, self._helpers = reader, helpers

    @property
    @override
    def model(self) -> str:
        return self._reader.model

    @override
    def read(self, passages: Sequence[Passage]) -> list[Tone]:
        portions = [passages[at : at + _AT_ONCE] for at in range(0, len(passages), _AT_ONCE)]
        told = self._helpers.map(
            partial(_tones, self._reader), portions, lambda one: self._reader.read([one])[0]
        )
        return list(chain.from_iterable(told))


def _tones(reader: ToneReader, passages: Sequence[Passage]) -> Sequence[Tone]:
    return reader.read(passages)


class _Watched(NamedTuple):
    """The brands that are watched, made ready once for all articles."""

    version: str
    names: Gazetteer


def _portions(article_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(article_ids), BATCH_ROWS):
        yield article_ids[at : at + BATCH_ROWS]


@dataclass(frozen=True, slots=True)
class _Work:
    """An article that is to be read, and what of it."""

    article: ArticleRow
    mentions: Sequence[Mention]
    opening: str

    @property
    def passages(self) -> list[Passage]:
        """The opening, all of which is marked, then each mention with its name marked."""
        return [
            Passage(self.opening, 0, len(self.opening), ARTICLE),
            *(Passage(one.sentence, one.start, one.end, one.target.kind) for one in self.mentions),
        ]


def _score_batch(
    warehouse: Warehouse, reader: ToneReader, brands: _Watched, article_ids: Sequence[str]
) -> SentimentReport:
    def look(session: Session) -> tuple[list[Shown], dict[str, ArticleRow]]:
        return table.shown(session, article_ids), table.articles(session, article_ids)

    found, known = warehouse.read(look)
    work: list[_Work] = []
    unchanged: dict[str, int] = {}
    done: list[ArticleRow] = []
    for one in found:
        try:
            planned = _planned(one, brands, reader.model)
        except Exception as error:
            # Whatever it is about this article, the others must go on.
            why = setting_aside.told(error)
            logger.warning("The tone of %s can't be read: %s", one.article_id, why)
            done.append(_untold(one, brands, reader.model, table.FAILED, ""))
            continue
        before = known.get(one.article_id)
        if before and _same_reading(before, planned.article):
            unchanged[one.article_id] = one.change_seq
        elif planned.article.label == table.NOT_SCORED:
            done.append(planned.article)
        else:
            work.append(planned)
    if work:
        # Others may use the database while the model reads.
        warehouse.release()
    read = _read(reader, work)
    targets, rows = _rows(read, reader.model)
    done += [article for article, _ in read]

    def keep(session: Session) -> None:
        table.save(session, done, targets, rows)
        table.note_unchanged(session, unchanged)

    warehouse.write(keep)
    return SentimentReport(
        articles=len(found),
        mentions=len(rows),
        not_english=sum(one.label == table.NOT_SCORED for one in done),
        failed=sum(one.label == table.FAILED for one in done),
    )


def _same_reading(before: ArticleRow, now: ArticleRow) -> bool:
    return (before.model, before.brands, before.text_hash) == (now.model, now.brands, now.text_hash)


def _planned(one: Shown, brands: _Watched, model: str) -> _Work:
    concepts = _concepts(one.record)
    found = text_hash(one.title, one.own_text, one.lang, concepts)
    if one.lang != ENGLISH:
        return _Work(_untold(one, brands, model, table.NOT_SCORED, found), (), "")
    names = gazetteer(concepts, brands.names)
    return _Work(
        _untold(one, brands, model, "", found),
        mentions(one.title, one.own_text, names),
        opening(one.title, one.own_text),
    )


def _concepts(record: str | None) -> list[tuple[str, str]]:
    """The kind and the English label of each concept that the index gave an article."""
    fields = parse_json(record) if record else None
    concepts = fields.get("concepts") if isinstance(fields, dict) else None
    found = []
    for concept in concepts if isinstance(concepts, list) else []:
        kind = concept.get("type") if isinstance(concept, Mapping) else None
        label = concept.get("label") if isinstance(concept, Mapping) else None
        if isinstance(label, Mapping):
            label = label.get("eng")
        if isinstance(kind, str) and isinstance(label, str) and len(label) <= 300:
            found.append((kind, label))
    return found


def _untold(one: Shown, brands: _Watched, model: str, label: str, found: str) -> ArticleRow:
    return ArticleRow(
        one.article_id, label, None, None, None, model, brands.version, found, one.change_seq
    )


def _read(
    reader: ToneReader, work: Sequence[_Work]
) -> list[tuple[ArticleRow, list[tuple[Mention, Tone]]]]:
    """The article's own tone, and that of each mention; of an article that can't be read none."""
    passages = [passage for one in work for passage in one.passages]
    try:
        tones = reader.read(passages)
    except ModelError:
        raise
    except Exception:
        # One of them breaks a library: by itself it costs the others nothing.
        return [_read_alone(reader, one) for one in work]
    told, at = [], 0
    for one in work:
        count = len(one.mentions) + 1
        told.append(_told(one, tones[at : at + count]))
        at += count
    return told


def _read_alone(reader: ToneReader, one: _Work) -> tuple[ArticleRow, list[tuple[Mention, Tone]]]:
    try:
        return _told(one, reader.read(one.passages))
    except ModelError:
        raise
    except Exception as error:
        why = setting_aside.told(error)
        logger.warning("The tone of %s can't be read: %s", one.article.article_id, why)
        return replace(one.article, label=table.FAILED), []


def _told(one: _Work, tones: Sequence[Tone]) -> tuple[ArticleRow, list[tuple[Mention, Tone]]]:
    own, *others = tones
    article = replace(
        one.article,
        label=own.label,
        negative=own.negative,
        neutral=own.neutral,
        positive=own.positive,
    )
    return article, list(zip(one.mentions, others, strict=True))


def _rows(
    read: Sequence[tuple[ArticleRow, list[tuple[Mention, Tone]]]], model: str
) -> tuple[list[TargetRow], list[MentionRow]]:
    targets, rows = [], []
    for article, told in read:
        key = article.article_id
        by_target: dict[str, list[tuple[Mention, Tone]]] = {}
        for mention, tone in told:
            by_target.setdefault(mention.target.name, []).append((mention, tone))
            rows.append(
                MentionRow(
                    key,
                    mention.target.name,
                    mention.number,
                    mention.target.kind,
                    mention.sentence,
                    mention.start,
                    mention.end,
                    *tone,
                    tone.label,
                    model,
                )
            )
        for name, several in by_target.items():
            whole = together(
                [tone for _, tone in several], [mention.number == 0 for mention, _ in several]
            )
            kind = several[0][0].target.kind
            targets.append(TargetRow(key, name, kind, len(several), *whole, whole.label, model))
    return targets, rows


def _sum(one: SentimentReport, other: SentimentReport) -> SentimentReport:
    return replace(
        one,
        articles=one.articles + other.articles,
        mentions=one.mentions + other.mentions,
        not_english=one.not_english + other.not_english,
        failed=one.failed + other.failed,
    )
