"""Curating: what may be read goes to final, what may not is kept with the reason."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from newsapi_dentsu.domain.quality import Candidate, first_rejection
from newsapi_dentsu.stages.report import CurateReport, Progress, no_progress
from newsapi_dentsu.warehouse import Warehouse, final, operations, processed
from newsapi_dentsu.warehouse.engine import Session
from newsapi_dentsu.warehouse.final import FinalArticle, RejectedArticle
from newsapi_dentsu.warehouse.processed import Article

BATCH_ROWS = 500
BATCH_CHARACTERS = 8_000_000


def curate(
    warehouse: Warehouse,
    languages: Collection[str],
    *,
    now: datetime,
    full_refresh: bool = False,
    progress: Progress = no_progress,
) -> CurateReport:
    """Sort the articles that are new or changed into final and rejected.

    Works in batches, each a transaction, and so may be stopped anywhere. `full_refresh` takes
    every article again: rows that come out the same are not touched.

    Args:
        warehouse: where the articles are.
        languages: ISO 639-2 codes of the languages that final takes.
        now: the time that changed rows get as `updated_at`.
        full_refresh: whether to judge every article again.
        progress: told how many of the waiting articles are done.
    """

    def begin(session: Session) -> int:
        if full_refresh:
            operations.set_position(session, operations.CURATED, 0)
        return operations.waiting(session, operations.CURATED)

    waiting = warehouse.write(begin)
    progress(0, waiting)
    total = CurateReport(0, 0, 0, 0, {})
    while report := warehouse.write(lambda session: _curate_batch(session, languages, now)):
        total = _sum(total, report)
        progress(total.articles, waiting)
    return total


def _curate_batch(
    session: Session, languages: Collection[str], now: datetime
) -> CurateReport | None:
    batch, last = processed.changes_after(
        session,
        operations.position(session, operations.CURATED),
        rows=BATCH_ROWS,
        characters=BATCH_CHARACTERS,
    )
    if not batch:
        return None
    rejected: Counter[str] = Counter()
    accepted: dict[str, FinalArticle] = {}
    refused: dict[str, RejectedArticle] = {}
    for article in batch:
        verdict = first_rejection(
            Candidate(article.title, article.body, article.published_at, article.lang), languages
        )
        if verdict is None:
            accepted[article.article_id] = _final(article)
        else:
            refused[article.article_id] = RejectedArticle(
                article.article_id, article.url, article.title, verdict.reason, verdict.detail
            )
            rejected[verdict.reason] += 1
    ids = [article.article_id for article in batch]
    in_final = final.articles(session, ids)
    in_rejected = final.rejections(session, ids)
    removed = [key for key in in_final if key in refused]
    final.remove(session, removed)
    final.remove_rejections(session, [key for key in in_rejected if key in accepted])
    changed = [article for key, article in accepted.items() if article != in_final.get(key)]
    final.save_articles(session, changed, in_final, now)
    final.save_rejections(
        session,
        [article for key, article in refused.items() if article != in_rejected.get(key)],
        in_rejected,
        now,
    )
    operations.set_position(session, operations.CURATED, last)
    return CurateReport(
        articles=len(batch),
        added=sum(article.article_id not in in_final for article in changed),
        changed=sum(article.article_id in in_final for article in changed),
        removed=len(removed),
        rejected=dict(rejected),
    )


def _sum(one: CurateReport, other: CurateReport) -> CurateReport:
    rejected = Counter(one.rejected) + Counter(other.rejected)
    return CurateReport(
        articles=one.articles + other.articles,
        added=one.added + other.added,
        changed=one.changed + other.changed,
        removed=one.removed + other.removed,
        rejected=dict(sorted(rejected.items())),
    )


def _final(article: Article) -> FinalArticle:
    if article.published_at is None or article.lang is None:
        raise ValueError(f"{article.article_id} was accepted without a date or a language")
    return FinalArticle(
        article_id=article.article_id,
        url=article.url,
        title=article.title,
        body=article.body,
        published_at=article.published_at,
        source_name=article.source_name,
        source_uri=article.source_uri,
        lang=article.lang,
        data_type=article.data_type,
        authors=article.authors,
        image=article.image,
        sentiment=article.sentiment,
        concepts=article.concepts,
        categories=article.categories,
        event_uri=article.event_uri,
        version=article.version,
        origin=article.origin,
        fetched_at=article.fetched_at,
    )
