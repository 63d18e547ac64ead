"""Texts are read in a thread for each processor, except where other processes share the work."""

import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain

import pytest

from newsapi_dentsu.meaning import threads
from newsapi_dentsu.meaning.threads import in_threads
from newsapi_dentsu.stages.workers import workers
from support.forking import server

TOGETHER = threading.Barrier(2)


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "processors", lambda: 2)


def meet(number: int) -> int:
    """Wait until another thread has come as far."""
    TOGETHER.wait(5)
    return number


def threads_used(items: Sequence[int]) -> Sequence[str]:
    """The thread that read each of several texts, in a process with two processors."""
    threads.processors = lambda: 2
    return in_threads(lambda _: threading.current_thread().name, items)


def test_two_are_read_at_once_and_the_results_keep_their_order() -> None:
    assert in_threads(meet, range(10)) == list(range(10))


def test_a_single_text_needs_no_thread() -> None:
    assert in_threads(lambda _: threading.current_thread(), [0]) == [threading.current_thread()]
    assert in_threads(meet, []) == []


def test_after_an_error_what_has_not_begun_is_left() -> None:
    begun = []

    def fail(number: int) -> None:
        begun.append(number)
        raise ValueError(f"not {number}")

    with pytest.raises(ValueError, match="not 0"):
        in_threads(fail, range(10_000))
    assert len(begun) < 10_000


def test_a_process_that_shares_the_work_uses_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsapi_dentsu.stages.workers.processors", lambda: 2)
    with workers(wanted=True) as helpers:
        used = chain(*helpers.map(threads_used, [[1, 2], [3, 4]], str))
        assert set(used) == {"MainThread"}


def test_a_process_that_dagster_starts_for_a_run_uses_several() -> None:
    with ProcessPoolExecutor(1, mp_context=server) as pool:
        used = pool.submit(threads_used, range(4)).result()
    assert "MainThread" not in used
