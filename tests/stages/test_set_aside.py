"""An article that no code can process is set aside and told; it never stops the others."""

import logging
import os
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from newsapi_dentsu.domain import assessment, similarity
from newsapi_dentsu.domain import record as reading
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.stages import curate as curating
from newsapi_dentsu.stages import group as grouping
from newsapi_dentsu.stages import looking, pages, setting_aside
from newsapi_dentsu.stages import workers as working
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed, raw
from support.articles import TOPICS, body, record
from support.clock import NOON
from support.forking import fork_workers
from support.processing import broken_promises, process, store
from support.tables import column, count, row

POISON = "Poison"
GOOD = ["https://adledger.example/1", "https://adledger.example/2"]
BAD = "https://adledger.example/bad"
ERRORS = [RecursionError("too deep"), MemoryError(), ValueError("a\nb"), KeyError("x")]


def fill(warehouse: Warehouse) -> None:
    title = f"{POISON} for the machine"
    store(warehouse, record("1", NOON), record("bad", NOON, title=title), record("2", NOON))


def failing(original: Callable[..., Any], error: Exception, but: str = "\0") -> Callable[..., Any]:
    """A function that fails where one of its arguments holds the poison, and not its antidote."""

    def function(*arguments: object, **named: object) -> Any:
        given = [str(one) for one in (*arguments, *named.values())]
        if any(POISON in one and but not in one for one in given):
            raise error
        return original(*arguments, **named)

    return function


def assert_only_the_good_are_final(warehouse: Warehouse) -> None:
    assert column(warehouse, final.TABLE, "url") == GOOD
    assert broken_promises(warehouse) == set()


