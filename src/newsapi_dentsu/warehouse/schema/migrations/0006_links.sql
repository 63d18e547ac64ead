-- The link that people click, beside the canonical url; the date of the text shown, beside the
-- earliest; and a page apart from the articles that it has shown.
ALTER TABLE processed.processed_news ADD COLUMN link text;
ALTER TABLE processed.processed_news ADD COLUMN first_published_at timestamptz;
ALTER TABLE processed.record_outcomes ADD COLUMN page_id text;
ALTER TABLE processed.record_outcomes ADD COLUMN fragment text;
ALTER TABLE final.filtered_news ADD COLUMN link text;
ALTER TABLE final.filtered_news ADD COLUMN first_published_at timestamptz;
ALTER TABLE final.rejected_news ADD COLUMN link text;

-- As near as the tables tell it; a full refresh works it out from the records. Every page had one
-- article until now, and publishedAt was the earliest date.
UPDATE processed.record_outcomes SET page_id = article_id, fragment = ''
WHERE article_id IS NOT NULL;
UPDATE processed.processed_news AS article
SET link = coalesce(record.url, article.url), first_published_at = article.publishedAt
FROM raw.ai_marketing_news_raw AS record
WHERE record.seq = article.raw_seq;
UPDATE final.filtered_news AS shown
SET link = article.link, first_published_at = article.first_published_at
FROM processed.processed_news AS article
WHERE article.article_id = shown.article_id;
UPDATE final.rejected_news AS refused
SET link = article.link
FROM processed.processed_news AS article
WHERE article.article_id = refused.article_id;

-- Every text that an article has shown, with its date and link, as the records tell them (not
-- cleaned). Escapes of characters that neither engine stores are shown as they stand.
CREATE VIEW final.article_versions AS
SELECT
    outcome.article_id,
    outcome.raw_seq,
    outcome.outcome,
    outcome.text_at AS shown_from,
    record.publishedAt,
    coalesce(record.url, CAST(
        replace(replace(replace(record.record, '\\', chr(1)), '\u', '\\u'), chr(1), '\\') AS json
    ) ->> 'url') AS link,
    record.title,
    CAST(
        replace(replace(replace(record.record, '\\', chr(1)), '\u', '\\u'), chr(1), '\\') AS json
    ) ->> 'body' AS body,
    record.lang,
    record.source_uri,
    outcome.text_hash,
    record.uri,
    record.version AS uri_version,
    record.fetched_at
FROM processed.record_outcomes AS outcome
JOIN raw.ai_marketing_news_raw AS record ON record.seq = outcome.raw_seq
WHERE outcome.article_id IS NOT NULL;
