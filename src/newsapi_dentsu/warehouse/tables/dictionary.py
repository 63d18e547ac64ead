"""The data dictionary: what each column that people may read means and where it comes from."""

from dataclasses import dataclass
from typing import Final

from newsapi_dentsu.warehouse.tables import (
    assessments,
    embeddings,
    final,
    processed,
    raw,
    run_metrics,
    tone,
)
from newsapi_dentsu.warehouse.tables.run_metrics import METRICS


@dataclass(frozen=True, slots=True)
class Column:
    """A column's meaning, and the field of the API or the rule that fills it."""

    description: str
    source: str


_ARTICLE_ID = Column("Identity of the article; the same in processed and final.", "hash of `url`")
_URL = Column(
    "Canonical url, by which the article is known; unique, and not for clicking.",
    "`url`, see docs/urls.md",
)
_LINK = Column(
    "The link that people click, as the newest record gave it.", "`url`, see docs/urls.md"
)
_PUBLISHED = Column(
    "When this text was published: the publisher's time where it is credible, else the index's.",
    "`dateTimePub`, else `dateTime`",
)
_FIRST_PUBLISHED = Column(
    "When the article was first published: the earliest date of its records.",
    "`dateTimePub`, else `dateTime`",
)
_OWN_TEXT = {
    "text_start": Column(
        "Where the article's own text begins in `body`: after how many characters.",
        "docs/wrapping.md",
    ),
    "text_end": Column(
        "Where it ends; what lies outside is the site's wrapping, and nothing judges it.",
        "docs/wrapping.md",
    ),
}
_UPDATED = Column("When this row last changed.", "the pipeline")
_ORIGIN = Column("`newsapi.ai`, or `sandbox` for the built-in sample data.", "the answer's headers")
_FETCHED = Column("When the record behind this row was fetched.", "the pipeline")

_STORIES = "docs/stories.md"
_STORY = Column(
    "Articles of one story share it: rewrites, updates and, outside final, copies.", _STORIES
)
_RELEVANCE = Column("How much it is about the topics, from 0 to 1.", "docs/relevance.md")
_TOPIC_RELEVANCE = Column("The same for each topic, as a JSON object.", "docs/relevance.md")
_FLAGS = Column("What is worth knowing, as a JSON list of the flags.", "docs/quality.md")

_CHANGE_NUMBER = Column(
    "Order of change, in one row of numbers with those in final.filtered_news.", "the pipeline"
)
_WHY_LEFT = Column(
    "Why it left; `fuller_text` or `own_text` where it stayed with another text.",
    "docs/stories.md",
)
_REPLACED_BY = Column("The article to read instead, or whose text is shown.", "docs/stories.md")

_CONTENT = {
    "title": Column("Title, cleaned to plain text on one line.", "`title`"),
    "body": Column("Whole text, cleaned; paragraphs are separated by line breaks.", "`body`"),
    "source_name": Column("The publication's name.", "`source.title`"),
    "source_uri": Column("The publication's domain.", "`source.uri`"),
    "lang": Column("Language, ISO 639-2.", "`lang`"),
    "data_type": Column("news, pr or blog.", "`dataType`"),
    "authors": Column("Names, as a JSON list.", "`authors[].name`"),
    "image": Column("Address of the picture.", "`image`"),
    "sentiment": Column("From -1 to 1; English only.", "`sentiment`"),
    "concepts": Column("JSON list of {uri, label, score}.", "`concepts`"),
    "categories": Column("JSON list of {uri, label, wgt}.", "`categories`"),
    "event_uri": Column("The event that the article reports on.", "`eventUri`"),
    "version": Column("1, and one more for each change of the text.", "the pipeline"),
}

