-- Programs of schema version 17 and newer work on.
-- What a backfill by months may spend, all its months together, and what each of them has spent.
-- `reserved` is for the request under way, `unanswered` for those whose answers never came.
CREATE TABLE ops.backfills (
    backfill_id text NOT NULL PRIMARY KEY,
    query_id text NOT NULL,
    asked_for text NOT NULL,
    tokens_allowed bigint,
    requests_allowed bigint,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE TABLE ops.backfill_months (
    backfill_id text NOT NULL,
    month text NOT NULL,
    requests bigint NOT NULL,
    tokens bigint NOT NULL,
    reserved bigint NOT NULL,
    unanswered bigint NOT NULL,
    PRIMARY KEY (backfill_id, month)
);
