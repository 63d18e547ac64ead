"""The index of searches: brought up after each run, whatever became of the run before."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.errors import ExpiredError
from newsapi_dentsu.reading import chapters, copy_index, making, server_index
from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.entries import COLUMNS, entry, matches
from newsapi_dentsu.reading.hits import NoIndexError
from newsapi_dentsu.reading.index import index_of, publish_search
from newsapi_dentsu.reading.library import CopyLibrary, Library
from newsapi_dentsu.reading.search import parse_search
from newsapi_dentsu.reading.states import ARTICLES, ArticleFilter, articles_count, articles_page
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import search, tone
from support.articles import body, record
from support.clock import NOON
from support.databases import DuckDBDatabase, DuckDBDatabases, PostgresDatabases
from support.file_systems import refuse
from support.parts import first_quick
from support.processes import process as process_of_its_own
from support.processing import process, store
from support.searching import MODEL, published, searching
from support.tables import execute

DAY = timedelta(days=1)
ALL = parse_search("story")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reading"


def begin(warehouse: Warehouse) -> None:
    store(warehouse, *(record(f"{n:05}", NOON - n * DAY) for n in range(6)))
    process(warehouse)


def turn(warehouse: Warehouse, number: int) -> None:
    """A run in which articles come, change, move to another day and leave."""
    now = NOON + timedelta(minutes=number)
    store(
        warehouse,
        record(f"new-{number}", now),
        record("00001", NOON - DAY, title=f"Turn {number}", body=body(f"text {number}")),
        record("00002", NOON - (3 + number) * DAY, title=f"Moved {number}"),
        record("00003", NOON - 3 * DAY, body=body("00004" if number % 2 else "00003")),
        now=now,
    )
    process(warehouse, now=now)


def assert_complete(library: Library) -> None:
    """Searches have the hits that they should have, as far back as the index says it goes."""
    with library.session() as session:
        index = index_of(session)
        rows = session.rows(f"SELECT {', '.join(COLUMNS)} FROM final.articles")
        made = {row[0]: entry(row) for row in rows}
        if index.since is not None:
            made = {key: one for key, one in made.items() if one.published_at >= index.since}
        for typed in ("story", "turn", "moved", '"told in story"', "-moved", "source:ad"):
            asked = parse_search(typed)
            wanted = {key for key, one in made.items() if matches(asked, one)}
            found = index.newest(asked, rows=100)
            assert {one.place.article_id for one in found} == wanted, typed
            assert [one.article_id for one in index.hits(found)] == [
                one.place.article_id for one in found
            ]
        assert index.state == session.rows("SELECT change_seq FROM final.reading_state")[0][0]


def test_it_follows_every_run(warehouse: Warehouse, folder: Path) -> None:
    begin(warehouse)
    library = published(warehouse, folder)
    assert_complete(library)
    for number in range(1, 4):
        turn(warehouse, number)
        published(warehouse, folder)
        assert_complete(library)


def test_a_state_is_searched_to_its_end_while_runs_go_on(
    warehouse: Warehouse, folder: Path
) -> None:
    begin(warehouse)
    library = published(warehouse, folder)
    with searching(library) as index:
        state = index.state
        before = [one.place.article_id for one in index.newest(ALL, rows=100)]
    turn(warehouse, 1)
    published(warehouse, folder)
    wanted = ArticleFilter(search=ALL)

    seen: list[str] = []
    after = None
    while True:
        with library.session() as session:
            page = articles_page(session, ARTICLES, state, wanted, after=after, rows=2)
            assert articles_count(session, ARTICLES, state, wanted) == len(before)
        seen += [row[0] for row in page]
        if len(page) < 2:
            break
        after = ARTICLES.place(page[-1])

    assert seen == before
    with library.session() as session, pytest.raises(ExpiredError):
        articles_page(session, ARTICLES, state + 1000, wanted, after=None, rows=2)


def test_filters_beside_a_search_narrow_it_down(warehouse: Warehouse, folder: Path) -> None:
    begin(warehouse)
    library = published(warehouse, folder)
    with library.session() as session:
        state = index_of(session).state
        for wanted, count in (
            (ArticleFilter(search=ALL, source="LEDGER"), 6),
            (ArticleFilter(search=ALL, text="00003"), 1),
            (ArticleFilter(search=ALL, topic="AI", since=(NOON - 2 * DAY).date()), 3),
            (ArticleFilter(search=ALL, lang="deu"), 0),
        ):
            page = articles_page(session, ARTICLES, state, wanted, after=None, rows=100)
            assert len(page) == articles_count(session, ARTICLES, state, wanted) == count


def test_without_an_index_the_next_run_is_named(warehouse: Warehouse, folder: Path) -> None:
    begin(warehouse)
    library = published(warehouse, folder)
    if warehouse.engine.name == "DuckDB":
        (folder / chapters.LINK).unlink()
    else:
        execute(warehouse, f"DELETE FROM {search.STATE}")

    with pytest.raises(NoIndexError, match="newsapi run"), searching(library) as index:
        index.newest(ALL, rows=1)
    assert_complete(published(warehouse, folder))


def publish_killed(database: DuckDBDatabase, folder: Path, moment: str) -> None:
    """Publish, and be killed in the middle of it."""
    real: Callable[..., Any] = getattr(making._Making, moment)

    def killed(*arguments: Any) -> None:
        if moment == "_published":
            (folder / f"{chapters.LINK}.part").symlink_to("nowhere")
        else:
            real(*arguments)
        os._exit(9)

    setattr(making._Making, moment, killed)
    publish_search(database.open(), folder, MODEL)


@pytest.mark.parametrize("moment", first_quick(["_published", "_add", "_ended"]))
def test_killed_anywhere_the_next_run_completes_it(
    duckdb_databases: DuckDBDatabases, folder: Path, moment: str
) -> None:
    database = duckdb_databases.create()
    warehouse = database.open(wait=60)
    begin(warehouse)
    library = published(warehouse, folder)
    turn(warehouse, 1)
    publish(warehouse, folder)
    warehouse.close()

    # Not forked: DuckDB and tantivy have threads, whose locks a fork would hold for ever.
    with process_of_its_own(publish_killed, database, folder, moment) as child:
        child.join(60)
        assert child.exitcode == 9
    with searching(library) as index:
        assert index.count(ALL) == 6

    assert_complete(published(warehouse, folder))
    left = [path.name for path in folder.glob(".search-*") if not (path / "stamp.json").exists()]
    assert left == []


def damage_a_file(folder: Path) -> None:
    path = max((folder / chapters.LINK).glob("*/*"), key=lambda one: one.stat().st_size)
    path.write_bytes(b"\0" * path.stat().st_size)


def cut_a_file_off(folder: Path) -> None:
    path = max((folder / chapters.LINK).glob("*/*"), key=lambda one: one.stat().st_size)
    os.truncate(path, 10)


def lose_a_file(folder: Path) -> None:
    next((folder / chapters.LINK).glob("*/*.store")).unlink()


def spoil_the_stamp(folder: Path) -> None:
    (folder / chapters.LINK / "stamp.json").write_text("{")


def claim_a_later_state(folder: Path) -> None:
    path = folder / chapters.LINK / "stamp.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"state": 999}))


def copy_the_state_for_its_link(folder: Path) -> None:
    link = folder / chapters.LINK
    state = link.resolve()
    link.unlink()
    shutil.copytree(state, link)


@pytest.mark.parametrize(
    "harm",
    first_quick(
        [
            *(damage_a_file, claim_a_later_state, lose_a_file, copy_the_state_for_its_link),
            *(cut_a_file_off, spoil_the_stamp),
        ],
        2,
    ),
    ids=lambda harm: harm.__name__,
)
def test_a_damaged_index_is_made_again(
    duckdb_databases: DuckDBDatabases, folder: Path, harm: Callable[[Path], None]
) -> None:
    warehouse = duckdb_databases.create().open()
    begin(warehouse)
    published(warehouse, folder)
    harm(folder)
    # Whatever a reader finds, it is told as what it is.
    with suppress(NoIndexError), searching(CopyLibrary(folder)) as index:
        index.hits(index.newest(ALL, rows=10))
    turn(warehouse, 1)

    assert_complete(published(warehouse, folder))


def test_an_index_of_another_database_is_made_anew(
    duckdb_databases: DuckDBDatabases, folder: Path
) -> None:
    for number in (6, 2):
        warehouse = duckdb_databases.create().open()
        store(warehouse, *(record(f"{number}{n:04}", NOON - n * DAY) for n in range(number)))
        process(warehouse)
        assert_complete(published(warehouse, folder))


@pytest.mark.parametrize("more", first_quick([0, 2]), ids=["as many", "more"])
def test_an_index_of_a_database_that_was_set_back_is_made_anew(
    duckdb_databases: DuckDBDatabases, folder: Path, more: int
) -> None:
    database = duckdb_databases.create()
    begin(database.open())
    before = database.path.with_name("before")
    shutil.copy(database.path, before)
    for name, count in (("lost", 2), ("other", 2 + more)):
        shutil.copy(before, database.path)
        warehouse = database.open()
        store(warehouse, *(record(f"{name}-{n}", NOON + DAY) for n in range(count)), now=NOON + DAY)
        process(warehouse, now=NOON + DAY)
        assert_complete(published(warehouse, folder))


def test_tones_that_a_database_set_back_has_lost_are_not_searched(
    duckdb_databases: DuckDBDatabases, folder: Path
) -> None:
    database = duckdb_databases.create()
    with closing(database.open()) as warehouse:
        begin(warehouse)
    before = database.path.with_name("before")
    shutil.copy(database.path, before)
    with closing(database.open()) as warehouse:
        with warehouse.transaction() as session:
            ((article_id,),) = session.rows("SELECT min(article_id) FROM final.filtered_news")
            told = tone.ArticleRow(article_id, "negative", 1.0, 0.0, 0.0, "m@1", "b", "h", 1)
            tone.save(session, [told], [], [])
        with searching(published(warehouse, folder)) as index:
            assert index.count(parse_search("tone:negative")) == 1
    shutil.copy(before, database.path)

    with searching(published(database.open(), folder)) as index:
        assert index.count(parse_search("tone:negative")) == 0


def test_where_there_are_no_links_readers_follow_all_the_same(
    duckdb_databases: DuckDBDatabases, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "symlink", "link")
    warehouse = duckdb_databases.create().open()
    begin(warehouse)
    library = published(warehouse, folder)
    revisions = [library.revision()]
    for number in range(1, 3):
        turn(warehouse, number)
        published(warehouse, folder)
        assert_complete(library)
        revisions.append(library.revision())
    assert len(set(revisions)) == len(revisions)


def test_readers_go_on_while_a_state_takes_the_place_of_another(
    duckdb_databases: DuckDBDatabases, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "symlink")
    warehouse = duckdb_databases.create().open()
    begin(warehouse)
    library = published(warehouse, folder)
    with searching(library) as index:
        before = index.count(ALL)
    rename = Path.rename

    def looked_at_before(path: Path, target: Path) -> Path:
        if target == folder / chapters.LINK:
            with searching(library) as index:
                assert index.count(ALL) == before
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", looked_at_before)
    turn(warehouse, 1)
    published(warehouse, folder)

    assert_complete(library)


def test_a_run_adds_to_the_files_that_are_there(
    duckdb_databases: DuckDBDatabases, folder: Path
) -> None:
    warehouse = duckdb_databases.create().open()
    begin(warehouse)
    published(warehouse, folder)
    before = {path.stat().st_ino for path in (folder / chapters.LINK).glob("*/*.store")}
    turn(warehouse, 1)
    published(warehouse, folder)

    assert before < {path.stat().st_ino for path in (folder / chapters.LINK).glob("*/*.store")}


def test_the_server_is_searched_as_before_until_all_is_taken(
    postgres_databases: PostgresDatabases, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = postgres_databases.create().open()
    begin(warehouse)
    library = published(warehouse, folder)
    turn(warehouse, 1)
    monkeypatch.setattr(server_index, "_BATCH", 2)
    real = server_index._take
    calls: list[int] = []

    def killed(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(server_index, "_take", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_search(warehouse, folder, MODEL)
    with searching(library) as index:
        assert index.count(ALL) == 6
        assert len(index.hits(index.newest(ALL, rows=100))) == 6

    assert_complete(published(warehouse, folder))
    warehouse.close()


def test_of_many_articles_the_words_are_indexed_together(
    postgres_databases: PostgresDatabases, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = postgres_databases.create().open()
    begin(warehouse)
    monkeypatch.setattr(server_index, "_MANY", 3)
    monkeypatch.setattr(server_index, "_BATCH", 2)
    real = server_index._take
    indexed: list[bool] = []

    def looked(session: Session, **named: Any) -> Any:
        indexed.append("idx_search_words" in warehouse.engine.index_names(session))
        return real(session, **named)

    monkeypatch.setattr(server_index, "_take", looked)
    library = published(warehouse, folder)

    assert indexed == [False] * 3
    assert not warehouse.is_behind()
    assert_complete(library)
    warehouse.close()


def test_other_rules_or_another_model_make_it_anew(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(warehouse)
    library = published(warehouse, folder)
    for module in (copy_index, making, server_index):
        monkeypatch.setattr(module, "RULES", 99)
    with pytest.raises(NoIndexError), searching(library) as index:
        index.newest(ALL, rows=1)
    assert_complete(published(warehouse, folder))
