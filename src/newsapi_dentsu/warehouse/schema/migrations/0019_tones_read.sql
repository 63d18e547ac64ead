-- Programs of schema version 17 and newer work on.
-- Readers find articles by how they speak about whom. The number of the last change of an article's
-- tones, by which copies of them follow:
ALTER TABLE final.article_tone ADD COLUMN tone_seq bigint;
-- The target as names are compared; the next run fills it in.
ALTER TABLE final.article_sentiment ADD COLUMN target_key text;
-- The change of tones that the entries of searches are complete for.
ALTER TABLE final.search_state ADD COLUMN tone_seq bigint;
