"""Whoever doesn't know a command's name, or mistypes it, is shown the way."""

from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsapi_dentsu.cli.main import COMMANDS, main

from .conftest import Workspace


def newsapi(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="newsapi")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["", *COMMANDS, "db upgrade", "alerts silence"])
def test_help_says_what_the_option_says(command: str) -> None:
    asked = newsapi("help", *command.split())
    option = newsapi(*command.split(), "--help")

    assert (asked.exit_code, asked.output) == (0, option.output)
    assert "Usage: newsapi" in asked.output


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("statu", "status"),
        ("article", "articles"),
        ("ran", "run"),
        ("db upgrad", "upgrade"),
        ("alerts lst", "list"),
        ("help statu", "status"),
        ("help db upgrad", "upgrade"),
        ("run --jsn", "--json"),
    ],
)
def test_what_was_meant_is_named(mistyped: str, meant: str) -> None:
    result = newsapi(*mistyped.split())
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'" in result.output


@pytest.mark.parametrize("unknown", [["xyzzy"], ["help", "xyzzy"]])
def test_what_is_like_nothing_is_named_alone(unknown: list[str]) -> None:
    result = newsapi(*unknown)
    assert result.exit_code == 2
    assert "No such command 'xyzzy'." in result.output
    assert "Did you mean" not in result.output


def test_what_has_no_effect_in_the_env_file_is_told_once(workspace: Workspace) -> None:
    (workspace.folder / ".env").write_text("NEWSAPI_KYE=a-secret\nLOOKBACK_DAYS: 7\n")

    finished = workspace.newsapi("config", "--json")

    assert finished.code == 0
    assert finished.err.splitlines() == [
        "WARNING: NEWSAPI_KYE in .env is no setting, so it has no effect: "
        "did you mean NEWSAPI_KEY?",
        "WARNING: .env, line 2 is not NAME=value, so it has no effect",
    ]
    assert finished.json["LOOKBACK_DAYS"] == {"value": "30", "from": "default"}


def test_a_home_in_the_path_of_the_database_is_used_by_all(workspace: Workspace) -> None:
    settings = {
        "HOME": str(workspace.folder / "home"),
        "DUCKDB_PATH": "~/news.duckdb",
        "DAGSTER_HOME": "~/dagster",
        "LOG_FORMAT": "",
        "COMPUTE_LOGS": " ",
        "LOOKBACK_DAYS": "1",
    }

    assert workspace.newsapi("run", **settings).code == 0

    made = {path.name for path in (workspace.folder / "home").iterdir()}
    assert {"news.duckdb", "news.duckdb.lock", "dagster"} <= made
    assert [path.name for path in workspace.folder.iterdir()] == ["home"]


def test_the_version_is_told(workspace: Workspace) -> None:
    told = workspace.newsapi("--version")
    assert (told.code, told.out) == (0, version("newsapi-dentsu") + "\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands(workspace: Workspace, shell: str) -> None:
    script = workspace.newsapi(_NEWSAPI_COMPLETE=f"{shell}_source")
    assert script.code == 0, script.err
    assert "_NEWSAPI_COMPLETE" in script.out
    completed = workspace.newsapi(
        _NEWSAPI_COMPLETE=f"{shell}_complete",
        COMP_WORDS="newsapi st",
        COMP_CWORD="st" if shell == "fish" else "1",
    )
    assert "status" in completed.out
