CREATE INDEX idx_raw_published ON raw.ai_marketing_news_raw(publishedAt);
CREATE INDEX idx_raw_url ON raw.ai_marketing_news_raw(url);
CREATE UNIQUE INDEX idx_processed_url ON processed.processed_news(url);
CREATE UNIQUE INDEX idx_final_url ON final.filtered_news(url);
CREATE INDEX idx_final_published ON final.filtered_news(publishedAt DESC);
