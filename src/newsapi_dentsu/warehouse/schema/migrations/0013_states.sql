-- Programs of schema version 12 and newer work on.
-- The order in which final articles change, in one row of numbers with those that leave, and what
-- changed rows were before: so whoever reads page by page reads one state to its end.
ALTER TABLE final.filtered_news ADD COLUMN change_seq bigint;

UPDATE final.filtered_news AS shown
SET change_seq = numbered.change_seq
FROM (
    SELECT article_id, row_number() OVER (ORDER BY updated_at, article_id) + coalesce(
        (SELECT value FROM ops.positions WHERE name = 'final.changes_seq'), 0
    ) AS change_seq
    FROM final.filtered_news
) AS numbered
WHERE numbered.article_id = shown.article_id;
INSERT INTO ops.positions (name, value)
SELECT 'final.changes_seq', max(change_seq)
FROM final.filtered_news
HAVING max(change_seq) IS NOT NULL
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- A final article as it was from its `change_seq` to before `ended_seq`; kept for some days.
CREATE TABLE final.past_articles AS
SELECT shown.*, CAST(0 AS bigint) AS ended_seq, updated_at AS ended_at
FROM final.filtered_news AS shown
WHERE 1 = 0;
ALTER TABLE final.past_articles ADD PRIMARY KEY (article_id, change_seq);
