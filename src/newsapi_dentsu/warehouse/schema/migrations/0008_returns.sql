-- Which record shows a uri now, where that is not its newest version: one that another had replaced
-- came back. A record is stored once, so that an index whose replicas differ doesn't fill raw.
-- `number` orders the record among the uri's versions, `changes` counts the returns that brought
-- another text, `taken` says whether the next stage knows.
CREATE TABLE raw.returns (
    uri text NOT NULL PRIMARY KEY,
    raw_seq bigint NOT NULL,
    number integer NOT NULL,
    changes integer NOT NULL,
    returned_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    taken boolean NOT NULL
);
