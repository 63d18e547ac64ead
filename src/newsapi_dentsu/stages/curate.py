"""Curating: what may be read goes to final, what may not is kept with the reason."""

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.domain.stories import HELD
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages import setting_aside
from newsapi_dentsu.stages.report import CurateReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import assessments, final, positions, processed
from newsapi_dentsu.warehouse.tables.assessments import Assessed, Held
from newsapi_dentsu.warehouse.tables.final import (
    FULLER_TEXT,
    OWN_TEXT,
    Departure,
    FinalArticle,
    RejectedArticle,
)
from newsapi_dentsu.warehouse.tables.processed import Article, Heading

logger = logging.getLogger(__name__)

BATCH_ROWS = 1_000
BATCH_CHARACTERS = 8_000_000


def curate(
    warehouse: Warehouse,
    *,
    now: datetime,
    full_refresh: bool = False,
    progress: Progress = no_progress,
) -> CurateReport:
    """Sort the articles whose assessments are new or changed into final and rejected.

    Works in batches, each a transaction, and so may be stopped anywhere. `full_refresh` takes
    every article again: rows that come out the same are not touched.

    Args:
        warehouse: where the articles are.
        now: the time that changed rows get as `updated_at`.
        full_refresh: whether to take every article again.
        progress: told how many of the waiting articles are done.
    """

    def begin(session: Session) -> int:
        final.forget_past(session, now)
        final.number_rows(session)
        if setting_aside.rules_changed(session, positions.CURATED):
            assessments.touch(session, final.set_aside(session))
            setting_aside.note_rules(session, positions.CURATED)
        if full_refresh:
            positions.set_position(session, positions.CURATED, 0)
        return positions.waiting(session, positions.CURATED)

    waiting = warehouse.write(begin)
    progress(0, waiting)
    total = CurateReport(0, 0, 0, 0, {})
    while total.articles < waiting and (
        report := warehouse.write(lambda session: _curate_batch(session, now))
    ):
        total = _sum(total, report)
        progress(total.articles, waiting)
    return total


def _curate_batch(session: Session, now: datetime) -> CurateReport | None:
    changes = assessments.changes_after(
        session,
        positions.position(session, positions.CURATED),
        rows=BATCH_ROWS,
        characters=BATCH_CHARACTERS,
    )
    if not changes.batch:
        return None
    verdicts = {one.article_id: one for one in (*changes.batch, *changes.ahead)}
    readable = [key for key, one in verdicts.items() if may_be_read(one)]
    homes = assessments.homes(session, verdicts)
    not_read = [one for one in verdicts.values() if not may_be_read(one)]
    of_these = {key for one in not_read for key in (one.article_id, homes[one.article_id])}
    refused = refusals(not_read, homes, processed.headings(session, of_these))
    accepted, failed = _accepted(session, readable, verdicts)
    refused |= failed

    in_final = final.articles(session, verdicts)
    in_rejected = final.rejections(session, verdicts)
    leaving = [
        Departure(key, in_final[key].url, refused[key].reason, _replacement(one, homes[key]))
        for key, one in verdicts.items()
        if key in refused and key in in_final
    ]
    final.remove(session, leaving, now)
    final.remove_rejections(session, [key for key in in_rejected if key in accepted])
    changed = [article for key, article in accepted.items() if article != in_final.get(key)]
    final.save_articles(session, changed, in_final, now)
    final.tell(session, _shown_anew(changed, in_final), now)
    final.save_rejections(
        session,
        [article for key, article in refused.items() if article != in_rejected.get(key)],
        in_rejected,
        now,
    )
    positions.set_position(session, positions.CURATED, changes.last)
    rejected = Counter(
        refused[one.article_id].reason for one in changes.batch if one.article_id in refused
    )
    return CurateReport(
        articles=len(changes.batch),
        added=sum(article.article_id not in in_final for article in changed),
        changed=sum(article.article_id in in_final for article in changed),
        removed=len(leaving),
        rejected=dict(rejected),
    )


def may_be_read(one: Assessed) -> bool:
    """Whether an article is shown in final."""
    return one.rejection is None and one.role not in HELD


def _replacement(one: Assessed, home: str) -> str | None:
    return home if one.rejection is None and home != one.article_id else None


