"""`newsapi run`: the main job, for people and for programs."""

import json
from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb
import pytest

from newsapi_dentsu.sandbox import Sandbox, server

from .conftest import FEW, Finished, Workspace, run_once

Query = Callable[[Workspace, str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def second(first: tuple[Workspace, Finished]) -> tuple[Workspace, Finished]:
    """The same folder after a second run, which has told its result as JSON."""
    return run_once("second", "--json", after=first[0])


def test_the_first_run_without_a_key_reads_the_sandbox_and_says_so(
    first: tuple[Workspace, Finished], query: Query
) -> None:
    workspace, finished = first

    assert finished.code == 0, finished.err
    assert "SANDBOX" in finished.err
    for part in ("fetched", "duplicates", "rejected", "rows in final.filtered_news", "tokens"):
        assert part in finished.out
    assert "data/news.duckdb" in finished.out
    assert "newsapi dev" in finished.out
    assert "make " not in finished.out, "there may be no Makefile"
    assert "NEWSAPI_KEY=" in finished.out
    (count,) = query(workspace, "SELECT count(*) FROM final.filtered_news")[0]
    assert count > 60
    assert query(workspace, "SELECT DISTINCT origin FROM final.filtered_news") == [("sandbox",)]


def test_a_second_run_fetches_only_what_is_new(second: tuple[Workspace, Finished]) -> None:
    again = second[1].json

    assert again["succeeded"]
    # The sandbox's clock goes on between the two runs: an article or two may have come, or a day.
    assert again["tokens_used"] <= 6
    assert again["new"] <= 5
    assert again["duplicates"]["read_again"] > 0


def test_json_is_one_object_on_stdout_and_nothing_else(
    second: tuple[Workspace, Finished],
) -> None:
    _, finished = second

    assert finished.out.count("\n") == 1
    result = json.loads(finished.out)
    assert result["succeeded"] is True
    assert result["error"] is None
    assert result["stages"] == [
        *("collect", "deduplicate", "understand", "group", "curate", "sentiment")
    ]
    assert set(result["rows"]) == {
        "raw.ai_marketing_news_raw",
        "processed.processed_news",
        "final.filtered_news",
        "final.rejected_news",
    }
    assert result["rows"]["processed.processed_news"] == (
        result["rows"]["final.filtered_news"] + result["rows"]["final.rejected_news"]
    )
    assert finished.err == ""


def test_a_pipe_gets_no_progress_bars(first: tuple[Workspace, Finished]) -> None:
    _, finished = first

    assert finished.code == 0, finished.err
    assert "\x1b" not in finished.out + finished.err
    assert "━" not in finished.out + finished.err


def test_runs_are_seen_by_dagster(second: tuple[Workspace, Finished]) -> None:
    workspace, finished = second

    with dg.DagsterInstance.from_config(str(workspace.folder / "data/dagster")) as instance:
        run = instance.get_run_by_id(finished.json["run_id"])
        assert run is not None
        assert run.job_name == "news_pipeline"
        assert run.status == dg.DagsterRunStatus.SUCCESS
        event = instance.get_latest_materialization_event(dg.AssetKey(["final", "filtered_news"]))
        assert event is not None
        assert event.run_id == run.run_id


def test_the_home_of_the_environment_is_used(filled: Workspace) -> None:
    finished = filled.newsapi("run", "--json", DAGSTER_HOME=str(filled.folder / "elsewhere"))

    assert finished.json["dagster_home"] == str(filled.folder / "elsewhere")
    assert (filled.folder / "elsewhere/dagster.yaml").exists()


def test_a_run_reads_the_api_of_the_settings(connected: Workspace, api: Sandbox) -> None:
    before = api.tokens_used
    finished = connected.newsapi("run", "--json")

    assert finished.code == 0, finished.err
    assert api.tokens_used - before == finished.json["tokens_used"] > 0
    assert finished.json["tokens_left"] is not None


def test_a_dot_env_file_is_read(workspace: Workspace, api: Sandbox) -> None:
    (workspace.folder / ".env").write_text(
        f"NEWSAPI_HOST={api.url}\nNEWSAPI_KEY=sandbox-key\nLOOKBACK_DAYS=2\n"
    )
    before = api.tokens_used
    finished = workspace.newsapi("run", "--json")

    assert finished.code == 0, finished.err
    assert api.tokens_used - before == 3


@pytest.mark.thorough(
    "tests/stages/test_capped_runs.py"
    "::test_a_capped_first_load_finishes_over_several_runs_and_reads_no_page_more_than_twice"
)
def test_a_capped_run_says_so_and_the_next_goes_on(connected: Workspace) -> None:
    first = connected.newsapi("run", "--json", LOOKBACK_DAYS="9", MAX_REQUESTS_PER_RUN="3").json
    second = connected.newsapi("run", LOOKBACK_DAYS="9", MAX_REQUESTS_PER_RUN="5")
    third = connected.newsapi("run", "--json", LOOKBACK_DAYS="9").json

    assert first["succeeded"]
    assert first["capped"]
    assert first["tokens_used"] == 3
    assert "MAX_REQUESTS_PER_RUN" in second.out
    assert not third["capped"]
    assert first["tokens_used"] + 5 + third["tokens_used"] <= 10 + 5


def test_a_full_refresh_makes_anew_what_differs_and_leaves_the_rest(
    filled: Workspace, query: Query
) -> None:
    tables = ("processed.processed_news", "final.filtered_news", "final.rejected_news")
    before = {table: query(filled, f"SELECT * FROM {table} ORDER BY ALL") for table in tables}
    spoiled = "(SELECT min(article_id) FROM final.filtered_news)"
    with duckdb.connect(str(filled.folder / "data/news.duckdb")) as database:
        database.execute(
            f"UPDATE final.filtered_news SET title = 'Spoiled' WHERE article_id = {spoiled}"
        )
    finished = filled.newsapi("run", "--json", "--full-refresh", NEWSAPI_SANDBOX="always")

    assert finished.code == 0, finished.err
    assert query(filled, "SELECT * FROM final.filtered_news WHERE title = 'Spoiled'") == []
    after = {table: query(filled, f"SELECT * FROM {table} ORDER BY ALL") for table in tables}
    for table in tables:
        changed = set(before[table]) - set(after[table])
        # The row that was spoiled has been written since.
        assert len(changed) == (table == "final.filtered_news")
        assert len(after[table]) - len(before[table]) <= finished.json["new"]


def test_sandbox_articles_are_never_mixed_with_real_ones(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stand-in for the real API: the same answers without the sandbox's mark.
    monkeypatch.setattr(server, "SANDBOX_HEADER", "x-other")
    with Sandbox(articles_per_day=FEW) as real:
        settings = {"NEWSAPI_HOST": real.url, "NEWSAPI_KEY": "sandbox-key", "LOOKBACK_DAYS": "2"}
        refused = filled.newsapi("run", **settings)
        discarded = filled.newsapi("run", "--json", "--discard-sandbox", **settings)
    back = filled.newsapi("run")
    kept = filled.newsapi("run", "--discard-sandbox")

    assert refused.code == 1
    assert "--discard-sandbox" in refused.err
    assert discarded.code == 0, discarded.err
    assert discarded.json["origin"] == "newsapi.ai"
    assert back.code == 1
    assert "set NEWSAPI_KEY" in back.err
    assert kept.code == 1
    assert "nothing was deleted" in kept.err


def test_a_change_of_topics_is_told_and_a_backfill_offered(filled: Workspace) -> None:
    filled.newsapi("topics", "--init")
    topics = filled.folder / "topics.yaml"
    topics.write_text(topics.read_text().replace("- brand strategy\n", "- brand safety\n"))
    finished = filled.newsapi("run")

    assert finished.code == 0, finished.err
    assert "The topics have changed" in finished.out
    assert "newsapi backfill --from" in finished.out
