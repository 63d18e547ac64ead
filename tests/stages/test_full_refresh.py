"""A full refresh: interrupted and continued, or under new rules, the tables come out right."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from newsapi_dentsu.domain.urls import Address, address
from newsapi_dentsu.stages import curate as curating
from newsapi_dentsu.stages import deduplicate as deduplicating
from newsapi_dentsu.stages import pages
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed
from support.articles import TOPICS, record
from support.clock import NOON
from support.parts import first_quick
from support.processing import broken_promises, process, store
from support.tables import column, dump

LATER = NOON + timedelta(days=1)
TABLES = (processed.TABLE, processed.OUTCOMES, final.TABLE, final.REJECTED)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deduplicating, "BATCH_ROWS", 4)
    monkeypatch.setattr(curating, "BATCH_ROWS", 4)


def fill(warehouse: Warehouse) -> None:
    """Four pages of a site, in three sections and twice in one, and some of them rejected."""
    for again, section in enumerate(("", "/world", "/tech", "/tech", "")):
        store(
            warehouse,
            *(
                record(
                    f"{number}{section}{again}",
                    NOON - timedelta(hours=number + again * 7 % 4),
                    url=f"https://a.example{section}/{number}",
                    body="" if number == 3 else f"Text {number}{section if number % 2 else ''}",
                )
                for number in range(4)
            ),
        )


def moved(url: object, pattern: str, instead: str) -> Address | None:
    """Other rules for what page a url leads to."""
    found = address(url)
    return found and replace(found, page=re.sub(pattern, instead, found.page))


def without_section(url: object) -> Address | None:
    """New rules: the section isn't part of a page's identity."""
    return moved(url, r"/(world|tech)/", "/")


def with_section_only(url: object) -> Address | None:
    """New rules: all pages of a section are one."""
    return moved(url, r"/\d+$", "/")


def on_another_host(url: object) -> Address | None:
    """New rules: every page has another identity."""
    return moved(url, r"a\.example", "b.example")


@pytest.mark.parametrize("rules", [without_section, with_section_only, on_another_host])
def test_new_rules_for_urls_move_articles_and_final_follows(
    warehouse: Warehouse,
    other_warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    rules: object,
) -> None:
    fill(warehouse)
    process(warehouse)
    assert len(column(warehouse, processed.TABLE, "url")) == 12
    monkeypatch.setattr(pages, "address", rules)
    process(warehouse, LATER, full_refresh=True)
    fill(other_warehouse)
    process(other_warehouse, LATER)
    skip = {"change_seq"}
    assert dump(warehouse, *TABLES, skip=skip) == dump(other_warehouse, *TABLES, skip=skip)
    assert broken_promises(warehouse) == set()


def test_rules_that_go_back_bring_the_articles_back(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(warehouse)
    process(warehouse)
    skip = {"change_seq"}
    before = dump(warehouse, *TABLES, skip=skip)
    with monkeypatch.context() as patch:
        patch.setattr(pages, "address", without_section)
        process(warehouse, LATER, full_refresh=True)
    process(warehouse, LATER, full_refresh=True)
    assert dump(warehouse, *TABLES, skip=skip) == before


def test_new_rules_for_text_change_rows_in_place(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(warehouse)
    process(warehouse)
    ids = column(warehouse, final.TABLE, "article_id")
    monkeypatch.setattr(pages, "clean_text", lambda text: text.upper())
    process(warehouse, LATER, full_refresh=True)
    assert column(warehouse, final.TABLE, "article_id") == ids
    assert all(body.startswith("TEXT") for body in column(warehouse, final.TABLE, "body"))
    assert set(column(warehouse, final.TABLE, "updated_at")) == {LATER}


@pytest.mark.parametrize("stopped_in", first_quick([1, 3]))
@pytest.mark.parametrize("rules", [address, without_section, on_another_host])
def test_a_refresh_stopped_half_way_is_finished_by_a_normal_run(
    warehouse: Warehouse,
    other_warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    stopped_in: int,
    rules: object,
) -> None:
    fill(warehouse)
    process(warehouse)
    monkeypatch.setattr(pages, "address", rules)
    batches = 0
    whole = deduplicating._deduplicate_batch

    def stopping(*arguments: object) -> object:
        nonlocal batches
        batches += 1
        if batches > stopped_in:
            raise KeyboardInterrupt
        return whole(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(deduplicating, "_deduplicate_batch", stopping)
        with pytest.raises(KeyboardInterrupt):
            deduplicate(warehouse, now=LATER, full_refresh=True)
    assert batches == stopped_in + 1
    assert broken_promises(warehouse) == set()
    process(warehouse, LATER)
    fill(other_warehouse)
    process(other_warehouse, LATER)
    skip = {"change_seq"}
    assert dump(warehouse, *TABLES, skip=skip) == dump(other_warehouse, *TABLES, skip=skip)
    assert broken_promises(warehouse) == set()


def test_other_languages_are_taken_up_by_a_refresh(warehouse: Warehouse) -> None:
    store(warehouse, record("e", NOON), record("d", NOON, lang="deu"))
    process(warehouse)
    assert column(warehouse, final.TABLE, "lang") == ["eng"]
    both = TOPICS.model_copy(update={"languages": ["deu", "eng"]})
    _, report = process(warehouse, LATER, full_refresh=True, topics=both)
    assert (report.added, report.changed, report.removed) == (1, 0, 0)
    assert column(warehouse, final.TABLE, "lang") == ["deu", "eng"]
    assert column(warehouse, final.REJECTED, "article_id") == []
    german = TOPICS.model_copy(update={"languages": ["deu"]})
    _, report = process(warehouse, LATER, full_refresh=True, topics=german)
    assert (report.added, report.changed, report.removed) == (0, 0, 1)
    assert column(warehouse, final.REJECTED, "detail") == ["eng, accepted: deu"]
    assert broken_promises(warehouse) == set()


def test_the_report_of_a_refresh_that_changes_nothing_says_so(warehouse: Warehouse) -> None:
    fill(warehouse)
    process(warehouse)
    deduplicated, curated = process(warehouse, LATER, full_refresh=True)
    assert deduplicated.records == 20
    assert (
        deduplicated.articles_added,
        deduplicated.articles_changed,
        deduplicated.articles_removed,
    ) == (0, 0, 0)
    assert curated.articles == 12
    assert (curated.added, curated.changed, curated.removed) == (0, 0, 0)
