-- Programs of schema version 17 and newer work on.
-- What months of backfills spend counts among the figures of runs: with the run that ends next.
ALTER TABLE ops.run_metrics ADD COLUMN month_tokens bigint;
-- What the account had left when a month of the backfill last asked, and when that was.
ALTER TABLE ops.backfills ADD COLUMN tokens_left bigint;
ALTER TABLE ops.backfills ADD COLUMN asked_at timestamptz;
-- How much of what months have spent runs have told. What was spent before nobody tells.
INSERT INTO ops.positions (name, value)
SELECT 'backfills.told', CAST(sum(tokens) AS bigint) FROM ops.backfill_months
HAVING count(*) > 0;
-- The days' tokens are all that were spent.
CREATE OR REPLACE VIEW ops.daily_metrics AS
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
    CAST(sum(coalesce(tokens_used + month_tokens, tokens_used, month_tokens)) AS bigint) AS tokens_used,
    CAST(sum(month_tokens) AS bigint) AS month_tokens
FROM ops.run_metrics
WHERE status <> 'running'
GROUP BY CAST(started_at AT TIME ZONE 'UTC' AS date);
