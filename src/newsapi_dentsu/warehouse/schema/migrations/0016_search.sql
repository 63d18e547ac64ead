-- Programs of schema version 14 and newer work on.
-- What searches look through on PostgreSQL, a cache, made again from final: an entry for each article
-- as it was from one change to before another. DuckDB has an index of its own beside the reader's copy.
-- The type of full text is the engine's to choose (`full_text_type`).
CREATE TABLE final.search_entries (
    article_id text NOT NULL,
    change_seq bigint NOT NULL,
    ended_seq bigint NOT NULL,
    published_at timestamptz NOT NULL,
    words full_text_type NOT NULL,
    vector bytea,
    PRIMARY KEY (article_id, change_seq)
);
-- One row: the state that the entries are complete for, the change up to which they are, and what
-- made them.
CREATE TABLE final.search_state (
    change_seq bigint NOT NULL,
    reached bigint NOT NULL,
    rules integer NOT NULL,
    model text NOT NULL
);
