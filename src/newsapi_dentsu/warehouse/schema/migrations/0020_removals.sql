-- Programs of schema version 17 and newer work on.
-- Which articles left processed: copies of it that only ever add rows learn it from here. What an
-- older program removes meanwhile isn't told; such a copy is then to be made anew.
CREATE TABLE processed.removals (
    seq bigint NOT NULL PRIMARY KEY,
    article_id text NOT NULL,
    removed_at timestamptz NOT NULL
);
