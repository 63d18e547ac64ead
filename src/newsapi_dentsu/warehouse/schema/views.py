"""The views that people and their tools read: snake_case names, real lists, a row for each thing.

They are made anew by each upgrade that changes tables; so a view that changes needs a migration,
and `SINCE` its number.
Lists are JSON in the tables, which each engine takes apart in its own way.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from newsapi_dentsu.warehouse.engines.base import Engine, Session, one

READER: Final = "news_reader"
"""The role on PostgreSQL that reads these views and nothing else."""

SEARCHED: Final = ("final.search_entries", "final.search_state")
"""What the role looks words up in; it has the words of what the views show."""

SINCE: Final = 23
"""The first version of the schema whose tables have all that the views read."""

READER_SEES_SCHEMA: Final = (
    f"DO $$ BEGIN GRANT USAGE ON SCHEMA final TO {READER}; "
    "EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
)
"""For the administrator, who owns the schema where the pipeline's role may not make one."""

ABOUT: Final = 0.5
"""From this relevance on an article counts as one about a topic."""

_AS_STORED: Final = (
    *("article_id", "story_id", "url", "link", "title", "body", "publishedAt AS published_at"),
    *("first_published_at", "source_name", "source_uri", "lang", "data_type", "image", "sentiment"),
    *("event_uri", "version", "origin", "duplicate_count", "relevance", "text_start", "text_end"),
    "text_of",
    *("fetched_at", "updated_at", "change_seq"),
)


_REVISION: Final = "concat_ws('-', {})".format(
    ", ".join(
        f"(SELECT {value})"
        for value in (
            "max(version) FROM ops.schema_migrations",
            "coalesce(max(value), 0) FROM ops.positions WHERE name = 'final.changes_seq'",
            "coalesce(max(value), 0) FROM ops.positions WHERE name = 'final.past_from'",
            "coalesce(max(value), 0) FROM ops.positions WHERE name = 'final.tones_seq'",
            # Roles and stories change where final doesn't, and titles of copies before either does.
            "coalesce(max(change_seq), 0) FROM processed.assessments",
            "coalesce(max(change_seq), 0) FROM processed.processed_news",
            # A server that was promoted, or restored, gives the same numbers to other changes.
            "coalesce(max(value), 0) FROM ops.positions WHERE name = 'epoch'",
            "coalesce(extract(epoch FROM max(updated_at)), 0) FROM final.filtered_news",
            "coalesce(extract(epoch FROM max(changed_at)), 0) FROM final.changes",
        )
    )
)
"""The numbers of the last change of all that the views show."""


@dataclass(frozen=True, slots=True)
class _Lists:
    """How an engine makes lists of the JSON in the columns of `shown`."""

    texts: str
    labels: str
    topics: str
    concepts: str
    """A relation beside `shown`: uri, label, score."""

    topic_scores: str
    """A relation beside `shown`: topic, relevance."""