DICTIONARY: dict[str, dict[str, Column]] = {
    raw.TABLE: {
        "seq": Column("Order of arrival; grows by one.", "the pipeline"),
        "uri": Column("Identity of the record in the index.", "`uri`, else a content hash"),
        "version": Column("1, and more for each other record of the `uri`.", "the pipeline"),
        "url": Column(
            "The link as given; the canonical url where it has over 2,000 bytes, null where it is "
            "unusable.",
            "`url`, see docs/urls.md",
        ),
        "title": Column("Title, for reading; the whole is in `record`.", "`title`"),
        "publishedAt": _PUBLISHED,
        "indexed_at": Column("When the index found the article.", "`dateTime`"),
        "lang": _CONTENT["lang"],
        "data_type": _CONTENT["data_type"],
        "source_uri": _CONTENT["source_uri"],
        "source_name": _CONTENT["source_name"],
        "is_duplicate": Column("The index's own guess; not relied on.", "`isDuplicate`"),
        "problems": Column(
            "JSON list of the fields of an unexpected type or of which only the text was read, and "
            "of titles with control characters.",
            "docs/fetching.md",
        ),
        "unusable": Column(
            "Why no article could be made of the record when it came; what became of it since is "
            "in processed.record_outcomes.",
            "the pipeline",
        ),
        "origin": _ORIGIN,
        "query_id": Column("Which version of the topics found it.", "the topics file"),
        "fetched_at": _FETCHED,
        "record_hash": Column("Hash of the record without `sim`, `wgt`, `relevance`.", "`record`"),
        "record": Column("The whole record, as JSON text.", "the API"),
    },
    processed.TABLE: {
        "article_id": _ARTICLE_ID,
        "url": _URL,
        "link": _LINK,
        "title": _CONTENT["title"],
        "body": _CONTENT["body"],
        "publishedAt": _PUBLISHED,
        "first_published_at": _FIRST_PUBLISHED,
        "indexed_at": Column("When the index found this text.", "`dateTime`"),
        **{
            name: _CONTENT[name]
            for name in (
                *("source_name", "source_uri", "lang", "data_type", "authors", "image"),
                *("sentiment", "concepts", "categories", "event_uri"),
            )
        },
        "is_duplicate": Column("The index's own guess; not relied on.", "`isDuplicate`"),
        "version": _CONTENT["version"],
        "text_hash": Column("Hash of cleaned title and own text.", "the pipeline"),
        "raw_seq": Column("The raw record that gives the article.", "raw"),
        "origin": _ORIGIN,
        "fetched_at": _FETCHED,
        **_OWN_TEXT,
        "updated_at": _UPDATED,
        "change_seq": Column("Order of change; the next stage follows it.", "the pipeline"),
    },
    assessments.TABLE: {
        "article_id": _ARTICLE_ID,
        "text_hash": Column("Hash of the text that was judged.", "processed"),
        "publishedAt": _PUBLISHED,
        "source_uri": _CONTENT["source_uri"],
        "lang": Column("Language of the text, ISO 639-2: as told, else as detected.", "the text"),
        "rejection": Column("Why it may not be read; null where it may.", "docs/quality.md"),
        "detail": Column("The reason in words.", "the pipeline"),
        "flags": _FLAGS,
        "relevance": _RELEVANCE,
        "topic_relevance": _TOPIC_RELEVANCE,
        "story_id": _STORY,
        "role": Column(
            "`original`, `rewrite`, `update`, `fuller` or `copy`: its place in its story.", _STORIES
        ),
        "reference_id": Column("The article that its role refers to.", _STORIES),
        "rule": Column("The rule that found it alike.", _STORIES),
        "similarity": Column("How much of both texts is the same, from 0 to 1.", _STORIES),
        "containment": Column("How much of its text is in the other, from 0 to 1.", _STORIES),
        "reasons": Column("What decided, in words.", _STORIES),
        "change_seq": Column("Order of change; the next stage follows it.", "the pipeline"),
    },
    final.TABLE: {
        "article_id": _ARTICLE_ID,
        "url": _URL,
        "link": _LINK,
        "title": _CONTENT["title"],
        "body": _CONTENT["body"],
        "publishedAt": _PUBLISHED,
        "first_published_at": _FIRST_PUBLISHED,
        **{
            name: _CONTENT[name]
            for name in (
                *("source_name", "source_uri", "lang", "data_type", "authors", "image"),
                *("sentiment", "concepts", "categories", "event_uri", "version"),
            )
        },
        "origin": _ORIGIN,
        "fetched_at": _FETCHED,
        "story_id": _STORY,
        "duplicate_count": Column("How many copies of this article ran elsewhere.", "the pipeline"),
        "other_sources": Column("The domains where copies ran, as a JSON list.", "the pipeline"),
        "relevance": _RELEVANCE,
        "topic_relevance": _TOPIC_RELEVANCE,
        "flags": _FLAGS,
        **_OWN_TEXT,
        "text_of": Column(
            "The article whose fuller text is shown here; null where it is the article's own.",
            _STORIES,
        ),
        "updated_at": _UPDATED,
        "change_seq": Column(
            "Order of change, in one row of numbers with those in final.changes.", "the pipeline"
        ),
    },
    final.REJECTED: {
        "article_id": _ARTICLE_ID,
        "url": _URL,
        "link": _LINK,
        "title": _CONTENT["title"],
        "reason": Column("Why it may not be read; `copy` where another has its text.", "group"),
        "detail": Column("The reason in words.", "the pipeline"),
        "updated_at": _UPDATED,
    },
    final.VERSIONS: {
        "article_id": _ARTICLE_ID,
        "raw_seq": Column("The raw record that has this text.", "raw"),
        "outcome": Column(
            "article where this text is shown, superseded where it was before, url_twin where "
            "another record has the same one.",
            "docs/urls.md",
        ),
        "shown_from": Column("Since when the page is known to show it.", "`dateTime`"),
        "publishedAt": _PUBLISHED,
        "link": Column("The link of this record.", "`url`, see docs/urls.md"),
        "title": Column("Title, cleaned to plain text on one line.", "`title`"),
        "body": Column("Whole text as the source gave it, not cleaned.", "`body`"),
        "lang": _CONTENT["lang"],
        "source_uri": _CONTENT["source_uri"],
        "text_hash": Column("Hash of cleaned title and body.", "the pipeline"),
        "uri": Column("Identity of the record in the index.", "`uri`, else a content hash"),
        "uri_version": Column("Which revision of the record it is.", "the pipeline"),
        "fetched_at": _FETCHED,
    },
    embeddings.TABLE: {
        "model": Column("The sentence model and its version.", "docs/meaning.md"),
        "text_hash": Column("Hash of the text that the model read.", "the pipeline"),
        "vector": Column(
            "Which way the text's meaning points: whole numbers, the largest of them 127.",
            "docs/meaning.md",
        ),
    },
    processed.OUTCOMES: {
        "raw_seq": Column("The raw record.", "raw"),
        "uri": Column("Identity of the record in the index.", "`uri`, else a content hash"),
        "uri_version": Column("Which revision of the record it is.", "the pipeline"),
        "page_id": Column("Identity of the page that its link leads to.", "docs/urls.md"),
        "fragment": Column("The rest of its link, after the #.", "docs/urls.md"),
        "article_id": Column(
            "The article that it belongs to; null where it is unusable.", "docs/urls.md"
        ),
        "outcome": Column(
            "`article`, `superseded`, `url_twin`, `unusable` or `failed`.", "docs/urls.md"
        ),
        "reason": Column("Why it is unusable or failed.", "the pipeline"),
        "text_hash": Column("Hash of its cleaned title and body.", "the pipeline"),
        "text_at": Column("When the index had this text.", "`dateTime`"),
        "publishedAt": _PUBLISHED,
    },
    processed.REMOVALS: {
        "seq": Column(
            "Order of change, in one row of numbers with those in processed.processed_news.",
            "the pipeline",
        ),
        "article_id": _ARTICLE_ID,
        "removed_at": Column("When it was removed.", "the pipeline"),
    },
    final.CHANGES: {
        "seq": _CHANGE_NUMBER,
        "article_id": _ARTICLE_ID,
        "url": _URL,
        "reason": _WHY_LEFT,
        "replaced_by": _REPLACED_BY,
        "changed_at": Column("When it left, or began to show another text.", "the pipeline"),
    },
    run_metrics.TABLE: {name: Column(text, "docs/health.md") for name, text in METRICS.items()},
    run_metrics.DAILY: {
        "day": Column("The day (UTC) on which the runs started.", "ops.run_metrics"),
        "succeeded": Column("Runs that succeeded.", "ops.run_metrics"),
        "failed": Column("Runs that failed.", "ops.run_metrics"),
        "mean_duration_seconds": Column("How long a run took on average.", "ops.run_metrics"),
        **{
            name: Column(METRICS[name], "ops.run_metrics")
            for name in (
                *("fetched", "new_records", "url_twins", "superseded_versions", "copies"),
                *("rejected_articles", "latency_mean_seconds", "requests"),
            )
        },
        "tokens_used": Column("Tokens that runs and months of backfills spent.", "ops.run_metrics"),
        "month_tokens": Column("Of them, those of the months.", "ops.run_metrics"),
    },
}

