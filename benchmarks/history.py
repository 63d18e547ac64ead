"""Three years of stored articles, made in bulk, in the state that six-hourly runs leave.

All but the last days are inserted by SQL; the days that the next run reads again are put in place
by the pipeline's own stages, so that it finds them as if it had stored them itself.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from benchmarks.articles import FILLER, FIRST_URI, SENTENCES, SOURCE, TITLE, article
from newsapi_dentsu.domain.brands import NO_BRANDS
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.eventregistry.source import Source
from newsapi_dentsu.meaning import tone_model
from newsapi_dentsu.sandbox import SandboxArticle
from newsapi_dentsu.stages.collect import collect
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.pipeline import STAGES
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import assessments, final, positions, processed, raw, tone

DAYS = 3 * 365 + 1
INTERVAL = timedelta(hours=6)
RECENT_DAYS = timedelta(days=3)
REJECTED_EVERY = 40
_CHUNK = 100_000


@dataclass(frozen=True)
class History:
    """So many articles, evenly spread over the three years up to the last run."""

    articles: int
    last_run: datetime

    @property
    def start(self) -> datetime:
        """The first moment of the first day."""
        return self.recent - timedelta(days=DAYS)

    @property
    def recent(self) -> datetime:
        """Since when articles come from the pipeline's own stages."""
        return datetime.combine(self.last_run.date(), time(), UTC) - RECENT_DAYS

    @property
    def interval(self) -> timedelta:
        """The time from one article to the next."""
        return (self.last_run - self.start) / self.articles

    @property
    def bulk(self) -> int:
        """The number of articles before the recent ones."""
        return math.ceil((self.recent - self.start) / self.interval)

    def recent_articles(self) -> Iterable[SandboxArticle]:
        """The articles of the last days, for the news API to list."""
        for number in range(self.bulk, self.articles):
            yield article(number, self.start + self.interval * number)


def build(warehouse: Warehouse, past: History, topics: Topics, source: Source) -> None:
    """Fill an empty warehouse; `source` must list the recent articles."""
    fill(warehouse, past, topics)
    collect(source, warehouse, topics, now=past.last_run)
    deduplicate(warehouse, now=past.last_run)
    group(warehouse, topics, now=past.last_run)
    curate(warehouse, now=past.last_run)
    warehouse.write(_insert_tones)


def fill(warehouse: Warehouse, past: History, topics: Topics) -> None:
    """Fill an empty warehouse with all but the recent articles."""
    warehouse.upgrade()
    with warehouse.transaction() as session:
        # Made again at the end: in one go that is much faster.
        for name, statement in history.indexes(warehouse.engine.name).items():
            table = statement.split(" ON ")[1]
            session.execute(f"DROP INDEX {table.partition('.')[0]}.{name}")
    for first in range(0, past.bulk, _CHUNK):
        with warehouse.transaction() as session:
            _insert_articles(session, past, topics, first, min(first + _CHUNK, past.bulk))
    with warehouse.transaction() as session:
        _insert_state(session, past, topics)
    warehouse.upgrade()


def _insert_articles(
    session: Session, past: History, topics: Topics, first: int, last: int
) -> None:
    """Insert the articles from number `first` up to but without `last` into every table."""
    sql = _Expressions(past, _is_postgres(session))
    numbers = f"generate_series({first}, {last - 1}) AS g(i)"
    rejected = f"i % {REJECTED_EVERY} = 0"
    session.execute(
        f"INSERT INTO {raw.TABLE} (seq, uri, version, url, title, publishedAt, indexed_at, lang, "
        "data_type, source_uri, source_name, is_duplicate, origin, query_id, fetched_at, "
        f"record_hash, record) SELECT i + 1, {sql.uri}, 1, {sql.url}, {sql.title}, {sql.moment}, "
        f"{sql.moment}, 'eng', 'news', '{SOURCE}', 'Ad Ledger', FALSE, '{raw.SANDBOX}', "
        f"'{topics.query_id}', {sql.moment}, md5({sql.uri}), {sql.record} FROM {numbers}"
    )
    session.execute(
        f"INSERT INTO {processed.OUTCOMES} (raw_seq, uri, uri_version, page_id, fragment, "
        "article_id, outcome, text_hash, text_at, publishedAt) "
        f"SELECT i + 1, {sql.uri}, 1, {sql.article_id}, '', {sql.article_id}, "
        f"'article', {sql.text_hash}, {sql.moment}, {sql.moment} FROM {numbers}"
    )
    session.execute(
        f"INSERT INTO {processed.TABLE} (article_id, url, link, title, body, publishedAt, "
        "first_published_at, indexed_at, source_name, source_uri, lang, data_type, authors, image, "
        "sentiment, concepts, "
        "categories, is_duplicate, version, text_hash, raw_seq, origin, fetched_at, updated_at, "
        f"change_seq) SELECT {sql.article_id}, {sql.url}, {sql.url}, {sql.title}, "
        f"CASE WHEN {rejected} THEN '' ELSE {sql.body} END, {sql.moment}, {sql.moment}, "
        f"{sql.moment}, "
        f"'Ad Ledger', '{SOURCE}', 'eng', 'news', '[]', {sql.image}, 0.1, '[]', '[]', FALSE, 1, "
        f"{sql.text_hash}, i + 1, '{raw.SANDBOX}', {sql.moment}, {sql.moment}, i + 1 "
        f"FROM {numbers}"
    )
    session.execute(
        f"INSERT INTO {final.TABLE} (article_id, url, link, title, body, publishedAt, "
        "first_published_at, source_name, source_uri, lang, data_type, authors, image, sentiment, "
        "concepts, categories, version, "
        "origin, fetched_at, updated_at, story_id, duplicate_count, other_sources, relevance, "
        f"topic_relevance, flags) SELECT {sql.article_id}, {sql.url}, {sql.url}, {sql.title}, "
        f"{sql.body}, {sql.moment}, {sql.moment}, 'Ad Ledger', '{SOURCE}', 'eng', 'news', '[]', "
        f"{sql.image}, "
        f"0.1, '[]', '[]', 1, '{raw.SANDBOX}', {sql.moment}, {sql.moment}, {sql.article_id}, 0, "
        f"'[]', 0.9, '{{}}', '[]' FROM {numbers} WHERE NOT {rejected}"
    )
    session.execute(
        f"INSERT INTO {assessments.TABLE} (article_id, text_hash, publishedAt, source_uri, lang, "
        "rejection, detail, flags, relevance, topic_relevance, story_id, role, change_seq) "
        f"SELECT {sql.article_id}, {sql.text_hash}, {sql.moment}, '{SOURCE}', 'eng', "
        f"CASE WHEN {rejected} THEN 'no_body' END, "
        f"CASE WHEN {rejected} THEN 'the body is empty' END, "
        f"'[]', 0.9, '{{}}', {sql.article_id}, 'original', i + 1 FROM {numbers}"
    )
    session.execute(
        f"INSERT INTO {final.REJECTED} (article_id, url, link, title, reason, detail, "
        f"updated_at) SELECT {sql.article_id}, {sql.url}, {sql.url}, {sql.title}, 'no_body', "
        "'the body is empty', "
        f"{sql.moment} FROM {numbers} WHERE {rejected}"
    )


