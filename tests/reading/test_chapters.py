"""An index of many articles is made chapter by chapter, and tells how far it goes."""

import errno
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import tantivy

from newsapi_dentsu.reading import chapters as of_chapters
from newsapi_dentsu.reading import making
from newsapi_dentsu.reading.chapters import LINK, Chapter, read_stamp
from newsapi_dentsu.reading.copy import ARTICLES, publish
from newsapi_dentsu.reading.hits import NoIndexError, Reach
from newsapi_dentsu.reading.index import publish_search
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final
from support.articles import body, record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store
from support.searching import MODEL, published, searching

from .test_index import ALL, assert_complete, cut_a_file_off

DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reading"


@pytest.fixture(autouse=True)
def few_a_chapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_AT_ONCE", 2 * making._AT_ONCE // making._CHAPTER)
    monkeypatch.setattr(making, "_CHAPTER", 2)


@pytest.fixture
def warehouse(duckdb_databases: DuckDBDatabases) -> Iterator[Warehouse]:
    warehouse = duckdb_databases.create().open()
    store(warehouse, *(record(f"{n:05}", NOON - n * DAY) for n in range(7)))
    process(warehouse)
    yield warehouse
    warehouse.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chapters that are opened to be brought up."""
    names: list[str] = []
    bring_up = making._Making._changed_chapter

    def noted(self: Any, part: Path, chapter: Chapter, *rest: Any, **named: Any) -> Any:
        names.append(chapter.name)
        return bring_up(self, part, chapter, *rest, **named)

    monkeypatch.setattr(making._Making, "_changed_chapter", noted)
    return names


def former_articles(folder: Path) -> int:
    """How many articles are in the index as they were before."""
    found = 0
    for name in chapters(folder):
        index = tantivy.Index.open(str(folder / LINK / name))
        former = tantivy.Query.term_query(index.schema, "past", 1)
        found += of_chapters.count_of(index.searcher(), former)
    return found


def brought(warehouse: Warehouse, folder: Path, seconds: float | None = 0) -> Reach:
    publish(warehouse, folder)
    reach = publish_search(warehouse, folder, MODEL, seconds=seconds)
    assert reach is not None
    assert_complete(CopyLibrary(folder))
    return reach


def chapters(folder: Path) -> list[str]:
    stamp = read_stamp(folder / LINK)
    assert stamp is not None
    return [chapter.name for chapter in stamp.chapters]


def later(warehouse: Warehouse, *ages: int, turn: int = 1) -> None:
    """A run with articles of these ages in days, and a new text of one that is stored."""
    now = NOON + timedelta(minutes=turn)
    store(
        warehouse,
        *(record(f"{turn}-{n}", NOON - age * DAY) for n, age in enumerate(ages)),
        record("00002", NOON - 2 * DAY, body=body(f"text {turn}")),
        now=now,
    )
    process(warehouse, now=now)


def test_each_run_goes_back_by_a_chapter_and_tells_how_far(
    warehouse: Warehouse, folder: Path
) -> None:
    assert brought(warehouse, folder) == Reach(7, NOON - DAY, 5)
    with searching(CopyLibrary(folder)) as index:
        assert (index.count(ALL), index.since) == (2, NOON - DAY)
    assert brought(warehouse, folder) == Reach(7, NOON - 3 * DAY, 3)
    assert brought(warehouse, folder) == Reach(7, NOON - 5 * DAY, 1)
    assert brought(warehouse, folder) == Reach(7, None, 0)
    with searching(CopyLibrary(folder)) as index:
        assert (index.count(ALL), index.since) == (7, None)


def test_runs_that_store_meanwhile_are_searched_as_far_as_it_goes(
    warehouse: Warehouse, folder: Path
) -> None:
    brought(warehouse, folder)
    for turn in range(1, 5):
        later(warehouse, 0, 1, 20 + turn, turn=turn)
        brought(warehouse, folder)
    assert brought(warehouse, folder, None).missing == 0


def test_chapters_are_kept_where_nothing_changed(warehouse: Warehouse, folder: Path) -> None:
    brought(warehouse, folder, None)
    before = chapters(folder)
    later(warehouse, 0)
    brought(warehouse, folder)

    assert chapters(folder) == before


def test_only_chapters_that_may_have_what_changed_are_opened(
    warehouse: Warehouse, folder: Path, opened: list[str]
) -> None:
    brought(warehouse, folder, None)
    first, second, *_ = chapters(folder)
    opened.clear()
    later(warehouse, 0)
    brought(warehouse, folder)

    assert opened == [first, second]


def test_an_article_that_moves_leaves_the_chapter_where_it_was(
    warehouse: Warehouse, folder: Path, opened: list[str]
) -> None:
    brought(warehouse, folder, None)
    former, *_, last = chapters(folder)
    opened.clear()
    now = NOON + timedelta(minutes=1)
    store(warehouse, record("00000", NOON - 9 * DAY, title="Moved"), now=now)
    process(warehouse, now=now)
    brought(warehouse, folder, None)

    assert {former, last} == set(opened)
    with searching(CopyLibrary(folder)) as index:
        assert index.count(ALL) == 7


def test_former_articles_leave_chapters_in_which_nothing_changes(
    warehouse: Warehouse, folder: Path, opened: list[str]
) -> None:
    brought(warehouse, folder, None)
    later(warehouse, 0)
    brought(warehouse, folder, None)
    assert former_articles(folder) == 1
    much_later = NOON + final.PAST_KEPT + timedelta(hours=1)
    store(warehouse, record("new", NOON), now=much_later)
    process(warehouse, now=much_later)
    opened.clear()
    brought(warehouse, folder, None)

    assert former_articles(folder) == 0
    assert opened == chapters(folder)[:2]


def test_a_chapter_that_has_grown_is_parted(warehouse: Warehouse, folder: Path) -> None:
    brought(warehouse, folder, None)
    before = chapters(folder)
    later(warehouse, 0, 0, 1)
    brought(warehouse, folder)

    assert len(chapters(folder)) > len(before)
    assert chapters(folder)[-3:] == before[-3:]


def test_of_many_articles_at_once_the_newest_are_searched_first(
    warehouse: Warehouse, folder: Path
) -> None:
    brought(warehouse, folder, None)
    later(warehouse, *range(30, 60))
    reach = brought(warehouse, folder)

    assert reach.since is not None
    assert 0 < reach.missing < 32
    assert brought(warehouse, folder, None).missing == 0


def test_a_chapter_that_cant_be_read_is_made_again_and_no_other(
    warehouse: Warehouse, folder: Path
) -> None:
    brought(warehouse, folder, None)
    before = chapters(folder)
    cut_a_file_off(folder)
    brought(warehouse, folder)

    assert len(set(chapters(folder)) & set(before)) == len(before) - 1


def test_what_a_reader_cant_read_is_told_and_made_again(warehouse: Warehouse, folder: Path) -> None:
    brought(warehouse, folder, None)
    spoiled = chapters(folder)[1]
    path = folder / LINK / spoiled / "meta.json"
    times = path.stat()
    path.write_bytes(b"?" * times.st_size)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    with (
        pytest.raises(NoIndexError, match=r"can't be read .* mends it"),
        searching(CopyLibrary(folder)),
    ):
        pass
    brought(warehouse, folder)
    assert spoiled not in chapters(folder)


def test_what_belongs_to_another_user_is_made_again_or_left(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(warehouse, folder, None)
    theirs = chapters(folder)[1]
    former = [folder / ".search-1-1", folder / ".articles-1-1"]
    for path in former:
        path.mkdir()
        os.utime(path, (0, 0))
    is_allowed = os.access

    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(
        os, "access", lambda path, mode: theirs not in str(path) and is_allowed(path, mode)
    )
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refused)
        later(warehouse, 0)
        publish(warehouse, folder)
        publish_search(warehouse, folder, MODEL)

    assert theirs not in chapters(folder)
    assert all(path.exists() for path in former)


def test_a_chapter_that_no_reader_has_read_is_made_again_where_it_cant_be_opened(
    warehouse: Warehouse, folder: Path
) -> None:
    brought(warehouse, folder, None)
    spoiled = chapters(folder)[0]
    path = next((folder / LINK / spoiled).glob("*.store"))
    times = path.stat()
    path.write_bytes(bytes(times.st_size))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    (folder / ".search-damaged").mkdir()
    later(warehouse, 0)

    brought(warehouse, folder, None)
    assert spoiled not in chapters(folder)


def test_killed_it_goes_on_at_the_next_chapter(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(warehouse, folder)
    real = making._Making._made_chapter
    made: list[int] = []

    def killed(*arguments: object) -> object:
        made.append(1)
        if len(made) > 2:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(making._Making, "_made_chapter", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_search(warehouse, folder, MODEL)
    before = chapters(folder)
    assert len(before) == 2
    brought(warehouse, folder, None)

    assert chapters(folder)[:2] == before


def test_chapters_of_another_form_are_made_anew(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(of_chapters, "_FORM", 1)
        brought(warehouse, folder, seconds=None)
    former = chapters(folder)
    with (
        pytest.raises(NoIndexError, match="another version"),
        searching(CopyLibrary(folder)),
    ):
        pass
    assert brought(warehouse, folder, seconds=None).missing == 0
    assert not set(former) & set(chapters(folder))


def test_what_is_current_stays_however_old_it_is_and_however_its_folder_is_named(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("reading")
    published(warehouse, folder).close()
    current = [(folder / link).resolve() for link in (LINK, ARTICLES)]
    for path in current:
        os.utime(path, (0, 0))
    published(warehouse, folder).close()
    assert [(folder / link).resolve() for link in (LINK, ARTICLES)] == current
    assert all(path.is_dir() for path in current)