_DUCKDB = _Lists(
    texts="CAST(CAST(coalesce(shown.{0}, '[]') AS json) AS varchar[])",
    labels="list_filter(json_extract_string(coalesce(shown.{0}, '[]'), '$[*].label'), "
    "lambda label: label IS NOT NULL)",
    topics="list_transform(list_filter(map_entries(CAST(CAST(coalesce(shown.topic_relevance, "
    f"'{{{{}}}}') AS json) AS map(varchar, double))), lambda topic: topic.value >= {ABOUT}), "
    "lambda topic: topic.key)",
    concepts="(SELECT unnest(from_json(coalesce(shown.concepts, '[]'), "
    '\'[{"uri": "VARCHAR", "label": "VARCHAR", "score": "DOUBLE"}]\'), recursive := true))',
    topic_scores="(SELECT entry.key AS topic, entry.value AS relevance FROM (SELECT "
    "unnest(map_entries(CAST(CAST(coalesce(shown.topic_relevance, '{}') AS json) "
    "AS map(varchar, double)))) AS entry))",
)
_POSTGRESQL = _Lists(
    texts="ARRAY(SELECT jsonb_array_elements_text(CAST(coalesce(shown.{0}, '[]') AS jsonb)))",
    labels="ARRAY(SELECT item ->> 'label' FROM jsonb_array_elements(CAST(coalesce(shown.{0}, '[]') "
    "AS jsonb)) WITH ORDINALITY AS listed (item, place) WHERE item ->> 'label' IS NOT NULL "
    "ORDER BY place)",
    topics="ARRAY(SELECT topic FROM json_each_text(CAST(coalesce(shown.topic_relevance, '{{}}') "
    "AS json)) WITH ORDINALITY AS scored (topic, score, place) "
    f"WHERE CAST(score AS double precision) >= {ABOUT} ORDER BY place)",
    concepts="(SELECT * FROM jsonb_to_recordset(CAST(coalesce(shown.concepts, '[]') AS jsonb)) "
    "AS listed (uri text, label text, score double precision))",
    topic_scores="(SELECT topic, CAST(score AS double precision) AS relevance FROM "
    "jsonb_each_text(CAST(coalesce(shown.topic_relevance, '{}') AS jsonb)) "
    "AS scored (topic, score))",
)


def stories_query(articles: str, members: str) -> str:
    """The query of `final.stories` over relations like `final.articles`, `final.story_articles`."""
    return (
        "SELECT placed.story_id, lead.article_id, lead.title, lead.body, lead.text_start, "
        "lead.text_end, lead.link, lead.lang, "
        "lead.source_name, lead.source_uri, lead.image, lead.origin, lead.relevance, "
        "lead.sentiment, lead.topics, told.first_source, told.first_published_at, "
        "told.last_published_at, told.sources, told.source_count, told.article_count, "
        "told.copies, told.rewrites, told.updates, "
        "placed.last_updated_at AS updated_at, placed.last_change_seq AS change_seq "
        "FROM (SELECT article_id, story_id, row_number() OVER (PARTITION BY story_id ORDER BY "
        "CASE role WHEN 'original' THEN 0 ELSE 1 END, published_at, article_id) AS place, "
        "max(updated_at) OVER (PARTITION BY story_id) AS last_updated_at, "
        "max(change_seq) OVER (PARTITION BY story_id) AS last_change_seq "
        f"FROM {articles} AS article) AS placed "
        f"JOIN {articles} AS lead ON lead.article_id = placed.article_id "
        "JOIN LATERAL (SELECT min(published_at) AS first_published_at, "
        "max(published_at) AS last_published_at, "
        "(array_agg(source_uri ORDER BY published_at, member.article_id))[1] AS first_source, "
        "array_agg(DISTINCT source_uri ORDER BY source_uri) "
        "FILTER (WHERE source_uri IS NOT NULL) AS sources, "
        "count(DISTINCT source_uri) AS source_count, count(*) AS article_count, "
        "count(*) FILTER (WHERE role IN ('copy', 'fuller')) AS copies, "
        "count(*) FILTER (WHERE role = 'rewrite') AS rewrites, "
        "count(*) FILTER (WHERE role = 'update') AS updates "
        f"FROM {members} AS member "
        "WHERE member.story_id = placed.story_id) AS told ON true "
        "WHERE placed.place = 1"
    )


