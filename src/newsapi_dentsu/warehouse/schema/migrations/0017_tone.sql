-- Programs of schema version 14 and newer work on.
-- How each final article speaks about whom: what the model of tone read, made again where it is
-- missing. A sentence that names a target:
CREATE TABLE processed.mentions (
    article_id text NOT NULL,
    target text NOT NULL,
    sentence_number integer NOT NULL,
    kind text NOT NULL,
    sentence text NOT NULL,
    name_start integer NOT NULL,
    name_end integer NOT NULL,
    negative float8 NOT NULL,
    neutral float8 NOT NULL,
    positive float8 NOT NULL,
    label text NOT NULL,
    model text NOT NULL,
    PRIMARY KEY (article_id, target, sentence_number)
);
-- All that an article says of a target, taken together.
CREATE TABLE final.article_sentiment (
    article_id text NOT NULL,
    target text NOT NULL,
    kind text NOT NULL,
    mentions integer NOT NULL,
    negative float8 NOT NULL,
    neutral float8 NOT NULL,
    positive float8 NOT NULL,
    label text NOT NULL,
    model text NOT NULL,
    PRIMARY KEY (article_id, target)
);
-- The tone of its title and first sentence; and which text was read, by which model, for whom.
CREATE TABLE final.article_tone (
    article_id text NOT NULL PRIMARY KEY,
    label text NOT NULL,
    negative float8,
    neutral float8,
    positive float8,
    model text NOT NULL,
    brands text NOT NULL,
    text_hash text NOT NULL,
    change_seq bigint NOT NULL
);
