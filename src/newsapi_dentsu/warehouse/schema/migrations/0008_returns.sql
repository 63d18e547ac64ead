-- Records that came back after others of their uri had replaced them. A record is stored once, so
-- that an index whose replicas differ doesn't fill raw. `number` orders the latest return among the
-- versions of the uri and their returns, `changes` counts the returns that brought another text,
-- `taken` says whether the next stage knows.
CREATE TABLE raw.returns (
    raw_seq bigint NOT NULL PRIMARY KEY,
    number integer NOT NULL,
    changes integer NOT NULL,
    returned_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    taken boolean NOT NULL
);