@cache
def views(engine: str) -> dict[str, str]:
    """Each view's name on an engine (by the engine's name), and the query that it stands for."""
    lists = _POSTGRESQL if engine == "PostgreSQL" else _DUCKDB
    article = ", ".join(
        [
            *(f"shown.{column}" for column in _AS_STORED),
            *("assessed.role", "assessed.reference_id"),
            *(f"{lists.texts.format(name)} AS {name}" for name in ("authors", "other_sources")),
            f"{lists.texts.format('flags')} AS flags",
            *(f"{lists.labels.format(name)} AS {name}" for name in ("concepts", "categories")),
            f"{lists.topics.format()} AS topics",
            "toned.label AS tone",
        ]
    )
    assessed = (
        "LEFT JOIN processed.assessments AS assessed ON assessed.article_id = shown.article_id "
        "LEFT JOIN final.article_tone AS toned ON toned.article_id = shown.article_id"
    )
    return {
        # What people read, a row for each article.
        "final.articles": f"SELECT {article} FROM final.filtered_news AS shown {assessed}",
        # Articles as they were from their `change_seq` to before `ended_seq`.
        "final.articles_past": f"SELECT {article}, shown.ended_seq "
        f"FROM final.past_articles AS shown {assessed}",
        # Everything that came, changed or left, by number; an article's last state only.
        "final.article_changes": "SELECT change_seq, 'shown' AS change, article_id, url, "
        "CAST(NULL AS text) AS reason, CAST(NULL AS text) AS replaced_by, updated_at AS changed_at "
        "FROM final.filtered_news UNION ALL "
        "SELECT seq, 'left', article_id, url, reason, replaced_by, changed_at FROM final.changes "
        # These stayed, with another text.
        "WHERE reason NOT IN ('fuller_text', 'own_text')",
        # Every article of a story, copies too: where it ran, and when.
        "final.story_articles": "SELECT assessed.story_id, assessed.article_id, assessed.role, "
        "assessed.reference_id, assessed.similarity, article.title, article.link, "
        "article.source_name, article.source_uri, assessed.lang, "
        "assessed.publishedAt AS published_at, shown.article_id IS NOT NULL AS shown "
        "FROM processed.assessments AS assessed "
        "JOIN processed.processed_news AS article ON article.article_id = assessed.article_id "
        "LEFT JOIN final.filtered_news AS shown ON shown.article_id = assessed.article_id "
        "WHERE assessed.rejection IS NULL",
        # A row for each story: its text, who had it first, and how far it was carried.
        "final.stories": stories_query("final.articles", "final.story_articles"),
        # A row for each concept of each article.
        "final.article_concepts": "SELECT shown.article_id, shown.publishedAt AS published_at, "
        "listed.uri, listed.label, listed.score FROM final.filtered_news AS shown "
        f"CROSS JOIN LATERAL {lists.concepts} AS listed",
        # A row for each topic that an article was scored for.
        "final.article_topics": "SELECT shown.article_id, shown.publishedAt AS published_at, "
        "scored.topic, scored.relevance FROM final.filtered_news AS shown "
        f"CROSS JOIN LATERAL {lists.topic_scores} AS scored",
        # A row for each one whom an article speaks about: how it does.
        "final.article_targets": "SELECT told.article_id, shown.story_id, "
        "shown.publishedAt AS published_at, told.target, told.kind, told.mentions, "
        "told.negative, told.neutral, told.positive, told.label, told.model, told.target_key "
        "FROM final.article_sentiment AS told "
        "JOIN final.filtered_news AS shown ON shown.article_id = told.article_id",
        # The same of articles in `final.articles_past`, whether they are still shown or have left.
        "final.article_targets_past": "SELECT told.article_id, told.target, told.kind, "
        "told.mentions, told.negative, told.neutral, told.positive, told.label, told.model, "
        "told.target_key FROM final.article_sentiment AS told "
        "WHERE told.article_id IN (SELECT article_id FROM final.past_articles AS shown)",
        # A row for each sentence that shows it.
        "final.article_mentions": "SELECT told.article_id, told.target, told.sentence_number, "
        "told.kind, told.sentence, told.name_start, told.name_end, "
        "told.negative, told.neutral, told.positive, told.label, told.model "
        "FROM processed.mentions AS told "
        "JOIN final.filtered_news AS shown ON shown.article_id = told.article_id",
        # A row for each week, by the Monday (UTC) that begins it.
        "final.articles_by_week": "SELECT "
        "CAST(date_trunc('week', publishedAt AT TIME ZONE 'UTC') AS date) AS week, "
        "count(*) AS articles, count(DISTINCT story_id) AS stories, "
        "count(DISTINCT source_uri) AS sources, avg(relevance) AS relevance, "
        "avg(sentiment) AS sentiment FROM final.filtered_news GROUP BY 1",
        # A row for each week and target: its stories, each counted once, and how they speak of it.
        "final.brand_sentiment_by_week": "SELECT "
        "CAST(date_trunc('week', published_at AT TIME ZONE 'UTC') AS date) AS week, target, "
        "count(*) AS stories, "
        "count(*) FILTER (WHERE negative >= 0.5) AS negative, "
        "count(*) FILTER (WHERE neutral >= 0.5) AS neutral, "
        "count(*) FILTER (WHERE positive >= 0.5) AS positive, "
        "count(*) FILTER (WHERE greatest(negative, neutral, positive) < 0.5) AS uncertain, "
        "avg(positive - negative) AS score "
        "FROM (SELECT told.target, min(shown.publishedAt) AS published_at, "
        "avg(told.negative) AS negative, avg(told.neutral) AS neutral, "
        "avg(told.positive) AS positive "
        "FROM final.article_sentiment AS told "
        "JOIN final.filtered_news AS shown ON shown.article_id = told.article_id "
        "GROUP BY coalesce(shown.story_id, shown.article_id), told.target) AS story "
        "GROUP BY 1, 2",
        # One row: what the others are a state of. `revision` names all that they show: it is
        # another one after each transaction that changes any of it, and NULL while there are
        # articles that were loaded from outside and have no number yet.
        "final.reading_state": "SELECT "
        "(SELECT max(version) FROM ops.schema_migrations) AS schema_version, "
        "coalesce((SELECT value FROM ops.positions WHERE name = 'final.changes_seq'), 0) "
        "AS change_seq, "
        "coalesce((SELECT value FROM ops.positions WHERE name = 'final.past_from'), 0) "
        "AS past_from, (SELECT max(updated_at) FROM final.filtered_news) AS updated_at, "
        "(SELECT origin FROM final.filtered_news LIMIT 1) AS origin, "
        "CASE WHEN EXISTS (SELECT 1 FROM final.filtered_news WHERE change_seq IS NULL) "
        f"THEN NULL ELSE {_REVISION} END AS revision",
    }


