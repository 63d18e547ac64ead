"""What a user gets wrong is answered with one clear line and exit code 1."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault, Sandbox

from .conftest import FEW, Finished, Workspace


def error_of(finished: Finished) -> str:
    """The one line that starts with `Error:`."""
    assert finished.code == 1, finished.out + finished.err
    lines = [line for line in finished.err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, finished.err
    assert "Traceback" not in finished.out + finished.err
    return lines[0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"NEWSAPI_HOST": "https://example.org"}, "NEWSAPI_KEY is not set"),
        ({"NEWSAPI_SANDBOX": "never"}, "NEWSAPI_KEY is needed"),
        ({"NEWSAPI_HOST": "http://example.org", "NEWSAPI_KEY": "k"}, "NEWSAPI_HOST: must be https"),
        ({"NEWSAPI_HOST": "ftp://x", "NEWSAPI_KEY": "k"}, "NEWSAPI_HOST: must be an address"),
        ({"LOOKBACK_DAYS": "month"}, "LOOKBACK_DAYS: "),
        ({"POSTGRES_PORT": "70000"}, "POSTGRES_PORT: "),
        ({"TOPICS_FILE": "nowhere.yaml"}, "nowhere.yaml can't be read"),
        (
            {
                "NEWSAPI_HOST": "http://127.0.0.1:9",
                "NEWSAPI_KEY": "k",
                "FETCH_DEADLINE_SECONDS": "1",
            },
            "gave no usable answer",
        ),
    ],
)
def test_wrong_settings(workspace: Workspace, settings: dict[str, str], expected: str) -> None:
    assert expected in error_of(workspace.newsapi("run", **settings))


def test_production_without_a_key_never_falls_back_to_the_sandbox(workspace: Workspace) -> None:
    finished = workspace.newsapi(
        "run", USE_POSTGRES="true", POSTGRES_PORT="9", DATABASE_WAIT_SECONDS="1"
    )

    assert "SANDBOX" not in finished.out + finished.err
    assert "PostgreSQL at dagster_user@localhost:9/newsapi_db" in error_of(finished)


def test_a_wrong_key_is_refused_without_showing_it(connected: Workspace) -> None:
    finished = connected.newsapi("run", NEWSAPI_KEY="secret-but-wrong")

    assert "refused the key" in error_of(finished)
    assert "secret-but-wrong" not in finished.out + finished.err


@pytest.mark.thorough(
    "tests/stages/test_failed_fetch.py"
    "::test_an_account_that_runs_out_of_tokens_continues_when_it_has_some_again"
)
def test_spent_tokens_keep_what_was_read(connected: Workspace) -> None:
    with Sandbox(tokens=5, articles_per_day=FEW) as poor:
        finished = connected.newsapi("run", NEWSAPI_HOST=poor.url, LOOKBACK_DAYS="9")
    assert "tokens are left" in error_of(finished)
    assert poor.tokens_used == 5

    completed = connected.newsapi("run", "--json", LOOKBACK_DAYS="9").json
    assert completed["succeeded"]
    # The days read before are settled; five of the others are read twice.
    assert completed["tokens_used"] == 5 + 5


def test_a_failed_run_can_be_told_in_json(connected: Workspace) -> None:
    finished = connected.newsapi("run", "--json", NEWSAPI_KEY="wrong")

    assert finished.code == 1
    assert finished.json["succeeded"] is False
    assert "refused the key" in finished.json["error"]


def test_a_mistake_in_the_topics_file_is_named_with_its_line(workspace: Workspace) -> None:
    (workspace.folder / "topics.yaml").write_text("topics:\n  - name: AI\n    keyword: [x]\n")

    assert "topics.yaml, line 3: topics[1].keyword" in error_of(workspace.newsapi("run"))
    assert "topics.yaml, line 3" in error_of(workspace.newsapi("topics"))


def test_a_damaged_database_is_named(workspace: Workspace) -> None:
    (workspace.folder / "data").mkdir()
    (workspace.folder / "data/news.duckdb").write_bytes(b"this is no database" * 1000)

    for command in ("run", "status"):
        assert "is not a DuckDB database" in error_of(workspace.newsapi(command))


def test_a_held_database_is_waited_for_and_the_holder_named(filled: Workspace) -> None:
    with _held(filled.folder / "data/news.duckdb") as pid:
        for command in ("run", "status", "articles"):
            error = error_of(filled.newsapi(command, DATABASE_WAIT_SECONDS="0.3"))
            assert "is held by another process" in error
            assert f"PID {pid}" in error
    assert filled.newsapi("status").code == 0


def test_a_folder_that_cannot_be_written(workspace: Workspace) -> None:
    (workspace.folder / "data").write_text("a file where the folder should be")

    assert "move away what is in its place" in error_of(workspace.newsapi("run"))


@pytest.mark.parametrize("command", [["status"], ["articles"], ["explain", "x"]])
def test_reading_before_the_first_run(workspace: Workspace, command: list[str]) -> None:
    assert "run `newsapi run` first" in error_of(workspace.newsapi(*command))


def test_the_doctor_says_before_the_first_run_what_to_do_about_all_that_is_missing(
    workspace: Workspace,
) -> None:
    examined = workspace.newsapi("doctor", "--json")
    ill = {found["check"]: found["fix"] for found in examined.json if found["state"] != "ok"}

    assert examined.code == 1
    assert {"database", "last run", "relevance", "reader's copy", "search"} <= set(ill)
    assert all(ill.values())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["articles", "--format", "parquet"], "--out"),
        (["articles", "--out", "x.txt"], "--format"),
        (["articles", "--since", "yesterday"], "'--since': must be a day from 1900 to 2999"),
        (["articles", "--until", "9999-12-31"], "'--until': must be a day from 1900 to 2999"),
        (["articles", "--until", "0001-01-01"], "'--until': must be a day from 1900 to 2999"),
        (["articles", "--since", "2026-11-02", "--until", "2026-11-01"], "must not lie after"),
        (["backfill", "--from", "0001-01-01", "--yes"], "must be a day from 1900 to 2999"),
        (["backfill", "--from", "20261101", "--yes"], "must be a day from 1900 to 2999"),
        (["backfill", "--from", "2026-02-30"], "--from"),
        (["backfill", "--from", "2026-11-02", "--to", "2026-11-01"], "no days"),
        (["sandbox", "--fault", "status=abc"], "--fault"),
        (["sandbox", "--articles-per-day", "nan"], "from 0 to 1000"),
        (["sandbox", "--tokens", "-1"], "--tokens"),
        (["status", "--runs", "9" * 30], "--runs"),
        (["status", "--runs", "-1"], "--runs"),
        (["alerts", "list", "--deliveries", "-1"], "--deliveries"),
        (["prune", "--days", "9" * 30], "--days"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_arguments(workspace: Workspace, arguments: list[str], expected: str) -> None:
    finished = workspace.newsapi(*arguments)

    assert finished.code == 2
    assert expected in finished.err
    assert "Traceback" not in finished.err


def test_an_interrupted_run_is_over_and_the_next_completes(connected: Workspace) -> None:
    with Sandbox(tokens=100, articles_per_day=FEW) as slow:
        slow.add_fault(Fault("hang", seconds=30, on_request=5))
        with connected.fork("run", NEWSAPI_HOST=slow.url, LOOKBACK_DAYS="9") as process:
            _wait_for(lambda: len(slow.requests) >= 4)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=90)
    assert process.returncode != 0
    assert "Traceback" not in out + err

    completed = connected.newsapi("run", "--json", LOOKBACK_DAYS="9").json
    assert completed["succeeded"]
    # The page that was under way may have been paid for without being stored.
    assert completed["tokens_used"] in (6 + 5, 7 + 5)


def test_a_run_that_is_killed_is_no_longer_shown_as_running(connected: Workspace) -> None:
    with Sandbox(articles_per_day=FEW) as slow:
        slow.add_fault(Fault("hang", seconds=30, on_request=3))
        with connected.fork("run", NEWSAPI_HOST=slow.url) as process:
            _wait_for(lambda: len(slow.requests) >= 2)
            (run,) = connected.newsapi("status", "--json").json["runs"]
            process.kill()
    assert run["status"] == "running"
    (run,) = connected.newsapi("status", "--json").json["runs"]
    assert run["status"] == "failed"
    assert "process was killed" in run["error"]


@pytest.mark.slow
def test_a_second_run_waits_for_the_first_and_does_not_interleave(connected: Workspace) -> None:
    first = connected.start("run", "--json")
    second = connected.start("run", "--json")
    with first, second:
        results = [Finished(p.wait(60), *p.communicate(timeout=60)) for p in (first, second)]

    assert [finished.code for finished in results] == [0, 0], results
    # Whoever came second found everything read, and asked for the days of the overlap only.
    assert sorted(finished.json["tokens_used"] for finished in results)[0] <= 4
    assert sorted(finished.json["new"] for finished in results)[0] <= 5


def test_a_run_that_waited_too_long_names_the_other(connected: Workspace) -> None:
    with Sandbox(tokens=100, articles_per_day=FEW) as slow:
        slow.add_fault(Fault("hang", seconds=60, on_request=2))
        with connected.fork("run", NEWSAPI_HOST=slow.url) as process:
            _wait_for(lambda: len(slow.requests) >= 1)
            error = error_of(connected.newsapi("run", RUN_WAIT_SECONDS="0.2"))
            process.kill()
    assert f"process {process.pid}" in error
    assert "another run is under way" in error
    assert connected.newsapi("run", NEWSAPI_KEY=SANDBOX_KEY).code == 0


@contextmanager
def _held(path: Path) -> Iterator[int]:
    code = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); "
        "c.execute('CREATE TABLE main.held (a int)'); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.kill()


def _wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


@pytest.mark.parametrize("option", ["--text", "--source", "--brand", "--search"])
def test_an_argument_in_another_encoding_is_refused(filled: Workspace, option: str) -> None:
    finished = filled.newsapi("articles", option, "caf\udce9")
    assert finished.code == 2, finished.err
    assert "Error: must be UTF-8 text: caf\\udce9" in finished.err


def test_the_name_of_a_file_may_be_in_another_encoding(filled: Workspace) -> None:
    name = "export\udce9.csv"
    place = str(filled.folder / name)
    Path(place).touch()
    assert filled.newsapi("articles", "--format", "csv", "--out", place).code == 0
    assert Path(place).stat().st_size > 100