_TONE = "docs/sentiment.md"
_TONES = {
    "negative": Column("Probability that it speaks badly of it.", _TONE),
    "neutral": Column("Probability that it says nothing good or bad.", _TONE),
    "positive": Column("Probability that it speaks well of it.", _TONE),
}
_TONE_MODEL = Column("The model of tone and its version.", _TONE)
_TARGET = Column("Who is spoken about: a brand's name, or a concept's label.", _TONE)
_TARGET_KEY = Column("Its name without capitals, accents and quotation marks.", _TONE)
_TARGET_KIND = Column("`brand`, `org` or `person`.", _TONE)
_TONE_LABEL = "`negative`, `neutral`, `positive`, or `uncertain` where none is likely enough"
DICTIONARY |= {
    tone.TARGETS: {
        "article_id": _ARTICLE_ID,
        "target": _TARGET,
        "kind": _TARGET_KIND,
        "mentions": Column("How many of its sentences were read.", _TONE),
        **_TONES,
        "label": Column(f"{_TONE_LABEL}.", _TONE),
        "model": _TONE_MODEL,
        "target_key": _TARGET_KEY,
    },
    tone.MENTIONS: {
        "article_id": _ARTICLE_ID,
        "target": _TARGET,
        "sentence_number": Column("Which sentence of the article; 0 is the title.", _TONE),
        "kind": _TARGET_KIND,
        "sentence": Column("The sentence that names the target.", _TONE),
        "name_start": Column("Where the name begins in it, in characters.", _TONE),
        "name_end": Column("Where the name ends in it.", _TONE),
        **_TONES,
        "label": Column(f"{_TONE_LABEL}.", _TONE),
        "model": _TONE_MODEL,
    },
    tone.ARTICLES: {
        "article_id": _ARTICLE_ID,
        "label": Column(
            f"The tone of title and first sentence: {_TONE_LABEL}; `not_scored` in languages other "
            "than English, `failed` where it could not be read.",
            _TONE,
        ),
        **_TONES,
        "model": _TONE_MODEL,
        "brands": Column("Which file of brands was watched.", _TONE),
        "text_hash": Column("Hash of what was read.", "the pipeline"),
        "change_seq": Column("The change of the article in final that was read.", "the pipeline"),
        "tone_seq": Column("The number of the last change of its tones.", "the pipeline"),
    },
}

