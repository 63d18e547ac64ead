"""A run that could not read a day stores and processes all others, and is no success."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.errors import SourceUnavailableError
from support.moving_index import MovingIndex, served

from .conftest import Workspace

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
BAD = (NOW - 2 * DAY).date()
TOPICS_FILE = """
relevance: {threshold: 0}
quality: {min_words: 1}
topics:
  - {name: AI, keywords: [artificial intelligence]}
  - {name: Marketing, keywords: [marketing]}
"""


@pytest.fixture(scope="module")
def index() -> MovingIndex:
    moving = MovingIndex(NOW)
    for age in range(4):
        at = (NOW - age * DAY).replace(hour=0, minute=0, second=1)
        moving.add_many(5, at, prefix=f"{age}-")
    moving.failures[BAD] = SourceUnavailableError("rubbish")
    return moving


@pytest.fixture(scope="module")
def failed(index: MovingIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A folder in which a run has met a day that answers rubbish."""
    folder = tmp_path_factory.mktemp("incomplete")
    (folder / "topics.yaml").write_text(TOPICS_FILE)
    with served(index) as url:
        settings = {
            **{"NEWSAPI_HOST": url, "NEWSAPI_KEY": "a-key-of-tests", "LOOKBACK_DAYS": "3"},
            **{"TOPICS_FILE": "topics.yaml", "REQUEST_ATTEMPTS": "1"},
        }
        yield Workspace(folder, settings)


@pytest.mark.thorough(
    "tests/stages/test_moving_index.py"
    "::test_a_day_that_fails_holds_up_no_other_and_is_tried_again_at_growing_distance"
)
def test_it_names_the_day_and_goes_on_and_the_next_run_completes(
    failed: Workspace,
    index: MovingIndex,
    query: Callable[[Workspace, str], list[tuple[Any, ...]]],
) -> None:
    run = failed.newsapi("run", "--json")
    assert run.code == 1
    told = run.json
    assert not told["succeeded"]
    assert list(told["missing_days"]) == [BAD.isoformat()]
    assert BAD.isoformat() in told["error"]
    assert told["stages"] == [
        *("collect", "deduplicate", "understand", "group", "curate", "sentiment")
    ]
    assert query(failed, "SELECT count(*) FROM final.filtered_news") == [(15,)]
    assert sorted(told["failed_checks"]) == [
        "raw/ai_marketing_news_raw: everything_read",
        "raw/ai_marketing_news_raw: fresh",
    ]

    (day,) = failed.newsapi("status", "--json").json["troubled_days"]
    assert (day["day"], day["failures"]) == (BAD.isoformat(), 1)
    assert "not JSON" in day["failure"]
    assert f"{BAD}   not read" in failed.newsapi("status").out

    again = failed.newsapi("run")
    assert again.code == 1
    assert f"{BAD}: " in again.err
    assert "later runs try the days again" in again.err

    index.failures.clear()
    # After two failures the day waits for its time; a backfill doesn't.
    assert failed.newsapi("run").code == 1
    day_at_once = ("--from", BAD.isoformat(), "--to", BAD.isoformat(), "--yes")
    assert failed.newsapi("backfill", *day_at_once).code == 0
    assert failed.newsapi("run").code == 0
    assert query(failed, "SELECT count(*) FROM final.filtered_news") == [(20,)]
    assert failed.newsapi("status", "--json").json["troubled_days"] == []


@pytest.mark.thorough(
    "tests/stages/test_moving_index.py"
    "::test_a_server_that_cuts_pages_and_does_not_say_so_is_read_to_the_end"
)
def test_a_server_that_cuts_pages_is_read_to_the_end(tmp_path: Path) -> None:
    index = MovingIndex(NOW)
    index.most_on_a_page = 50
    index.add_many(130, (NOW - DAY).replace(hour=1))
    (tmp_path / "topics.yaml").write_text(TOPICS_FILE)
    with served(index) as url:
        workspace = Workspace(
            tmp_path,
            {
                **{"NEWSAPI_HOST": url, "NEWSAPI_KEY": "a-key-of-tests", "LOOKBACK_DAYS": "1"},
                "TOPICS_FILE": "topics.yaml",
            },
        )
        run = workspace.newsapi("run", "--json")
    assert run.code == 0, run.err
    assert (run.json["new"], run.json["missing_days"]) == (130, {})