def missing(engine: Engine, session: Session) -> list[str]:
    """The views that aren't there."""
    there = {
        name
        for (name,) in session.rows(
            "SELECT table_schema || '.' || table_name FROM information_schema.views "
            "WHERE table_catalog = current_database()"
        )
    }
    return [name for name in views(engine.name) if name not in there]


def drop_views(engine: Engine, session: Session) -> None:
    """Drop them before tables are altered, in reverse order."""
    for name in reversed(views(engine.name)):
        session.execute(f"DROP VIEW IF EXISTS {name}")


def statements(engine: str) -> list[str]:
    """What makes the views on an engine."""
    return [f"CREATE VIEW {name} AS {query}" for name, query in views(engine).items()]


def create_views(engine: Engine, session: Session) -> None:
    """Make those that are missing, and let PostgreSQL's role for readers read them."""
    for name in missing(engine, session):
        session.execute(f"CREATE VIEW {name} AS {views(engine.name)[name]}")
    if engine.name == "PostgreSQL":
        grant_reader_if_there(session)


def grant_reader_if_there(session: Session) -> None:
    """Let the role for readers of a PostgreSQL server read the views, where there is one."""
    if one(session, "SELECT count(*) FROM pg_roles WHERE rolname = $1", READER):
        grant_reader(session)


def grant_reader(session: Session) -> None:
    """Let the role for readers read the views, as their owner."""
    session.execute(f"GRANT USAGE ON SCHEMA final TO {READER}")
    readable = [*views("PostgreSQL"), *SEARCHED]
    session.execute(f"GRANT SELECT ON {', '.join(readable)} TO {READER}")
