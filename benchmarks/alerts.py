"""`alerts`: one look of the hourly sensor, with many runs in Dagster's history."""

import json
import tempfile
from pathlib import Path

from benchmarks.measuring import execute, program
from benchmarks.report import Figure, print_medians

FEW, MANY = 100, 20_000
ROUNDS, ROUNDS_QUICKLY = 7, 3
SECONDS_LIMIT = 2.0

_HISTORY = """\
import random, sys, time
from datetime import UTC, datetime, timedelta
import sqlalchemy as sa
import dagster as dg
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from dagster._core.utils import make_new_run_id
from dagster_shared.serdes import serialize_value
from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.hosting.home import prepare_home
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import open_warehouse

settings, runs = load_settings(), int(sys.argv[1])
open_warehouse(settings).upgrade()
now, rng = datetime.now(UTC), random.Random(1)
tags = {"dagster/schedule_name": "news_every_six_hours", ".dagster/repository": "r"}
rows, tag_rows = [], []
for number in range(runs):
    # Every six hours, as far back as it goes; one in a hundred failed.
    end = now - timedelta(minutes=20) - (runs - 1 - number) * timedelta(hours=6)
    status = DagsterRunStatus.FAILURE if number % 100 == 99 else DagsterRunStatus.SUCCESS
    run = DagsterRun("news_pipeline", make_new_run_id(), tags=tags, status=status)
    moment = end.replace(tzinfo=None)
    rows.append(dict(run_id=run.run_id, pipeline_name=run.job_name, status=status.value,
                     run_body=serialize_value(run), create_timestamp=moment,
                     update_timestamp=moment, start_time=end.timestamp() - 60,
                     end_time=end.timestamp()))
    tag_rows += [dict(run_id=run.run_id, key=key, value=value) for key, value in tags.items()]
with opened_instance(settings, prepare_home(settings)) as instance:
    with instance.run_storage.connect() as connection:
        connection.execute(sa.insert(RunsTable), rows)
        connection.execute(sa.insert(RunTagsTable), tag_rows)
"""

_LOOKS = """\
import json, sys, time
import dagster as dg
from newsapi_dentsu.defs.alerts import pipeline_failure_sensor

seconds = []
with dg.DagsterInstance.get() as instance:
    for _ in range(int(sys.argv[1])):
        started = time.perf_counter()
        with dg.build_sensor_context(instance=instance) as context:
            pipeline_failure_sensor(context)
        seconds.append(time.perf_counter() - started)
print(json.dumps(seconds))
"""


def alerts(quick: bool) -> list[Figure]:
    """Time the first look of a process, which imports and tells of a failure, and later ones."""
    rounds = ROUNDS_QUICKLY if quick else ROUNDS
    measured: dict[str, list[dict[str, float]]] = {}
    for runs in (FEW, MANY):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / "history.py").write_text(_HISTORY)
            (folder / "looks.py").write_text(_LOOKS)
            settings = {"DAGSTER_HOME": str(folder / "data" / "dagster")}
            execute([program("python"), "history.py", str(runs)], folder, settings)
            looked = execute([program("python"), "looks.py", str(rounds)], folder, settings)
            # What is logged goes to stdout too.
            first, *later = json.loads(looked.stdout.splitlines()[-1])
            measured[f"{runs:,} runs"] = [
                {"first look": first, "later look": seconds} for seconds in later
            ]
    print_medians("  medians in seconds:", measured)
    slowest = max(max(one.values()) for one in measured[f"{MANY:,} runs"])
    return [
        Figure(
            "alerts", f"slowest look, {MANY:,} runs in the history", slowest, " s", SECONDS_LIMIT
        )
    ]
