-- DuckDB reads these columns faster than it could look up what an index says.
CREATE INDEX idx_bands_band ON processed.text_bands(band, day);
CREATE INDEX idx_bands_article ON processed.text_bands(article_id);
CREATE INDEX idx_bands_day ON processed.text_bands(day);
CREATE INDEX idx_assessments_change ON processed.assessments(change_seq);
CREATE INDEX idx_assessments_reference ON processed.assessments(reference_id);
CREATE INDEX idx_assessments_story ON processed.assessments(story_id);
CREATE INDEX idx_changes_changed ON final.changes(changed_at);
