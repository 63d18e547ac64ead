-- What operators were told. Incidents open and close; a notice is one thing to tell (that an
-- incident opened, a run failed or was rescued by a retry, an incident ended); a delivery is what
-- a channel made of a notice. Bodies and lists are JSON text.
CREATE TABLE ops.incidents (
    incident_id text NOT NULL PRIMARY KEY,
    rule text NOT NULL,
    subject text NOT NULL,
    severity text NOT NULL,
    opened_at timestamptz NOT NULL,
    summary text NOT NULL,
    last_failure_at timestamptz,
    closed_at timestamptz
);

CREATE TABLE ops.notices (
    notice_id text NOT NULL PRIMARY KEY,
    kind text NOT NULL,
    incident_id text,
    severity text NOT NULL,
    created_at timestamptz NOT NULL,
    body text NOT NULL,
    run_ids text NOT NULL,
    outcome text NOT NULL
);

CREATE TABLE ops.alert_deliveries (
    notice_id text NOT NULL,
    channel text NOT NULL,
    message_id text NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    tried_at timestamptz NOT NULL,
    answer text NOT NULL,
    PRIMARY KEY (notice_id, channel)
);

CREATE TABLE ops.silences (
    rule text NOT NULL PRIMARY KEY,
    until timestamptz NOT NULL
);
