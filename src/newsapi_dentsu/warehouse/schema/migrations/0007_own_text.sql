-- Where an article's own text begins and ends in its body, between what its site wraps around it.

ALTER TABLE processed.processed_news ADD COLUMN text_start integer;
ALTER TABLE processed.processed_news ADD COLUMN text_end integer;
ALTER TABLE final.filtered_news ADD COLUMN text_start integer;
ALTER TABLE final.filtered_news ADD COLUMN text_end integer;

-- Until a full refresh looks, all of a body counts as the article's own.
UPDATE processed.processed_news SET text_start = 0, text_end = length(body);
UPDATE final.filtered_news SET text_start = 0, text_end = length(body);

-- The lines that recur at a source, at the `start` or `end` of its articles; `newsapi wrapping renew`
-- finds them. Numbers in a line count as 0, capitals as small letters.
CREATE TABLE processed.wrapping_lines (
    seq bigint NOT NULL PRIMARY KEY,
    source_uri text NOT NULL,
    place text NOT NULL,
    line text NOT NULL,
    articles integer NOT NULL
);
