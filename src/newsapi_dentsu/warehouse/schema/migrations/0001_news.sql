-- The three stages, and what they need to remember. Names are unquoted, so that they read the same
-- on both engines; lists are JSON text; every time is UTC.
CREATE SCHEMA IF NOT EXISTS raw;
CREATE SCHEMA IF NOT EXISTS processed;
CREATE SCHEMA IF NOT EXISTS final;
CREATE SCHEMA IF NOT EXISTS ops;

-- Every record that the API gave, whole. Append-only: a record that comes again changed is a new
-- row with the next version of its uri.
CREATE TABLE raw.ai_marketing_news_raw (
    seq bigint NOT NULL PRIMARY KEY,
    uri text NOT NULL,
    version integer NOT NULL,
    url text,
    title text,
    publishedAt timestamptz,
    indexed_at timestamptz,
    lang text,
    data_type text,
    source_uri text,
    source_name text,
    is_duplicate boolean,
    problems text,
    unusable text,
    origin text NOT NULL,
    query_id text NOT NULL,
    fetched_at timestamptz NOT NULL,
    record_hash text NOT NULL,
    record text NOT NULL
);

-- The searches that were used: one row for each version of the topics.
CREATE TABLE raw.queries (
    query_id text NOT NULL PRIMARY KEY,
    definition text NOT NULL,
    start_day date NOT NULL,
    activated_at timestamptz NOT NULL,
    complete_through timestamptz
);

-- What a search listed for a day when it was last read: `uris` is a JSON list, `unlisted` counts
-- those of them that the index no longer lists, `complete_at` says when the day was last whole.
-- `reading` is JSON about the reading of the day's pages that is under way, null when none is.
CREATE TABLE raw.query_days (
    query_id text NOT NULL,
    day date NOT NULL,
    total integer NOT NULL,
    uris text NOT NULL,
    unlisted integer NOT NULL,
    complete_at timestamptz,
    reading text,
    PRIMARY KEY (query_id, day)
);

-- One row for each article, that is for each canonical url.
CREATE TABLE processed.processed_news (
    article_id text NOT NULL PRIMARY KEY,
    url text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    publishedAt timestamptz,
    indexed_at timestamptz,
    source_name text,
    source_uri text,
    lang text,
    data_type text,
    authors text NOT NULL,
    image text,
    sentiment double precision,
    concepts text NOT NULL,
    categories text NOT NULL,
    event_uri text,
    is_duplicate boolean,
    version integer NOT NULL,
    text_hash text NOT NULL,
    raw_seq bigint NOT NULL,
    origin text NOT NULL,
    fetched_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    change_seq bigint NOT NULL
);

-- What became of each raw record: article, superseded, url_twin or unusable.
CREATE TABLE processed.record_outcomes (
    raw_seq bigint NOT NULL PRIMARY KEY,
    uri text NOT NULL,
    uri_version integer NOT NULL,
    article_id text,
    outcome text NOT NULL,
    reason text,
    text_hash text,
    text_at timestamptz,
    publishedAt timestamptz
);

-- What people read.
CREATE TABLE final.filtered_news (
    article_id text NOT NULL PRIMARY KEY,
    url text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    publishedAt timestamptz NOT NULL,
    source_name text,
    source_uri text,
    lang text NOT NULL,
    data_type text,
    authors text NOT NULL,
    image text,
    sentiment double precision,
    concepts text NOT NULL,
    categories text NOT NULL,
    event_uri text,
    version integer NOT NULL,
    origin text NOT NULL,
    fetched_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Articles that stay out of final, and why.
CREATE TABLE final.rejected_news (
    article_id text NOT NULL PRIMARY KEY,
    url text NOT NULL,
    title text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    updated_at timestamptz NOT NULL
);

-- How far each stage has come, and the last sequence numbers given out.
CREATE TABLE ops.positions (
    name text NOT NULL PRIMARY KEY,
    value bigint NOT NULL
);

-- Every execution of a stage, with its report.
CREATE TABLE ops.stage_runs (
    run_id text NOT NULL,
    stage text NOT NULL,
    attempt integer NOT NULL,
    status text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    report text,
    error text,
    PRIMARY KEY (run_id, stage, attempt)
);