def _insert_state(session: Session, past: History, topics: Topics) -> None:
    """Insert what the stages remember: days read, positions, and their executions."""
    raw.activate_query(
        session,
        topics.query_id,
        definition=topics.model_dump_json(),
        start_day=past.start.date(),
        now=past.start,
    )
    raw.advance_watermark(session, topics.query_id, past.recent)
    # Each day was last read when nothing could come in any more.
    session.execute(
        "INSERT INTO raw.query_days "
        "(query_id, day, total, uris, unlisted, complete_at, settled_at) "
        "SELECT $1, d.day, coalesce(a.total, 0), '[]', 0, "
        "d.day::timestamptz + INTERVAL '72 hours', d.day::timestamptz + INTERVAL '72 hours' "
        f"FROM (SELECT DATE '{past.start.date()}' + i::integer AS day "
        f"FROM generate_series(0, {DAYS - 1}) AS g(i)) AS d "
        "LEFT JOIN (SELECT indexed_at::date AS day, count(*) AS total "
        f"FROM {raw.TABLE} GROUP BY 1) AS a ON a.day = d.day",
        topics.query_id,
    )
    for name in (
        *(raw.SEQUENCE, processed.SEQUENCE),
        *(positions.DEDUPLICATED, positions.GROUPED, positions.CURATED),
    ):
        positions.set_position(session, name, past.bulk)
    for stage in STAGES:
        session.execute(
            "INSERT INTO ops.stage_runs (run_id, stage, attempt, status, started_at, ended_at, "
            f"report) SELECT md5(i::text), '{stage.name}', 1, 'succeeded', t.at, t.at, '{{}}' FROM "
            f"(SELECT i, to_timestamp({past.start.timestamp()} + i * 21600.0) AS at "
            f"FROM generate_series(0, {4 * DAYS - 1}) AS g(i)) AS t"
        )


def _insert_tones(session: Session) -> None:
    """Have the tones of all articles, which runs have read when these came."""
    session.execute(
        f"INSERT INTO {tone.ARTICLES} (article_id, label, negative, neutral, positive, model, "
        "brands, text_hash, change_seq) SELECT article_id, 'neutral', 0.1, 0.8, 0.1, $1, $2, '', "
        f"change_seq FROM {final.TABLE}",
        tone_model().model,
        NO_BRANDS.version,
    )


class _Expressions:
    """SQL for the columns of article `i`, as the pipeline would fill them."""

    def __init__(self, past: History, postgres: bool) -> None:
        def sha256(text: str) -> str:
            if postgres:
                return f"left(encode(sha256(convert_to({text}, 'UTF8')), 'hex'), 32)"
            return f"left(sha256({text}), 32)"

        self.uri = f"({FIRST_URI} + i)::text"
        self.url = f"('https://{SOURCE}/' || i)"
        self.title = f"('{TITLE} ' || i)"
        self.image = f"('https://{SOURCE}/' || i || '.jpg')"
        words = (f"md5(i || '.{place}')" for place in range(SENTENCES))
        self.body = "(" + " || ".join(f"'{FILLER} ' || {word} || ' '" for word in words) + ")"
        start, step = past.start.timestamp(), past.interval.total_seconds()
        self.moment = f"to_timestamp({start} + i * {step})"
        self.article_id = sha256(self.url)
        # Nobody compares it with the text, only with itself.
        self.text_hash = "md5('text ' || i)"
        concepts = ",".join(
            f'{{"label":{{"eng":"{name}"}},"score":3,"type":"wiki","uri":"http://en.wikipedia.org/wiki/{name}"}}'
            for name in ("Artificial_intelligence", "Marketing")
        )
        self.record = (
            f"""('{{"body":"' || {self.body} || '","categories":[],"concepts":[{concepts}],"""
            f""""dataType":"news","dateTime":"' || {self.moment} || '","lang":"eng","""
            f""""source":{{"dataType":"news","title":"Ad Ledger","uri":"{SOURCE}"}},"title":"' """
            f"""|| {self.title} || '","uri":"' || {self.uri} || '","url":"' || {self.url} """
            """|| '"}')"""
        )


def _is_postgres(session: Session) -> bool:
    version: str = session.rows("SELECT version()")[0][0]
    return version.startswith("PostgreSQL")
