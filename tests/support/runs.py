"""A made-up history of runs: what thirty days of operation leave in the figures."""

import random
from datetime import datetime, timedelta

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import run_metrics
from newsapi_dentsu.warehouse.tables.run_metrics import DIED, RunMetrics

FAILURES = {22: "newsapi.ai gave no usable answer: HTTP 503", 23: DIED, 71: "<b>no</b> & 'room'"}


def history(now: datetime, *, days: int = 30, seed: int = 5) -> list[RunMetrics]:
    """Four runs a day up to now, of which some failed."""
    rng = random.Random(seed)
    made: list[RunMetrics] = []
    rows, tokens, complete = 400, 1900, now - timedelta(days=days)
    for number in range(4 * days):
        start = now - timedelta(hours=6 * (4 * days - 1 - number), minutes=30)
        seconds = rng.uniform(8, 30)
        end = start + timedelta(seconds=seconds)
        error = FAILURES.get(number)
        if error is not None:
            made.append(
                RunMetrics(
                    f"run-{number}",
                    "failed",
                    start,
                    error,
                    ended_at=end,
                    duration_seconds=seconds,
                    final_complete_through=complete,
                    freshness_seconds=(end - complete).total_seconds(),
                )
            )
            continue
        new, mean, spent = rng.randrange(2, 40), rng.uniform(0.2, 1.5), rng.randrange(2, 6)
        rows, tokens, complete = rows + new, tokens - spent, start
        reasons = {"off_topic": rng.randrange(9), "too_short": rng.randrange(3), "no_date": 1}
        made.append(
            RunMetrics(
                f"run-{number}",
                "succeeded",
                start,
                origin="sandbox",
                ended_at=end,
                duration_seconds=seconds,
                fetched=new + 60,
                new_records=new,
                changed_records=1,
                known_records=59,
                unusable_records=0,
                url_twins=rng.randrange(4),
                superseded_versions=rng.randrange(3),
                copies=rng.randrange(6),
                rejected_articles=sum(reasons.values()),
                rejected_by_reason=reasons,
                articles_added=new // 2,
                articles_changed=1,
                articles_removed=0,
                requests=spent,
                retries=0,
                latency_mean_seconds=mean,
                latency_min_seconds=mean / 2,
                latency_max_seconds=mean * 2,
                tokens_used=spent,
                tokens_left=tokens,
                raw_rows=rows,
                processed_rows=rows - 40,
                final_rows=rows - 90,
                rejected_rows=50,
                storage_bytes=20_000_000 + 9_000 * rows,
                final_complete_through=start,
                freshness_seconds=seconds,
            )
        )
    return made


def store(warehouse: Warehouse, runs: list[RunMetrics]) -> None:
    """Keep runs as if they had run."""
    with warehouse.transaction() as session:
        run_metrics.save(session, runs)
