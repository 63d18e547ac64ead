"""A run that nobody waits for is patient with whoever has the DuckDB file open."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.defs.resources import ATTENDED, patient
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.warehouse import Warehouse

READER = """
import sys, time, duckdb
with duckdb.connect(sys.argv[1], read_only=True):
    print("open", flush=True)
    time.sleep(3)
"""


@pytest.mark.parametrize("attended", [False, True], ids=["scheduled", "attended"])
def test_a_scheduled_run_waits_longer_for_a_reader_than_an_attended_one(
    folder: Path,
    instance: dg.DagsterInstance,
    stored: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    attended: bool,
) -> None:
    monkeypatch.setenv("DATABASE_WAIT_SECONDS", "0.5")
    load_settings.cache_clear()
    stored.upgrade()
    command = [sys.executable, "-c", READER, str(folder / "data" / "news.duckdb")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        result = (
            build_definitions()
            .resolve_job_def("news_pipeline")
            .execute_in_process(
                instance=instance,
                tags={ATTENDED: "true"} if attended else {},
                raise_on_error=False,
            )
        )
        assert result.success is not attended


@pytest.mark.parametrize(
    ("wait", "longer"), [(15.0, 300.0), (0.0, 0.0), (60.0, 600.0), (3000.0, 3000.0)]
)
def test_the_wait_is_a_multiple_with_an_end(wait: float, longer: float) -> None:
    settings = Settings(_env_file=None, database_wait_seconds=wait)
    assert patient(settings).database_wait_seconds == longer
    on_postgres = settings.model_copy(update={"use_postgres": True})
    assert patient(on_postgres).database_wait_seconds == wait
