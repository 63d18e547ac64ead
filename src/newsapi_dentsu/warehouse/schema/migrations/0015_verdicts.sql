-- Programs of schema version 14 and newer work on.
-- What people said of articles: whether one belongs to some topics together, by a JSON list of their
-- names; `verdict_id` is a hash of both, as names may be longer than a key. What the article said then is kept beside it: the verdict is learnt from by itself.
CREATE TABLE ops.verdicts (
    verdict_id text NOT NULL PRIMARY KEY,
    topics text NOT NULL,
    article_id text NOT NULL,
    belongs boolean NOT NULL,
    link text NOT NULL,
    title text NOT NULL,
    opening text NOT NULL,
    concepts text NOT NULL,
    categories text NOT NULL,
    source_uri text,
    said_by text NOT NULL,
    said_at timestamptz NOT NULL
);
