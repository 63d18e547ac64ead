"""`newsapi doctor`: one line for each thing a deployment needs, with the fix."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from newsapi_dentsu.sandbox import SANDBOX_KEY, Sandbox
from postgres.server import Server, running_server
from support.http import answering, raw_server
from support.services import BIN, service, until

from .conftest import Place, free_port

pytestmark = pytest.mark.slow


def findings(place: Place, **settings: str) -> tuple[int, dict[str, dict[str, Any]]]:
    finished = place.newsapi("doctor", "--json", **settings)
    found = json.loads(finished.stdout)
    assert finished.stderr == ""
    assert all(item["fix"] for item in found if item["state"] != "ok"), found
    return finished.returncode, {item["check"]: item for item in found}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        started.create_database("newsapi_db")
        yield started


@pytest.fixture
def filled(place: Place) -> Place:
    assert place.newsapi("run", LOOKBACK_DAYS="1").returncode == 0
    return place


def test_an_empty_folder_needs_its_first_run_and_a_daemon(place: Place) -> None:
    code, found = findings(place)

    assert code == 1
    assert found["settings"]["state"] == "ok"
    assert found["database"]["state"] == "problem"
    assert found["database"]["fix"] == "newsapi db upgrade"
    assert found["daemon"]["state"] == "problem"


def test_each_finding_is_one_line_for_people(filled: Place) -> None:
    finished = filled.newsapi("doctor")
    lines = finished.stdout.splitlines()

    (daemon,) = [line for line in lines if line.split()[1] == "daemon"]
    assert daemon.startswith("warning daemon")
    assert "none has ever run" in daemon
    assert daemon.endswith("→ newsapi daemon, or newsapi dev")


def test_a_first_day_lacks_a_daemon_and_somebody_to_tell_and_nothing_is_broken(
    filled: Place,
) -> None:
    code, found = findings(filled)

    states = {check: item["state"] for check, item in found.items() if item["state"] != "ok"}
    assert states == {"daemon": "warning", "channels": "warning"}
    assert code == 0


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_a_whole_deployment_is_well(
    place: Place, engine: str, request: pytest.FixtureRequest
) -> None:
    with Sandbox(tokens=5000) as api:
        place.settings |= {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY}
        mail = {"ALERT_EMAIL_FROM": "news@example.com", "ALERT_EMAIL_TO": "ops@example.com"}
        place.settings |= {"LOOKBACK_DAYS": "1", "SMTP_HOST": "mail.example", **mail}
        place.settings |= {"DATABASE_SIZE_GB": "128"}
        if engine == "postgres":
            place.settings |= request.getfixturevalue("server").settings("newsapi_db")
        assert place.newsapi("run").returncode == 0
        arguments = [str(BIN / "newsapi"), "daemon", "--health-port", str(free_port())]
        log = place.folder / "daemon.log"
        with service(arguments, place.folder, place.environment(), log):
            until(lambda: findings(place)[1]["daemon"]["state"] == "ok", "no heartbeat")
            code, found = findings(place)

    assert code == 0, found
    assert {item["state"] for item in found.values()} == {"ok"}
    wanted = {"settings", "topics", "brands", "api", "tokens", "database", "indexes", "last run"}
    wanted |= {"daemon", "schedule", "free space", "channels", "clock"}
    assert wanted <= set(found)
    assert "s against" in found["clock"]["detail"]


def test_a_schedule_that_is_switched_off_is_named_with_the_command_that_switches_it_on(
    filled: Place,
) -> None:

    environment = filled.environment(DAGSTER_HOME=str(filled.folder / "data/dagster"))

    def schedule(what: str) -> None:
        subprocess.run(
            [
                *(BIN / "dagster", "schedule", what, "-m", "newsapi_dentsu.definitions"),
                "news_every_six_hours",
            ],
            cwd=filled.folder,
            env=environment,
            check=True,
            capture_output=True,
            timeout=120,
        )

    schedule("stop")
    _, found = findings(filled)
    assert found["schedule"]["state"] == "problem"
    assert found["schedule"]["fix"].startswith("dagster schedule start")
    schedule("start")
    assert findings(filled)[1]["schedule"]["state"] == "ok"


def test_a_digest_without_receivers_and_receivers_without_a_digest_are_told(filled: Place) -> None:
    receivers = {"DIGEST_SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x"}

    def schedule(what: str) -> None:
        subprocess.run(
            [
                BIN / "dagster",
                "schedule",
                what,
                "-m",
                "newsapi_dentsu.definitions",
                "weekly_digest",
            ],
            cwd=filled.folder,
            env=filled.environment(DAGSTER_HOME=str(filled.folder / "data/dagster"), **receivers),
            check=True,
            capture_output=True,
            timeout=120,
        )

    assert "digest" not in findings(filled)[1]
    schedule("stop")
    assert "digest" not in findings(filled)[1]
    found = findings(filled, **receivers)[1]["digest"]
    assert (found["state"], "is switched off" in found["detail"]) == ("warning", True)
    assert found["fix"].startswith("dagster schedule start")
    schedule("start")
    assert findings(filled, **receivers)[1]["digest"]["state"] == "ok"
    found = findings(filled)[1]["digest"]
    assert (found["state"], "nobody receives it" in found["detail"]) == ("warning", True)
    mail = {"SMTP_HOST": "mail.example", "ALERT_EMAIL_FROM": "news@example.com"}
    code, told = findings(filled, **mail, DIGEST_EMAIL_TO="nobody, one@example.com")
    assert told["digest"]["detail"] == "no digest goes to nobody"
    assert told["channels"]["detail"] == "nobody is told of trouble"
    assert code == 1


def test_a_malformed_setting_is_the_only_finding(place: Place) -> None:
    code, found = findings(place, LOOKBACK_DAYS="many")
    assert code == 1
    assert list(found) == ["settings"]
    assert "LOOKBACK_DAYS" in found["settings"]["detail"]


def test_a_refused_key_and_spent_tokens_are_problems(filled: Place) -> None:
    refusal = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
    with raw_server(answering(refusal)) as url:
        _, refused = findings(filled, NEWSAPI_HOST=url, NEWSAPI_KEY="wrong-key")
    body = '{"availableTokens": 2000, "usedTokens": 2000}'
    spent_answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with raw_server(answering(spent_answer)) as url:
        _, spent = findings(filled, NEWSAPI_HOST=url, NEWSAPI_KEY="good-key")

    assert "refused the key" in refused["api"]["detail"]
    assert spent["tokens"]["state"] == "problem"
    assert spent["tokens"]["detail"] == "0 of 2,000 left"


def test_a_clock_that_is_wrong_is_noticed(filled: Place) -> None:
    body = '{"availableTokens": 2000, "usedTokens": 0}'
    head = f"Date: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: {len(body)}"
    with raw_server(answering(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")) as url:
        _, found = findings(filled, NEWSAPI_HOST=url, NEWSAPI_KEY="good-key")
    assert found["clock"]["state"] == "problem"
    assert "NTP" in found["clock"]["fix"]


def test_an_old_success_and_a_missing_index_are_problems(filled: Place) -> None:
    with duckdb.connect(str(filled.folder / "data/news.duckdb")) as db:
        db.execute("UPDATE ops.stage_runs SET ended_at = ended_at - INTERVAL 13 HOURS")
        name = db.execute("SELECT schema_name, index_name FROM duckdb_indexes()").fetchone()
        assert name is not None
        db.execute(f"DROP INDEX {name[0]}.{name[1]}")
    _, found = findings(filled)
    assert found["last run"]["state"] == "problem"
    assert found["last run"]["detail"].startswith("succeeded 13 h ago")
    assert found["indexes"]["state"] == "problem"
    assert name[1] in found["indexes"]["detail"]


def test_tables_of_a_newer_program_need_that_program(filled: Place) -> None:
    with duckdb.connect(str(filled.folder / "data/news.duckdb")) as db:
        db.execute(
            "INSERT INTO ops.schema_migrations BY NAME "
            "SELECT * REPLACE (999 AS version) FROM ops.schema_migrations LIMIT 1"
        )
    code, found = findings(filled)
    assert code == 1
    assert found["database"]["state"] == "problem"
    assert "newer than this program's" in found["database"]["detail"]
    assert found["database"]["fix"] == "install the newer version of newsapi-dentsu"
    checked = filled.newsapi("db", "check")
    assert checked.returncode == 1
    assert (checked.stdout + checked.stderr).count("news.duckdb") == 1


def test_a_readers_copy_that_the_server_refuses_is_a_problem(filled: Place) -> None:
    copy = filled.folder / "data/reading/news.duckdb"
    with duckdb.connect(str(copy)) as db:
        db.execute("UPDATE final.reading_state SET schema_version = 18")
    code, found = findings(filled)
    assert code == 1
    assert found["reader's copy"]["state"] == "problem"
    assert "of another version" in found["reader's copy"]["detail"]
    assert found["reader's copy"]["fix"] == "newsapi run"
    copy.write_bytes(b"garbage" * 1000)
    _, found = findings(filled)
    assert found["reader's copy"]["state"] == "problem"
    assert "can't be read" in found["reader's copy"]["detail"]
    copy.unlink()
    _, found = findings(filled)
    assert found["reader's copy"]["state"] == "problem"
    assert "doesn't exist" in found["reader's copy"]["detail"]
    assert filled.newsapi("run", LOOKBACK_DAYS="1").returncode == 0
    assert findings(filled)[1]["reader's copy"]["state"] == "ok"


def test_an_unreachable_server_is_a_problem_and_the_rest_is_examined_all_the_same(
    place: Place,
) -> None:
    away = {"USE_POSTGRES": "true", "POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "9"}
    code, found = findings(place, NEWSAPI_SANDBOX="always", DATABASE_WAIT_SECONDS="1", **away)
    assert code == 1
    assert "doesn't answer" in found["database"]["detail"]
    assert found["topics"]["state"] == "ok"
    assert found["free space"]["state"] == "ok"
    assert found["channels"]["state"] == "problem"
