"""A message with something of everything in it."""

from datetime import UTC, datetime

from newsapi_dentsu.alerts.message import Message, ShownFailure, ShownIncident, ShownRetry

RUN = "d823739f-0a54-4a67-b80f-7a700ecf56d8"
UI = "https://dagster.example.com"
STALE = ShownIncident(
    "stale_final-20261110T120000Z",
    "Stale final table",
    "high",
    "The newest successful run ended 2026-11-10 00:04 UTC, 12 h 26 min ago (more than 12 h alert)",
    "2026-11-10 12:30:00 UTC",
)
LATENCY = ShownIncident(
    "api_latency-20261110T063000Z",
    "High API latency",
    "medium",
    "The news API took 1.2 s for an answer, on average of 4 in the last run (more than 5 s alert)",
    "2026-11-10 06:30:00 UTC",
    "2026-11-10 12:30:00 UTC",
)
MESSAGE = Message(
    message_id="0123456789abcdef0123456789abcdef",
    place="/srv/newsapi/data/news.duckdb on news-1",
    created_at=datetime(2026, 11, 10, 12, 30, tzinfo=UTC),
    severity="high",
    notice_ids=("failure/1", "stale_final-20261110T120000Z/opened"),
    failures=(
        ShownFailure(
            RUN,
            f"{UI}/runs/{RUN}",
            "news_pipeline",
            "collect",
            "2026-11-10 12:00:00 UTC",
            "2026-11-10 12:03:11 UTC",
            2,
            "the API refused the key <none>: Größe & mehr\nsecond line of the error\nthird line",
        ),
    ),
    failure_count=3,
    opened=(STALE,),
    retried=(
        ShownRetry(
            "5b0e5e52-7f6d-4c4c-9a52-4a8c2b5f1f11",
            f"{UI}/runs/5b0e5e52-7f6d-4c4c-9a52-4a8c2b5f1f11",
            "news_pipeline",
            "2026-11-10 06:12:40 UTC",
            ("0f6f2f0e-6a9e-4d57-8f5c-0e1d2c3b4a59",),
        ),
    ),
    recovered=(LATENCY,),
    incidents=(STALE, LATENCY),
    affected="final.filtered_news was last brought up to date 12 h 26 min ago, at "
    "2026-11-10 00:04:00 UTC",
    remarks=("The tables can't be seen, so rules about them wait: the file is held by process 7",),
    ui=UI,
)
