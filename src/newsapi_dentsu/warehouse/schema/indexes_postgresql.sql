-- DuckDB skips what a block's bounds exclude and reads the rest of a column faster than it could keep
-- these up to date.
CREATE UNIQUE INDEX idx_raw_uri ON raw.ai_marketing_news_raw(uri, version);
CREATE INDEX idx_processed_published ON processed.processed_news(publishedAt);
CREATE INDEX idx_processed_change ON processed.processed_news(change_seq);
CREATE INDEX idx_outcomes_article ON processed.record_outcomes(article_id);
CREATE INDEX idx_outcomes_page ON processed.record_outcomes(page_id);
CREATE INDEX idx_outcomes_outcome ON processed.record_outcomes(outcome, raw_seq);
CREATE INDEX idx_bands_band ON processed.text_bands(band, day);
CREATE INDEX idx_bands_article ON processed.text_bands(article_id);
CREATE INDEX idx_bands_day ON processed.text_bands(day);
CREATE INDEX idx_assessments_change ON processed.assessments(change_seq);
CREATE INDEX idx_assessments_reference ON processed.assessments(reference_id);
CREATE INDEX idx_assessments_story ON processed.assessments(story_id);
CREATE INDEX idx_final_updated ON final.filtered_news(updated_at);
CREATE INDEX idx_changes_changed ON final.changes(changed_at);
CREATE INDEX idx_stage_runs_started ON ops.stage_runs(started_at);
CREATE INDEX idx_final_change ON final.filtered_news(change_seq);
CREATE INDEX idx_final_story ON final.filtered_news(story_id);
CREATE INDEX idx_past_ended ON final.past_articles(ended_seq);
-- Without a list of pending entries, which each search would read through.
CREATE INDEX idx_search_words ON final.search_entries USING gin (words) WITH (fastupdate = off);
CREATE INDEX idx_search_ended ON final.search_entries(ended_seq);
CREATE INDEX idx_sentiment_key ON final.article_sentiment(target_key);
CREATE INDEX idx_tone_label ON final.article_tone(label);
CREATE INDEX idx_tone_seq ON final.article_tone(tone_seq);