_FINAL = DICTIONARY[final.TABLE]
_ENDED = Column("The number of the change that ended it.", "the pipeline")
DICTIONARY[final.PAST] = {
    **_FINAL,
    "ended_seq": _ENDED,
    "ended_at": Column("When that was; rows are kept for two days.", "the pipeline"),
}

_LABELS = {
    "authors": Column("Names, as a list.", "`authors[].name`"),
    "other_sources": Column("The domains where copies ran, as a list.", "the pipeline"),
    "flags": Column("What is worth knowing, as a list.", "docs/quality.md"),
    "concepts": Column("The labels of its concepts, as a list.", "`concepts[].label`"),
    "categories": Column("The labels of its categories, as a list.", "`categories[].label`"),
    "topics": Column("The topics that it is about, as a list.", "docs/relevance.md"),
}
_ARTICLE_VIEW = {
    **{
        "published_at" if name == "publishedAt" else name: column
        for name, column in _FINAL.items()
        if name not in _LABELS and name != "topic_relevance"
    },
    **{name: DICTIONARY[assessments.TABLE][name] for name in ("role", "reference_id")},
    **_LABELS,
    "tone": DICTIONARY[tone.ARTICLES]["label"],
}
_READING = "docs/reading.md"

DICTIONARY |= {
    "final.articles": _ARTICLE_VIEW,
    "final.articles_past": {**_ARTICLE_VIEW, "ended_seq": _ENDED},
    "final.article_changes": {
        "change_seq": _CHANGE_NUMBER,
        "change": Column("`shown`: show it as it is now; `left`: it left final.", _READING),
        "article_id": _ARTICLE_ID,
        "url": _URL,
        "reason": _WHY_LEFT,
        "replaced_by": _REPLACED_BY,
        "changed_at": Column("When it changed or left.", "the pipeline"),
    },
    "final.stories": {
        "story_id": Column("Identity of the story: the id of its first article.", _STORIES),
        "article_id": Column("The article that leads it, whose text is shown.", _STORIES),
        **{
            name: _ARTICLE_VIEW[name]
            for name in (
                *("title", "body", "text_start", "text_end", "link", "lang", "source_name"),
                *("source_uri", "image", "origin", "relevance", "sentiment", "topics"),
            )
        },
        "first_source": Column("The domain that had it first.", _STORIES),
        "first_published_at": Column("When that was.", _STORIES),
        "last_published_at": Column("When the last of its articles was published.", _STORIES),
        "sources": Column("The domains where it ran, as a list.", _STORIES),
        "source_count": Column("How many they are.", _STORIES),
        "article_count": Column("How many articles it has, copies too.", _STORIES),
        "copies": Column("How many of them are copies.", _STORIES),
        "rewrites": Column("How many of them are rewrites.", _STORIES),
        "updates": Column("How many of them are updates.", _STORIES),
        "updated_at": Column("When one of its articles in final last changed.", "the pipeline"),
        "change_seq": Column("The number of that change.", "the pipeline"),
    },
    "final.story_articles": {
        **{
            name: DICTIONARY[assessments.TABLE][name]
            for name in ("story_id", "article_id", "role", "reference_id", "similarity")
        },
        **{name: _FINAL[name] for name in ("title", "link", "source_name", "source_uri")},
        "lang": DICTIONARY[assessments.TABLE]["lang"],
        "published_at": _PUBLISHED,
        "shown": Column("Whether the article is in final.", _READING),
    },
    "final.article_concepts": {
        "article_id": _ARTICLE_ID,
        "published_at": _PUBLISHED,
        "uri": Column("The concept's address.", "`concepts[].uri`"),
        "label": Column("The concept's name.", "`concepts[].label`"),
        "score": Column("How much the article is about it, from 1 to 5.", "`concepts[].score`"),
    },
    "final.article_topics": {
        "article_id": _ARTICLE_ID,
        "published_at": _PUBLISHED,
        "topic": Column("The topic's name.", "the topics file"),
        "relevance": Column("How much it is about the topic, from 0 to 1.", "docs/relevance.md"),
    },
    "final.article_targets": {
        "article_id": _ARTICLE_ID,
        "story_id": _FINAL["story_id"],
        "published_at": _PUBLISHED,
        **{
            name: column
            for name, column in DICTIONARY[tone.TARGETS].items()
            if name != "article_id"
        },
    },
    "final.article_targets_past": DICTIONARY[tone.TARGETS],
    "final.article_mentions": DICTIONARY[tone.MENTIONS],
    "final.articles_by_week": {
        "week": Column("The Monday (UTC) that begins the week.", _READING),
        "articles": Column("Articles published in it.", _READING),
        "stories": Column("Stories that they belong to.", _READING),
        "sources": Column("Publications that had them.", _READING),
        "relevance": Column("Their mean relevance.", _READING),
        "sentiment": Column("Their mean sentiment.", _READING),
    },
    "final.brand_sentiment_by_week": {
        "week": Column("The Monday (UTC) that begins the week.", _TONE),
        "target": _TARGET,
        "stories": Column("Stories that name it, each counted once.", _TONE),
        "negative": Column("Those of them that speak badly of it.", _TONE),
        "neutral": Column("Those that say nothing good or bad of it.", _TONE),
        "positive": Column("Those that speak well of it.", _TONE),
        "uncertain": Column("Those of which the model doesn't know.", _TONE),
        "score": Column("Their mean tone, from -1 to 1.", _TONE),
    },
    "final.reading_state": {
        "schema_version": Column("The last migration.", "the pipeline"),
        "change_seq": Column("The number of the last change of final.", "the pipeline"),
        "past_from": Column("The first state that can still be read.", _READING),
        "updated_at": Column("When a row of final last changed.", "the pipeline"),
        "origin": _ORIGIN,
        "revision": Column(
            "Names all that the views of final show: another one after each change of any of it. "
            "NULL while articles that were loaded from outside wait for the next run.",
            "the pipeline",
        ),
    },
}

INTERNAL: Final = {
    "raw.queries": "the searches and how far each has come",
    "raw.query_days": "what is known of each day of a search",
    "raw.returns": "records that came back in an earlier form",
    "processed.text_bands": "a cache of the comparison",
    "final.search_entries": "what searches look through on PostgreSQL, a cache (docs/reading.md)",
    "final.search_state": "how far these are",
    "processed.banded_days": "the days that this cache has",
    "processed.wrapping_lines": "lines that a site puts around its articles",
    "ops.verdicts": "what people said of articles (`newsapi topics teach`)",
    "ops.backfills": "what backfills by months may spend (docs/fetching.md)",
    "ops.backfill_months": "what each of their months has spent",
    "ops.positions": "how far each stage has come",
    "ops.schema_migrations": "the migrations that were applied",
    "ops.stage_runs": "what each execution of a stage reported",
    "ops.incidents": "what is or was wrong",
    "ops.notices": "what operators were to be told",
    "ops.alert_deliveries": "which notice, and which digest, reached whom",
    "ops.silences": "rules that nobody is told of for a while",
}
"""The pipeline's own tables, which any release may change, and what each holds."""
