"""What the queries here expect of the application's JSON log lines.

One JSON object a line on stdout. Whoever writes the lines and whoever queries them meet in this
module: `tests/infra` holds the queries to it.
"""

FIELDS = {
    "time": "when, in UTC",
    "level": "DEBUG to CRITICAL",
    "logger": "who wrote it",
    "message": "what happened, for people",
    "event": "what happened, for queries: one of EVENTS",
    "run_id": "Dagster's run",
    "job": "the job of that run",
    "status": "`success`, `failure` or `canceled`, of a finished run",
    "seconds": "how long it took",
    "articles_new": "articles that a run added to raw",
    "articles_fetched": "articles that a run read",
    "duplicates_removed": "records that a run folded into others",
}

_COUNTS = ("articles_new", "articles_fetched", "duplicates_removed")

RUN_FINISHED = "run_finished"
API_RESPONSE = "api_response"
ALERTS_EVALUATED = "alerts_evaluated"
DAEMON_HEARTBEAT = "daemon_heartbeat"

EVENTS = {
    RUN_FINISHED: ("run_id", "status", "seconds", *_COUNTS),
    API_RESPONSE: ("seconds",),
    ALERTS_EVALUATED: (),
    DAEMON_HEARTBEAT: (),
}
"""Each event that queries look for, with the fields that its line has.

A run ended; the news API answered; the application looked at its own alert rules (hourly: its sign
of life); the daemon acts or stands by (each minute).
"""
