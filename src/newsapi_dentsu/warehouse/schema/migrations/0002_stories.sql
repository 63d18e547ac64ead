-- Each story once: what is thought of every article, and to which story it belongs.

-- One row for each processed article: whether it may be read (`rejection` is null), what is worth
-- knowing (`flags`, a JSON list), how much it is about the topics, and its place in its story.
CREATE TABLE processed.assessments (
    article_id text NOT NULL PRIMARY KEY,
    text_hash text NOT NULL,
    publishedAt timestamptz,
    source_uri text,
    lang text,
    rejection text,
    detail text,
    flags text NOT NULL,
    relevance double precision NOT NULL,
    topic_relevance text NOT NULL,
    story_id text NOT NULL,
    role text NOT NULL,
    reference_id text,
    rule text,
    similarity double precision,
    containment double precision,
    change_seq bigint NOT NULL
);

-- MinHash bands of the texts of the days that are being compared; a cache, made again when needed.
CREATE TABLE processed.text_bands (
    day date NOT NULL,
    band integer NOT NULL,
    article_id text NOT NULL
);

-- The days whose articles all have their bands, and how those were made.
CREATE TABLE processed.banded_days (
    day date NOT NULL PRIMARY KEY,
    method text NOT NULL
);

-- Every article that left final: why, and which article is to be read instead.
CREATE TABLE final.changes (
    seq bigint NOT NULL PRIMARY KEY,
    article_id text NOT NULL,
    url text NOT NULL,
    reason text NOT NULL,
    replaced_by text,
    changed_at timestamptz NOT NULL
);

ALTER TABLE final.filtered_news ADD COLUMN story_id text;
ALTER TABLE final.filtered_news ADD COLUMN duplicate_count integer;
ALTER TABLE final.filtered_news ADD COLUMN other_sources text;
ALTER TABLE final.filtered_news ADD COLUMN relevance double precision;
ALTER TABLE final.filtered_news ADD COLUMN topic_relevance text;
ALTER TABLE final.filtered_news ADD COLUMN flags text;
