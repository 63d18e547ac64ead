"""At night, an index of searches that runs have begun is completed."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu.defs import build_definitions
from newsapi_dentsu.meaning.embedder import open_embedder
from newsapi_dentsu.reading import making
from newsapi_dentsu.reading.chapters import LINK
from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.index import publish_search, searchable
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse
from support.articles import record
from support.clock import NOON
from support.processing import process, store


def complete(instance: dg.DagsterInstance) -> bool:
    job = build_definitions().resolve_job_def("housekeeping")
    return job.execute_in_process(instance=instance, op_selection=["complete_index"]).success


def test_what_runs_have_begun_is_completed_at_night(
    stored: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.upgrade()
    store(stored, *(record(f"{n:05}", NOON - timedelta(days=n)) for n in range(6)))
    process(stored)
    settings = load_settings()
    folder = settings.reading_folder
    with monkeypatch.context() as few:
        few.setattr(making, "_CHAPTER", 2)
        publish(stored, folder)
        publish_search(stored, folder, open_embedder(settings).model, seconds=0)
    assert searchable(stored, folder).missing == 4

    assert complete(instance)
    assert searchable(stored, folder).missing == 0
    there = (folder / LINK).resolve()
    assert complete(instance)
    assert (folder / LINK).resolve() == there


def test_before_the_first_run_there_is_nothing_to_complete(
    folder: Path, instance: dg.DagsterInstance
) -> None:
    assert complete(instance)
    assert not list(folder.rglob("search"))
