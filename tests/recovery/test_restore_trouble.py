"""What stands in the way of a restore is named; a killed one goes on; nothing is overwritten."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.databases import Database, DuckDBDatabase, disconnect
from support.services import BIN
from support.tables import execute, final_urls, raw_uris

from .conftest import Lost, Run, settings_of

pytestmark = pytest.mark.slow


def test_after_a_restore_to_an_earlier_time_the_lake_is_merged_in_and_written_anew(
    run: Run, lost: Lost, target: Database
) -> None:
    assert run(target, "restore", "--no-lake", **lost.settings).code == 0
    refused = run(target, "archive", **lost.settings)
    assert refused.code == 1
    assert "newsapi restore --raw-only --merge" in refused.err
    merged = run(target, "restore", "--raw-only", "--merge", **lost.settings)
    assert merged.code == 0, merged.err
    anew = run(target, "archive", "--anew", "--json", **lost.settings)
    assert json.loads(anew.out)["rows"] == 27


def test_a_database_that_holds_other_data_is_refused_unless_told(
    run: Run, lost: Lost, target: Database
) -> None:
    assert run(target, "restore", "--no-lake", **lost.settings).code == 0
    opened = target.open()
    execute(opened, "DELETE FROM final.filtered_news")
    refused = run(target, "restore", **lost.settings)
    assert refused.code == 1
    assert "--replace" in refused.err
    assert final_urls(opened) == []
    assert run(target, "restore", "--replace", **lost.settings).code == 0
    assert len(final_urls(opened)) == 27
    disconnect(opened)


def test_a_dry_run_tells_and_changes_nothing(run: Run, lost: Lost, target: Database) -> None:
    done = run(target, "restore", "--dry-run", "--json", **lost.settings)
    assert json.loads(done.out)["rows"]["source"]["raw.ai_marketing_news_raw"] == 27
    assert run(target, "status").code == 1


def _first(folder: Path, pattern: str) -> Path:
    return sorted(folder.rglob(pattern))[0]


def test_what_is_damaged_is_named_and_mended_files_are_read_again(
    run: Run, lost: Lost, target: Database, tmp_path: Path
) -> None:
    for pattern, options in (
        ("backups/*/export_final.parquet", ("--no-lake",)),
        ("lake/raw_records/month=*/*.parquet", ("--raw-only",)),
    ):
        file = _first(tmp_path, pattern)
        whole = file.read_bytes()
        middle = len(whole) // 2
        for damaged in (
            whole[:middle],
            whole[: middle - 2_000] + bytes(2_000) + whole[middle:],
        ):
            file.write_bytes(damaged)
            done = run(target, "restore", *options, **lost.settings)
            assert done.code == 1
            assert file.name in done.err or "can't be read back" in done.err
            assert "Traceback" not in done.err
        file.unlink()
        done = run(target, "restore", *options, **lost.settings)
        assert f"{file.name} is missing" in done.err
        file.write_bytes(whole)
    assert run(target, "restore", **lost.settings).code == 0


def test_without_anything_to_restore_from_it_says_so(
    run: Run, target: Database, tmp_path: Path
) -> None:
    assert "set BACKUP_LOCATION" in run(target, "restore").err
    assert "set LAKE_LOCATION" in run(target, "restore", "--raw-only").err
    there = str(tmp_path / "nothing")
    assert "no whole backup" in run(target, "restore", "--from", there).err
    assert "no lake" in run(target, "restore", "--raw-only", "--lake", there).err
    assert "choose one" in run(target, "restore", "--raw-only", "--no-lake").err


def test_killed_at_any_moment_and_started_again_it_ends_with_everything(
    lost: Lost, target: Database, tmp_path: Path
) -> None:
    moment = random.Random(4)
    environment = settings_of(target, tmp_path) | lost.settings
    command = [str(BIN / "newsapi"), "restore", "--json"]
    for _ in range(8):
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
            time.sleep(0.3 + 1.2 * moment.random())
            process.send_signal(signal.SIGKILL)
        if process.returncode == 0:
            break
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout)["equal"]
    opened = target.open()
    assert len(raw_uris(opened)) == 27
    assert len(final_urls(opened)) == 27
    assert not (tmp_path / "data" / ".restore").exists()
    disconnect(opened)


def test_killed_at_its_very_end_it_knows_its_own_work_again(
    run: Run, lost: Lost, target: Database, tmp_path: Path
) -> None:
    # As after a death between the last step and the exit, or in another container: nothing tells
    # of the first attempt but the target.
    first = run(target, "restore", "--json", **lost.settings)
    assert first.code == 0, first.err
    assert not (tmp_path / "data" / ".restore").exists()
    for options in ((), ("--replace",), ("--merge",), ("--raw-only",)):
        again = run(target, "restore", "--json", *options, **lost.settings)
        if options == ("--raw-only",):
            assert "--replace" in again.err
        else:
            assert again.code == 0, again.err
            told = json.loads(again.out)
            assert (told["action"], told["equal"]) == ("already equal", True)


def test_a_dry_run_leaves_the_work_of_a_killed_attempt(
    run: Run, lost: Lost, target: Database, tmp_path: Path
) -> None:
    data = target.path.parent if isinstance(target, DuckDBDatabase) else tmp_path / "data"
    left = data / ".restore" / "0123456789abcdef" / "lake" / "file.parquet"
    left.parent.mkdir(parents=True)
    left.write_text("downloaded")
    assert run(target, "restore", "--dry-run", **lost.settings).code == 0
    assert [*(data / ".restore").rglob("*.parquet")] == [left]
    assert run(target, "restore", **lost.settings).code == 0
    assert not (data / ".restore").exists()
