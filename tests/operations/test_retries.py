"""Dagster tries a stage again after trouble that passes, a bounded number of times; never else."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu.defs import assets, build_definitions
from newsapi_dentsu.defs.resources import ATTENDED
from newsapi_dentsu.settings import load_settings
from support.http import answering, raw_server

pytestmark = pytest.mark.slow

STEP = "raw__ai_marketing_news_raw"


def answer(status: str) -> str:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the job against an API that gives one answer; how often a stage began."""

    def run(status: str, **tags: str) -> int:
        with raw_server(answering(answer(status))) as url:
            monkeypatch.chdir(tmp_path)
            for name, value in {
                "NEWSAPI_HOST": url, "NEWSAPI_KEY": "some-key", "REQUEST_ATTEMPTS": "1"
            }.items():  # fmt: skip
                monkeypatch.setenv(name, value)
            load_settings.cache_clear()
            with dg.DagsterInstance.ephemeral() as instance:
                result = (
                    build_definitions()
                    .resolve_job_def("news_pipeline")
                    .execute_in_process(instance=instance, raise_on_error=False, tags=tags)
                )
        load_settings.cache_clear()
        begun = [
            event
            for event in result.all_events
            if event.step_key == STEP and event.event_type_value in ("STEP_START", "STEP_RESTARTED")
        ]
        assert not result.success
        return len(begun)

    return run


def test_backoff_is_exponential_and_bounded() -> None:
    policy = assets.RETRIES
    assert policy.max_retries == 2
    assert policy.backoff == dg.Backoff.EXPONENTIAL
    waits = [policy.calculate_delay(attempt) for attempt in (1, 2)]
    assert 0 < waits[0] <= 60
    assert 30 <= waits[1] <= 180
    for asset in (assets.ai_marketing_news_raw, assets.processed_news, assets.filtered_news):
        assert asset.op.retry_policy == policy


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # The policy's waits are what the test above looks at.
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize(
    ("status", "times"), [("503 Busy", 3), ("401 No", 1), ("400 Bad query", 1)]
)
def test_only_trouble_that_passes_is_tried_again(
    tries: Callable[..., int], status: str, times: int
) -> None:
    assert tries(status) == times


@pytest.mark.usefixtures("_at_once")
def test_a_mistake_in_the_code_is_not_tried_again(
    tries: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(assets, "collect", broken)
    assert tries("200 OK") == 1


@pytest.mark.usefixtures("_at_once")
def test_somebody_who_waits_on_the_command_line_is_told_at_once(
    tries: Callable[..., int],
) -> None:
    assert tries("503 Busy", **{ATTENDED: "true"}) == 1
