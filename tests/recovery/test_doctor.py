"""`newsapi doctor` says how old the copies are."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse import Warehouse
from support.databases import Database

from .conftest import Run, archive, back_up


def states(run: Run, database: Database, tmp_path: Path) -> dict[str, str]:
    """What the doctor says of the copies."""
    place = str(tmp_path / "place")
    done = run(database, "doctor", "--json", BACKUP_LOCATION=place, LAKE_LOCATION=place)
    found = {one["check"]: one["state"] for one in json.loads(done.out)}
    return {check: found[check] for check in ("backup", "archive")}


def test_copies_that_are_missing_or_old_are_a_problem(
    run: Run,
    database: Database,
    warehouse: Warehouse,
    place: Folder,
    scratch_folder: Path,
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    assert states(run, database, tmp_path) == {"backup": "problem", "archive": "problem"}
    back_up(warehouse, place, scratch_folder, now - timedelta(days=9))
    archive(warehouse, place, scratch_folder, now - timedelta(hours=13))
    assert states(run, database, tmp_path) == {"backup": "problem", "archive": "problem"}
    back_up(warehouse, place, scratch_folder, now - timedelta(days=7))
    archive(warehouse, place, scratch_folder, now - timedelta(hours=6))
    assert states(run, database, tmp_path) == {"backup": "ok", "archive": "ok"}