@pytest.mark.each_engine
def test_a_record_that_can_t_even_be_read_is_stored_once(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = failing(clean_title, RecursionError())
    monkeypatch.setattr(reading, "clean_title", failed)
    for hour in range(2):
        bad = record("bad", NOON, title=POISON, sim=hour / 10)
        store(
            warehouse, record("1", NOON), bad, record("2", NOON), now=NOON + timedelta(hours=hour)
        )
    process(warehouse)
    assert_only_the_good_are_final(warehouse)
    stored = row(warehouse, raw.TABLE, "unusable = 'failed'")
    assert POISON in stored["record"]
    assert count(warehouse, raw.TABLE) == 3


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_record_that_can_t_be_made_an_article(
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    fill(warehouse)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(pages, "clean_title", failing(clean_title, error))
        report, _ = process(warehouse)
        assert (report.records, report.unusable, report.failed) == (3, 1, 1)
        assert_only_the_good_are_final(warehouse)
        assert row(warehouse, processed.OUTCOMES, "uri = 'bad'")["reason"] == "failed"
        assert "Record bad (raw.seq 2)" in caplog.text
        assert type(error).__name__ in caplog.text
        report, _ = process(warehouse)
        assert report.records == 0
    process(warehouse, full_refresh=True)
    assert column(warehouse, final.TABLE, "url") == [*GOOD, BAD]
    assert broken_promises(warehouse) == set()


def test_the_article_of_an_earlier_record_stays_as_it_is(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(warehouse, record("1", NOON, title="Sound"))
    process(warehouse)
    with monkeypatch.context() as patch:
        failed = failing(clean_text, RecursionError())
        patch.setattr(pages, "clean_text", failed)
        store(
            warehouse, record("1", NOON, title="Newer", body=POISON), now=NOON + timedelta(hours=1)
        )
        process(warehouse)
    assert column(warehouse, final.TABLE, "title") == ["Sound"]
    assert broken_promises(warehouse) == set()


@pytest.mark.parametrize(
    ("name", "later"),
    [("read_content", {}), ("prepare", {"title": "Quite another", "body": "A bridge is opened."})],
    ids=["what it shows", "how it is worded"],
)
def test_an_earlier_record_that_fails_when_it_is_needed_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, name: str, later: dict[str, Any]
) -> None:
    # Of one text the record published first is shown; another text is compared with it.
    first = {"url": BAD, "title": "The story", "body": f"{POISON} in the well."}
    store(warehouse, record("a", NOON - timedelta(hours=2), **first))
    process(warehouse)
    store(warehouse, record("b", NOON, **first | {"image": None} | later), record("1", NOON))
    with monkeypatch.context() as patch:
        failed = failing(getattr(pages, name), MemoryError(), but="'image': None")
        patch.setattr(pages, name, failed)
        report, _ = process(warehouse)
        assert (report.records, report.unusable) == (2, 0)
    assert row(warehouse, processed.OUTCOMES, "uri = 'a'")["reason"] == "failed"
    assert row(warehouse, processed.OUTCOMES, "uri = 'b'")["outcome"] == "article"
    shown = row(warehouse, processed.TABLE, f"url = '{BAD}'")
    assert (shown["image"], shown["title"]) == (None, later.get("title", "The story"))
    assert broken_promises(warehouse) == set()
    process(warehouse, full_refresh=True)
    assert row(warehouse, processed.OUTCOMES, "uri = 'a'")["outcome"] == "article"
    assert broken_promises(warehouse) == set()


def test_a_page_is_divided_anew_without_a_record_that_fails_when_it_comes_back(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each resembles the one before: without the second, the third is an article of its own.
    one, other = body("one"), body("other")
    both = " ".join((*one.split()[:20], *other.split()[:20]))

    def told(number: int, text: str) -> dict[str, Any]:
        found = NOON - timedelta(hours=9 - number)
        return record(f"{number}", found, url=BAD, title=f"{number}", body=text)

    store(warehouse, told(0, one), told(1, f"{both} {POISON}"), told(2, other))
    store(warehouse, told(1, both), now=NOON + timedelta(hours=1))
    process(warehouse)
    assert count(warehouse, processed.TABLE) == 1
    store(warehouse, told(1, f"{both} {POISON}"), now=NOON + timedelta(hours=2))
    with monkeypatch.context() as patch:
        patch.setattr(pages, "clean_text", failing(clean_text, ValueError()))
        process(warehouse)
    assert column(warehouse, processed.TABLE, "body") == sorted([one, both])
    process(warehouse, full_refresh=True)
    assert column(warehouse, processed.TABLE, "body") == [f"{both} {POISON}"]
    assert broken_promises(warehouse) == set()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_article_that_can_t_be_judged(
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    fill(warehouse)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(assessment, "assess", failing(assessment.assess, error))
        _, report = process(warehouse)
        assert report.rejected == {"failed": 1}
        assert_only_the_good_are_final(warehouse)
        rejected = row(warehouse, final.REJECTED, "1 = 1")
        assert (rejected["url"], rejected["reason"]) == (BAD, "failed")
        assert rejected["detail"].startswith(type(error).__name__)
        assert f"{BAD} could not be judged" in caplog.text
    process(warehouse)
    assert_only_the_good_are_final(warehouse)
    process(warehouse, full_refresh=True)
    assert column(warehouse, final.TABLE, "url") == [*GOOD, BAD]


def test_an_article_that_can_t_be_compared(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(warehouse)
    monkeypatch.setattr(looking, "prepare", failing(similarity.prepare, MemoryError()))
    store(warehouse, record("bad", NOON, body=POISON * 40), now=NOON + timedelta(hours=1))
    assert group(warehouse, TOPICS, now=NOON).failed == 0
    process(warehouse)
    assert_only_the_good_are_final(warehouse)


@pytest.mark.each_engine
def test_an_article_that_can_t_go_to_final(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(warehouse)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(curating, "_final", failing(curating._final, ValueError("no language")))
        process(warehouse)
        assert_only_the_good_are_final(warehouse)
        assert column(warehouse, final.REJECTED, "detail") == ["ValueError: no language"]
        assert BAD in caplog.text
    process(warehouse, full_refresh=True)
    assert column(warehouse, final.TABLE, "url") == [*GOOD, BAD]


@pytest.mark.parametrize(
    ("module", "name"),
    [(pages, "clean_title"), (assessment, "assess"), (curating, "_final")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_next_version_of_the_program_tries_it_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    fill(warehouse)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing(getattr(module, name), MemoryError()))
        process(warehouse)
        # The same version doesn't, nor does it the next time.
        for _ in range(2):
            process(warehouse)
        monkeypatch.setattr(setting_aside, "_version", lambda: "99.0")
        process(warehouse)
        assert_only_the_good_are_final(warehouse)
    process(warehouse)
    assert_only_the_good_are_final(warehouse)
    monkeypatch.setattr(setting_aside, "_version", lambda: "99.1")
    process(warehouse)
    assert column(warehouse, final.TABLE, "url") == [*GOOD, BAD]
    assert broken_promises(warehouse) == set()


def looks_or_dies(measure: Yardstick, asked: Sequence[looking.Asked]) -> Sequence[Any]:
    if any(POISON in one.article.title for one in asked):
        os.kill(os.getpid(), signal.SIGKILL)
    return [looking.look_at(measure, one) for one in asked]


def test_a_text_that_kills_its_process_is_set_aside(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(warehouse)
    fork_workers(monkeypatch)
    monkeypatch.setattr(working, "processors", lambda: 2)
    monkeypatch.setattr(grouping, "_MANY", 1)
    monkeypatch.setattr(grouping, "looks_at", looks_or_dies)
    process(warehouse)
    assert_only_the_good_are_final(warehouse)
    rejected = row(warehouse, final.REJECTED, "1 = 1")
    assert rejected["reason"] == "failed"
    assert "killed" in rejected["detail"]
    assert count(warehouse, raw.TABLE) == 3