def _shown_anew(
    changed: Sequence[FinalArticle], before: Mapping[str, FinalArticle]
) -> list[Departure]:
    """What of final stays, and shows the text of another article than before."""
    return [
        Departure(
            article.article_id,
            article.url,
            FULLER_TEXT if article.text_of else OWN_TEXT,
            article.text_of,
        )
        for article in changed
        if article.article_id in before and before[article.article_id].text_of != article.text_of
    ]


def refusals(
    verdicts: Iterable[Assessed], homes: Mapping[str, str], headings: Mapping[str, Heading]
) -> dict[str, RejectedArticle]:
    """The rows of articles that stay out of final, each with the reason.

    Args:
        verdicts: those that may not be read.
        homes: the article of final that stands for each of them.
        headings: what they and those are called.
    """
    refused = {}
    for one in verdicts:
        url, link, title = headings[one.article_id]
        reason, detail = one.rejection or "copy", one.detail or ""
        if one.rejection is None:
            what = "of" if one.role == "copy" else "a fuller text, shown instead of that of"
            detail = f"{what} {headings[homes[one.article_id]].link} ({one.rule}: {one.reasons})"
        refused[one.article_id] = RejectedArticle(one.article_id, url, link, title, reason, detail)
    return refused


def _accepted(
    session: Session, readable: Sequence[str], verdicts: Mapping[str, Assessed]
) -> tuple[dict[str, FinalArticle], dict[str, RejectedArticle]]:
    held = assessments.held(session, readable)
    texts = {one.text for one in held.values() if one.text}
    shown = processed.articles(session, texts)
    judged = {**assessments.assessed(session, texts), **verdicts}
    return acceptances({**shown, **processed.articles(session, readable)}, readable, judged, held)


def acceptances(
    articles: Mapping[str, Article],
    readable: Collection[str],
    judged: Mapping[str, Assessed],
    held: Mapping[str, Held],
) -> tuple[dict[str, FinalArticle], dict[str, RejectedArticle]]:
    """The rows of articles for final, and of those of which none could be made.

    Args:
        articles: those that may be read, and those whose texts they show.
        readable: those that may be read.
        judged: the verdicts on all of these.
        held: what each of those that may be read stands for.
    """
    accepted, failed = {}, {}
    for key in readable:
        article = articles[key]
        try:
            text = held[key].text or key
            accepted[key] = _final(
                article, articles[text], judged[text], judged[key].story_id, held[key]
            )
        except Exception as error:
            # Whatever it is about this article, the others must go on.
            why = setting_aside.told(error)
            logger.warning("%s could not go to final and is set aside: %s", article.url, why)
            failed[key] = RejectedArticle(
                key, article.url, article.link, article.title, FAILED, why
            )
    return accepted, failed


def _sum(one: CurateReport, other: CurateReport) -> CurateReport:
    rejected = Counter(one.rejected) + Counter(other.rejected)
    return CurateReport(
        articles=one.articles + other.articles,
        added=one.added + other.added,
        changed=one.changed + other.changed,
        removed=one.removed + other.removed,
        rejected=dict(sorted(rejected.items())),
    )


def _final(
    article: Article, text: Article, verdict: Assessed, story_id: str, held: Held
) -> FinalArticle:
    """A row of final: where the article is, and what is shown there, with the verdict on that."""
    if text.published_at is None or verdict.lang is None:
        raise ValueError(f"{text.article_id} was accepted without a date or a language")
    others = {source for source in held.sources if source} - {article.source_uri}
    return FinalArticle(
        article_id=article.article_id,
        url=article.url,
        link=article.link,
        title=text.title,
        body=text.body,
        published_at=text.published_at,
        first_published_at=article.first_published_at,
        source_name=article.source_name,
        source_uri=article.source_uri,
        lang=verdict.lang,
        data_type=article.data_type,
        authors=text.authors,
        image=text.image,
        sentiment=text.sentiment,
        concepts=text.concepts,
        categories=text.categories,
        event_uri=text.event_uri,
        version=article.version,
        origin=text.origin,
        fetched_at=text.fetched_at,
        story_id=story_id,
        duplicate_count=len(held.sources),
        other_sources=json.dumps(sorted(others)),
        relevance=verdict.relevance,
        topic_relevance=verdict.topic_relevance,
        flags=verdict.flags,
        text_start=text.text_start,
        text_end=text.text_end,
        text_of=None if text is article else text.article_id,
    )
