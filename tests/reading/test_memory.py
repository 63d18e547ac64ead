"""What is read from memory is what a transaction would read, whatever is written meanwhile."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.errors import WarehouseAwayError
from newsapi_dentsu.reading import stories
from newsapi_dentsu.reading.hits import Place
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.memory import Memory, Now, OtherRevisionError, size_of
from newsapi_dentsu.reading.remembering import RememberingLibrary
from newsapi_dentsu.reading.search import parse_search
from newsapi_dentsu.reading.states import (
    ARTICLES,
    ArticleFilter,
    articles_count,
    articles_page,
    current_state,
)
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, Session
from support.articles import body, record
from support.clock import NOON
from support.parts import first_quick
from support.processing import process, store
from support.searching import published

HOUR = timedelta(hours=1)
DAY = NOON.date()
FILTERS = (
    ArticleFilter(),
    ArticleFilter(until=DAY - timedelta(days=1)),
    ArticleFilter(lang="eng", source="site1"),
    ArticleFilter(topic="AI"),
    ArticleFilter(search=parse_search("since:2026-11-19")),
)


class Doors:
    """Counts the transactions that a library opens; something may happen before the next one."""

    def __init__(self, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = 0
        self.before: Callable[[], object] = int
        usual = library.session

        @contextmanager
        def session() -> Iterator[Session]:
            before, self.before = self.before, int
            before()
            self.opened += 1
            with usual() as session:
                yield session

        monkeypatch.setattr(library, "session", session)


def told(library: Library) -> Now:
    return library.now_at_hand() or library.now()


def run(warehouse: Warehouse, folder: Path, turn: int, chance: random.Random) -> Library:
    """Some articles come, others get another text, one may become a copy."""
    now = NOON + turn * timedelta(minutes=10)
    old = chance.randrange(40)
    store(
        warehouse,
        *(
            record(
                f"{turn}-{n}",
                now - timedelta(hours=chance.randrange(60)),
                source={"uri": f"site{n % 3}.example", "title": f"Site {n % 3}"},
            )
            for n in range(8)
        ),
        record(f"0-{old % 8}", NOON - 3 * HOUR, title="Told anew", body=body(f"anew {turn}")),
        now=now,
    )
    process(warehouse, now=now)
    return published(warehouse, folder)


def page_of(
    state: int, wanted: ArticleFilter, after: Place | None, rows: int
) -> Callable[[Session], list[Row]]:
    return lambda session: articles_page(session, ARTICLES, state, wanted, after=after, rows=rows)


def count_of(state: int, wanted: ArticleFilter) -> Callable[[Session], int]:
    return lambda session: articles_count(session, ARTICLES, state, wanted)


def rows_of(sql: str, text: str) -> Callable[[Session], list[Row]]:
    return lambda session: session.rows(sql, text)


@pytest.mark.parametrize("most_bytes", first_quick([60_000, 10_000_000]))
def test_pages_counts_and_stories_are_those_of_a_transaction(
    warehouse: Warehouse, tmp_path: Path, most_bytes: int
) -> None:
    chance, memory = random.Random(most_bytes), Memory(most_bytes)
    walks: list[tuple[int, ArticleFilter, list[Row], list[Row]]] = []
    plain = run(warehouse, tmp_path, 0, chance)
    library = RememberingLibrary(plain, memory)

    def same(work: Callable[[Session], Any]) -> Any:
        with plain.session() as session:
            expected = work(session)
        for _ in range(2):
            assert library.read(work, library.now()) == expected
        return expected

    for turn in range(1, 5):
        state = same(current_state)
        for wanted in FILTERS:
            whole = same(page_of(state, wanted, None, 100))
            assert same(count_of(state, wanted)) == len(whole)
            walks.append((state, wanted, whole, []))
        for state, wanted, whole, seen in walks:
            after = ARTICLES.place(seen[-1]) if seen else None
            rows = chance.choice((1, 3, 7))
            seen += same(page_of(state, wanted, after, rows))
            assert [row[0] for row in seen] == [row[0] for row in whole[: len(seen)]]
        same(
            lambda s: stories.most_carried(
                s, stories.StoryFilter(DAY - timedelta(days=3), DAY), after=None, rows=5
            )
        )
        same(lambda s: [one.place for one in index_of(s).newest(parse_search("anew"), rows=9)])
        assert memory.bytes <= most_bytes
        assert memory.bytes == sum(size for _, size in memory._all.values())
        run(warehouse, tmp_path, turn, chance)
    plain.close()


def test_what_was_read_opens_no_transaction_until_something_changes(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(2)
    plain = run(warehouse, tmp_path, 0, chance)
    library, doors = RememberingLibrary(plain), Doors(plain, monkeypatch)
    work = page_of(8, ArticleFilter(), None, 3)

    known = told(library)
    with pytest.raises(OtherRevisionError):
        library.read_from_memory(work, known)
    first = library.read(work, known)
    opened = doors.opened
    for _ in range(3):
        assert library.read(work, told(library)) == first
        assert library.read_from_memory(work, known) == first
    assert doors.opened == opened
    run(warehouse, tmp_path, 1, chance)
    assert told(library) != known
    library.read(work, told(library))
    assert doors.opened > opened
    plain.close()


def test_work_that_a_run_comes_into_begins_again_with_what_is_there_then(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(3)
    plain = run(warehouse, tmp_path, 0, chance)
    library, doors = RememberingLibrary(plain), Doors(plain, monkeypatch)
    former = library.read(current_state, told(library))
    known = told(library)
    doors.before = lambda: run(warehouse, tmp_path, 1, chance)

    def work(session: Session) -> tuple[int, int]:
        state = current_state(session)
        return state, articles_count(session, ARTICLES, state, ArticleFilter())

    found = library.read(work, known)
    with plain.session() as session:
        assert found == work(session)
    assert found[0] > former
    plain.close()


def test_a_database_that_goes_away_for_a_moment_is_asked_again(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(warehouse, tmp_path, 0, random.Random(4))
    library, doors = RememberingLibrary(plain), Doors(plain, monkeypatch)
    known = told(library)

    def away() -> None:
        raise WarehouseAwayError("away")

    doors.before = away
    assert len(library.read(page_of(8, ArticleFilter(), None, 3), known)) == 3
    plain.close()


def test_nothing_is_kept_where_no_revision_names_it(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(warehouse, tmp_path, 0, random.Random(5))
    memory = Memory()
    library = RememberingLibrary(plain, memory)
    monkeypatch.setattr(plain, "now_of", lambda _: Now(None))
    for _ in range(2):
        assert library.read(current_state, Now(None)) > 0
    assert memory.bytes == 0
    plain.close()


def test_long_questions_count_like_long_answers(warehouse: Warehouse, tmp_path: Path) -> None:
    plain = run(warehouse, tmp_path, 0, random.Random(6))
    memory = Memory(50_000)
    library = RememberingLibrary(plain, memory)
    known = told(library)
    for number in range(30):
        text = f"{number}" + "x" * 5_000
        assert library.read(rows_of("SELECT CAST($1 AS text)", text), known) == [(text,)]
        library.read(rows_of("SELECT 1 WHERE CAST($1 AS text) = ''", text), known)
    assert 2 <= len(memory._all) <= 10
    plain.close()


@pytest.mark.parametrize("text", ["plain", "schön", "новости", "新聞", "news 📰", b"vector"])
def test_values_of_any_script_and_bytes_count_as_much_as_they_take(text: str | bytes) -> None:
    value = text * 1_000
    taken = sys.getsizeof(value)
    for row in ((value,), ([value],), ("x", None, (value, 1))):
        assert taken <= size_of([row]) <= taken + 500
