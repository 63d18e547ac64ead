-- How each run went, in figures: one row for each run, written by the run itself.
CREATE TABLE ops.run_metrics (
    run_id text NOT NULL PRIMARY KEY,
    status text NOT NULL,
    error text,
    origin text,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    duration_seconds double precision,
    fetched bigint,
    new_records bigint,
    changed_records bigint,
    known_records bigint,
    unusable_records bigint,
    url_twins bigint,
    superseded_versions bigint,
    copies bigint,
    rejected_articles bigint,
    rejected_by_reason text,
    articles_added bigint,
    articles_changed bigint,
    articles_removed bigint,
    requests bigint,
    retries bigint,
    latency_mean_seconds double precision,
    latency_min_seconds double precision,
    latency_max_seconds double precision,
    tokens_used bigint,
    tokens_left bigint,
    raw_rows bigint,
    processed_rows bigint,
    final_rows bigint,
    rejected_rows bigint,
    storage_bytes bigint,
    final_complete_through timestamptz,
    freshness_seconds double precision
);

-- The same for each day, UTC, on which a run started. Runs that are under way don't count.
CREATE VIEW ops.daily_metrics AS
SELECT
    CAST(started_at AT TIME ZONE 'UTC' AS date) AS day,
    CAST(sum(CASE WHEN status = 'succeeded' THEN 1 ELSE 0 END) AS bigint) AS succeeded,
    CAST(sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS bigint) AS failed,
    avg(duration_seconds) AS mean_duration_seconds,
    CAST(sum(fetched) AS bigint) AS fetched,
    CAST(sum(new_records) AS bigint) AS new_records,
    CAST(sum(url_twins) AS bigint) AS url_twins,
    CAST(sum(superseded_versions) AS bigint) AS superseded_versions,
    CAST(sum(copies) AS bigint) AS copies,
    CAST(sum(rejected_articles) AS bigint) AS rejected_articles,
    sum(latency_mean_seconds * requests)
        / NULLIF(sum(CASE WHEN latency_mean_seconds IS NULL THEN 0 ELSE requests END), 0)
        AS latency_mean_seconds,
    CAST(sum(requests) AS bigint) AS requests,
    CAST(sum(tokens_used) AS bigint) AS tokens_used
FROM ops.run_metrics
WHERE status <> 'running'
GROUP BY CAST(started_at AT TIME ZONE 'UTC' AS date);
