"""The reader's copy: brought up after each run, whoever reads it."""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any

import duckdb
import pytest

from newsapi_dentsu.errors import StorageError, WarehouseError
from newsapi_dentsu.reading import copy
from newsapi_dentsu.reading.copy import Published, publish
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.reading.states import PAGE_ROWS
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema.views import views
from newsapi_dentsu.warehouse.tables import tone
from support.articles import body, record
from support.clock import NOON
from support.databases import DuckDBDatabase, DuckDBDatabases
from support.file_systems import refuse
from support.parts import first_quick
from support.processes import event, finish, process, read_copy
from support.processing import process as process_records
from support.processing import store
from support.tables import execute
from support.tones import tell

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def pattern(duckdb_databases: DuckDBDatabases) -> DuckDBDatabase:
    """Five articles of five days, and a copy of one."""
    database = duckdb_databases.create()
    warehouse = database.open()
    store(warehouse, *(record(f"{n:05}", NOON - n * DAY) for n in range(5)))
    other = {"uri": "other.example", "title": "Other"}
    store(
        warehouse,
        record("copied", NOON - DAY + timedelta(hours=1), body=body("00001"), source=other),
    )
    process_records(warehouse)
    return database


@pytest.fixture
def database(duckdb_databases: DuckDBDatabases, pattern: DuckDBDatabase) -> DuckDBDatabase:
    """The articles in a file of the test's own."""
    return duckdb_databases.copy(pattern)


@pytest.fixture
def warehouse(database: DuckDBDatabase) -> Warehouse:
    return database.open(wait=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reading"


def ask(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with opened(folder) as reader:
        return reader.execute(sql).fetchall()


@contextmanager
def opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / copy.FILE), read_only=True) as reader:
        reader.execute("SET TimeZone = 'UTC'")
        yield reader


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
    process_records(warehouse, now=now)


def killed_between_names(folder: Path, step: int) -> None:
    """Leave the files as a publisher does that is killed after a step of changing their names."""
    working, published = folder / ".working.duckdb", folder / copy.FILE
    os.link(published, folder / ".former.duckdb")
    if step > 1:
        working.replace(published)


def assert_the_same(warehouse: Warehouse, folder: Path) -> None:
    """Every view has the same rows in the copy, and the files of days have those of articles."""
    with warehouse.snapshot() as session, opened(folder) as reader:
        for view in views("DuckDB"):
            columns = ", ".join(
                name
                for (name,) in session.rows(
                    "SELECT column_name FROM information_schema.columns "
                    "WHERE table_schema || '.' || table_name = $1 ORDER BY 1",
                    view,
                )
            )
            question = f"SELECT {columns} FROM {view} ORDER BY ALL"
            assert reader.execute(question).fetchall() == session.rows(question), view
        files = folder / copy.ARTICLES / "*.parquet"
        assert (
            reader.execute(f"SELECT * FROM '{files}' ORDER BY article_id").fetchall()
            == reader.execute("SELECT * FROM final.articles ORDER BY article_id").fetchall()
        )


@pytest.mark.parametrize(
    "table", ["articles", "articles_past", "article_concepts", "article_targets_past"]
)
def test_only_what_has_changed_is_joined(table: str) -> None:
    query = copy._query_among(table, "WHERE article_id IN (SELECT article_id FROM changed)")
    for whole in ("filtered_news AS", "past_articles AS", "assessments AS", "article_tone AS"):
        assert whole not in query
    assert query.count("FROM changed)) AS ") == (3 if table in ("articles", "articles_past") else 1)


def test_where_little_memory_is_not_enough_more_is_taken(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = (body(f"{n}") * 40 for n in range(300))
    store(warehouse, *(record(f"long-{n}", NOON, body=text) for n, text in enumerate(texts)))
    process_records(warehouse)
    monkeypatch.setattr(copy, "_MEMORY_FEW", "2MB")
    failed: list[Exception] = []

    class Noted(copy._LittleMemoryError):
        def __init__(self, *told: object) -> None:
            failed.append(self)

    monkeypatch.setattr(copy, "_LittleMemoryError", Noted)
    assert publish(warehouse, folder).changed == 306
    assert failed
    ((articles,),) = ask(folder, "SELECT count(*) FROM final.articles")
    assert articles == 305


def test_where_memory_was_too_little_the_file_is_gone_on_with(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(warehouse, folder)
    texts = (body(f"{n}") * 40 for n in range(300))
    store(warehouse, *(record(f"long-{n}", NOON, body=text) for n, text in enumerate(texts)))
    process_records(warehouse)
    monkeypatch.setattr(copy, "_MEMORY_FEW", "2MB")
    tried = []
    bring = copy._bring

    def noted(*arguments: Any, **options: Any) -> tuple[int, int, bool]:
        tried.append(options)
        return bring(*arguments, **options)

    def copied(*_: Path) -> None:
        raise AssertionError("a whole file is copied")

    monkeypatch.setattr(copy, "_bring", noted)
    monkeypatch.setattr(copy, "_copy_file", copied)
    assert publish(warehouse, folder).changed == 300
    assert [options["generous"] for options in tried] == [False, True]
    assert_the_same(warehouse, folder)


def test_the_copy_is_what_the_views_are_after_every_run(warehouse: Warehouse, folder: Path) -> None:
    first = publish(warehouse, folder)
    assert first.anew
    assert_the_same(warehouse, folder)
    for number in range(1, 5):
        turn(warehouse, number)
        tell(warehouse, f"Moved {number}", of={"Nova": "positive"})
        assert not publish(warehouse, folder).anew
        assert_the_same(warehouse, folder)
    assert ask(folder, "SELECT count(*) FROM final.article_targets_past") == [(1,)]


def test_lists_and_times_are_real_in_parquet(warehouse: Warehouse, folder: Path) -> None:
    publish(warehouse, folder)
    kinds = {
        name: kind
        for name, kind, *_ in ask(
            folder, f"DESCRIBE SELECT * FROM '{folder / copy.ARTICLES / '*.parquet'}'"
        )
    }

    assert kinds["concepts"] == kinds["authors"] == "VARCHAR[]"
    assert kinds["published_at"] == "TIMESTAMP WITH TIME ZONE"
    names = sorted(path.name for path in (folder / copy.ARTICLES).glob("*.parquet"))
    assert names == [f"{NOON - n * DAY:%Y-%m-%d}.parquet" for n in range(4, -1, -1)]


def test_what_did_not_change_is_not_written_again(warehouse: Warehouse, folder: Path) -> None:
    publish(warehouse, folder)
    before = {path.name: path.stat().st_ino for path in (folder / copy.ARTICLES).glob("*.parquet")}
    published = (folder / copy.FILE).stat()

    again = publish(warehouse, folder)
    assert again.changed == 0
    assert (folder / copy.FILE).stat().st_ino == published.st_ino

    store(warehouse, record("late", NOON - 2 * DAY), now=NOON + DAY)
    process_records(warehouse, now=NOON + DAY)
    assert publish(warehouse, folder).changed == 1
    after = {path.name: path.stat().st_ino for path in (folder / copy.ARTICLES).glob("*.parquet")}
    assert [name for name in before if before[name] != after[name]] == [
        f"{NOON - 2 * DAY:%Y-%m-%d}.parquet"
    ]


def test_who_has_a_copy_open_goes_on_with_it(warehouse: Warehouse, folder: Path) -> None:
    publish(warehouse, folder)
    files = [os.path.realpath(folder / copy.ARTICLES)]
    with duckdb.connect(str(folder / copy.FILE), read_only=True) as reader:
        before = reader.execute("SELECT title FROM final.articles ORDER BY 1").fetchall()
        for number in range(1, 4):
            turn(warehouse, number)
            publish(warehouse, folder)
            seen = reader.execute("SELECT title FROM final.articles ORDER BY 1").fetchall()
            assert seen == before
        assert reader.execute(f"SELECT count(*) FROM '{files[0]}/*.parquet'").fetchall() == [(5,)]
    assert ask(folder, "SELECT title FROM final.articles ORDER BY 1") != before


def hold_open(warehouse: Warehouse, folder: Path, readers: int, runs: int) -> None:
    """Readers that hold the copy open and open it anew while runs go on."""
    publish(warehouse, folder)
    ready, done = event(), event()
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                process(read_copy, folder / copy.FILE, ready, done, max(0.5, readers / 20))
            )
            for _ in range(readers)
        ]
        assert ready.wait(120)
        took = []
        for number in range(1, runs + 1):
            turn(warehouse, number)
            began = time.monotonic()
            publish(warehouse, folder)
            took.append(time.monotonic() - began)
        done.set()
        for child in children:
            finish(child, 120)
    assert max(took) < 30
    assert_the_same(warehouse, folder)


def test_readers_and_runs_do_not_keep_each_other_out(warehouse: Warehouse, folder: Path) -> None:
    hold_open(warehouse, folder, readers=4, runs=2)


@pytest.mark.slow
def test_a_hundred_readers_and_ten_runs(warehouse: Warehouse, folder: Path) -> None:
    hold_open(warehouse, folder, readers=100, runs=10)


KILLED = 9
STEPS = (
    *(("_publish_days", "after"), ("_publish_file", "after"), ("_publish_file", "before")),
    *(("_take_changed", "before"), ("_take_changed", "after"), ("_write_day", "after")),
)


def publish_killed(database: DuckDBDatabase, folder: Path, step: str, moment: str) -> None:
    """Publish in a process that ends at once, before or after a step."""
    with process(publish_and_die, database, folder, step, moment) as child:
        child.join(60)
        assert child.exitcode == KILLED


def publish_and_die(database: DuckDBDatabase, folder: Path, step: str, moment: str) -> None:
    real: Callable[..., Any] = getattr(copy, step)

    def killed(*arguments: Any, **named: Any) -> None:
        if moment == "after":
            real(*arguments, **named)
        os._exit(KILLED)

    setattr(copy, step, killed)
    publish(database.open(wait=30), folder)


@pytest.mark.parametrize(("step", "moment"), first_quick(STEPS))
def test_killed_anywhere_the_next_run_completes_it(
    database: DuckDBDatabase, warehouse: Warehouse, folder: Path, step: str, moment: str
) -> None:
    publish(warehouse, folder)
    old = ask(folder, "SELECT change_seq FROM final.reading_state")
    turn(warehouse, 1)
    publish_killed(database, folder, step, moment)
    if (step, moment) != ("_publish_file", "after"):
        assert ask(folder, "SELECT change_seq FROM final.reading_state") == old

    publish(warehouse, folder)

    assert_the_same(warehouse, folder)
    assert not list(folder.glob("*.part"))
    turn(warehouse, 2)
    publish(warehouse, folder)
    assert_the_same(warehouse, folder)


@pytest.mark.parametrize(("step", "moment"), first_quick(STEPS))
def test_killed_the_first_time_there_is_a_whole_copy_or_none(
    database: DuckDBDatabase, warehouse: Warehouse, folder: Path, step: str, moment: str
) -> None:
    publish_killed(database, folder, step, moment)
    if (step, moment) == ("_publish_file", "after"):
        assert_the_same(warehouse, folder)
    else:
        assert not (folder / copy.FILE).exists()
        with (
            pytest.raises(WarehouseError, match="doesn't exist yet"),
            CopyLibrary(folder).session(),
        ):
            pass

    turn(warehouse, 1)
    publish(warehouse, folder)

    assert_the_same(warehouse, folder)
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("step", first_quick([2, 1]))
def test_killed_while_the_files_change_names_the_next_run_completes_it(
    warehouse: Warehouse, folder: Path, step: int
) -> None:
    publish(warehouse, folder)
    turn(warehouse, 1)
    publish(warehouse, folder)
    killed_between_names(folder, step)
    for number in (2, 3):
        turn(warehouse, number)
        assert not publish(warehouse, folder).anew
        assert_the_same(warehouse, folder)
        assert not (folder / ".former.duckdb").exists()


def open_elsewhere(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(copy, "_is_open", lambda _: True)


def lost(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / ".working.duckdb").unlink()


@pytest.mark.parametrize("become", first_quick([open_elsewhere, lost]))
def test_what_was_logged_for_a_file_that_is_not_gone_on_with_is_forgotten(
    duckdb_databases: DuckDBDatabases,
    folder: Path,
    become: Callable[[Path, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = duckdb_databases.create()
    warehouse = database.open(wait=60)
    store(warehouse, *(record(f"{n:05}", NOON - n * DAY) for n in range(5)))
    process_records(warehouse)
    publish(warehouse, folder)
    for number in (1, 2):
        turn(warehouse, number)
        if number == 1:
            publish(warehouse, folder)
    publish_killed(database, folder, "_publish_days", "before")
    assert (folder / ".working.duckdb.wal").exists()
    become(folder, monkeypatch)

    publish(warehouse, folder)

    assert_the_same(warehouse, folder)


def damage(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)


def drift(file: Path) -> None:
    with duckdb.connect(str(file)) as changed:
        changed.execute("DELETE FROM final.articles WHERE title = 'Story 00000'")


@pytest.mark.parametrize("harm", first_quick([drift, damage]))
@pytest.mark.parametrize(
    ("harmed", "anew"),
    first_quick(
        [
            ((".working.duckdb", copy.FILE), True),
            ((".working.duckdb",), False),
        ]
    ),
)
def test_a_file_that_is_not_what_it_should_be_is_made_again(
    warehouse: Warehouse,
    folder: Path,
    harm: Callable[[Path], None],
    harmed: tuple[str, ...],
    anew: bool,
) -> None:
    publish(warehouse, folder)
    turn(warehouse, 1)
    publish(warehouse, folder)
    for name in harmed:
        harm(folder / name)
    turn(warehouse, 2)

    assert publish(warehouse, folder).anew == anew
    assert_the_same(warehouse, folder)


def with_what_links_lead_to(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copied"))
    shutil.rmtree(folder)
    folder.with_name("copied").rename(folder)


def with_links_as_texts(folder: Path) -> None:
    link = folder / copy.ARTICLES
    leads_to = link.readlink()
    link.unlink()
    link.write_text(str(leads_to))


def without_links(folder: Path) -> None:
    (folder / copy.ARTICLES).unlink()


def without_what_links_lead_to(folder: Path) -> None:
    shutil.rmtree((folder / copy.ARTICLES).resolve())


def without_a_day(folder: Path) -> None:
    min((folder / copy.ARTICLES).glob("*.parquet")).unlink()


def killed_while_a_link_was_turned(folder: Path) -> None:
    shutil.copytree((folder / copy.ARTICLES).resolve(), folder / f"{copy.ARTICLES}.part")


@pytest.mark.parametrize(
    "moved",
    first_quick(
        [
            *(with_what_links_lead_to, without_what_links_lead_to, with_links_as_texts),
            *(without_links, without_a_day, killed_while_a_link_was_turned),
        ],
        2,
    ),
    ids=lambda moved: moved.__name__,
)
def test_a_folder_that_lost_its_links_on_the_way_is_gone_on_with(
    warehouse: Warehouse, folder: Path, moved: Callable[[Path], None]
) -> None:
    publish(warehouse, folder)
    moved(folder)
    now = NOON + DAY
    store(warehouse, record("new", now), now=now)
    process_records(warehouse, now=now)

    assert publish(warehouse, folder).changed == 1
    assert_the_same(warehouse, folder)
    assert (folder / copy.ARTICLES).is_symlink()
    assert not list(folder.glob("*.part"))


def first_day(folder: Path) -> Path:
    return min((folder / copy.ARTICLES).glob("*.parquet"))


def with_an_empty_day(folder: Path) -> None:
    first_day(folder).write_bytes(b"")


def with_a_day_cut_off(folder: Path) -> None:
    os.truncate(first_day(folder), first_day(folder).stat().st_size // 2)


def with_a_day_twice(folder: Path) -> None:
    day = first_day(folder)
    shutil.copy(day, day.with_stem(f"{day.stem} (conflicted copy)"))


def with_a_day_of_other_articles(folder: Path) -> None:
    day = first_day(folder)
    others = max((folder / copy.ARTICLES).glob("*.parquet")).read_bytes()
    day.unlink()
    day.write_bytes(others)


def with_a_folder_for_a_day(folder: Path) -> None:
    day = first_day(folder)
    day.unlink()
    day.mkdir()


def with_a_link_to_nothing_left_in_a_folder(folder: Path) -> None:
    without_links(folder)
    (folder / copy.ARTICLES).mkdir()


def with_the_file_cut_off(folder: Path) -> None:
    os.truncate(folder / copy.FILE, (folder / copy.FILE).stat().st_size - 300_000)


def with_a_folder_for_the_file(folder: Path) -> None:
    (folder / copy.FILE).unlink()
    (folder / copy.FILE).mkdir()


def with_a_file_for_the_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in the way")


@pytest.mark.parametrize(
    "harm",
    first_quick(
        [
            *(with_a_day_cut_off, with_the_file_cut_off, with_a_file_for_the_folder),
            *(without_a_day, with_an_empty_day, with_a_day_twice, with_a_day_of_other_articles),
            *(with_a_folder_for_a_day, with_a_link_to_nothing_left_in_a_folder, without_links),
            *(with_a_folder_for_the_file, with_what_links_lead_to),
        ],
        3,
    ),
    ids=lambda harm: harm.__name__,
)
def test_what_is_not_whole_is_mended_though_nothing_has_changed(
    warehouse: Warehouse, folder: Path, harm: Callable[[Path], None]
) -> None:
    publish(warehouse, folder)
    harm(folder)
    publish(warehouse, folder)

    assert_the_same(warehouse, folder)


def test_a_file_that_gave_free_room_back_is_gone_on_with(
    warehouse: Warehouse, folder: Path
) -> None:
    publish(warehouse, folder)
    gave_back = []
    for number in range(8):
        store(warehouse, record(f"more-{number}", NOON))
        process_records(warehouse)
        assert not publish(warehouse, folder).anew
        with opened(folder) as reader:
            told = "SELECT block_size * total_blocks FROM pragma_database_size()"
            ((blocks,),) = reader.execute(told).fetchall()
        gave_back.append((folder / copy.FILE).stat().st_size < blocks)
    # The last two have not had their turn again.
    assert any(gave_back[:-2])


def test_a_file_cut_short_is_mended_where_as_much_room_is_free_before(
    warehouse: Warehouse, folder: Path
) -> None:
    letters = Random(1).choices(ascii_lowercase, k=1_500_000)
    texts = [f"{body(str(n))} {''.join(letters[n::10])}" for n in range(10)]
    for number in range(3):
        texts[0] = f"{body('0')} {number}"
        store(warehouse, *(record(f"long-{n}", NOON, body=text) for n, text in enumerate(texts)))
        process_records(warehouse)
        publish(warehouse, folder)
    with opened(folder) as reader:
        told = "SELECT used_blocks, free_blocks FROM pragma_database_size()"
        ((used, free),) = reader.execute(told).fetchall()
    assert free >= used / 2
    file = folder / copy.FILE
    os.truncate(file, file.stat().st_size - 1)
    publish(warehouse, folder)

    assert_the_same(warehouse, folder)


def test_what_stands_where_files_come_and_go_is_removed(warehouse: Warehouse, folder: Path) -> None:
    publish(warehouse, folder)
    (folder / ".working.duckdb").unlink()
    for name in (".working.duckdb", ".former.duckdb", ".news.duckdb.part", "articles.part"):
        (folder / name).mkdir()
    (folder / ".articles-1-1").symlink_to("lost")
    (folder / ".articles-1-2").write_text("a link, as a text")
    os.utime(folder / ".articles-1-2", (0, 0))
    turn(warehouse, 1)

    publish(warehouse, folder)

    assert_the_same(warehouse, folder)
    assert not (folder / ".articles-1-2").exists()


@pytest.mark.parametrize(
    "without", first_quick([["symlink", "link"], ["symlink"], ["link"]]), ids=" and ".join
)
def test_where_there_are_no_links_the_copy_is_the_same(
    warehouse: Warehouse, folder: Path, without: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(warehouse, folder)
    refuse(monkeypatch, *without)
    for number in range(3):
        turn(warehouse, number)
        publish(warehouse, folder)
        assert_the_same(warehouse, folder)
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("number", [errno.EXDEV, None], ids=["refused", "nothing copied"])
def test_where_the_file_system_does_not_copy_it_is_copied(
    warehouse: Warehouse, folder: Path, number: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        if number is None:
            return 0
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "copy_file_range", refused)

    publish(warehouse, folder)

    assert_the_same(warehouse, folder)


def test_files_of_days_are_read_again_only_where_they_were_altered(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(warehouse, folder)
    read: list[Path] = []
    held = copy._held

    def noted(connection: Any, paths: list[Path]) -> Any:
        read.extend(paths)
        return held(connection, paths)

    monkeypatch.setattr(copy, "_held", noted)
    publish(warehouse, folder)
    assert read == []

    altered = min((folder / copy.ARTICLES).glob("*.parquet"))
    os.utime(altered, (0, 0))
    publish(warehouse, folder)
    assert read == [altered]


def test_articles_that_move_from_day_to_day_stand_in_one_file(
    warehouse: Warehouse, folder: Path
) -> None:
    publish(warehouse, folder)
    for number in range(1, 4):
        now = NOON + timedelta(hours=number)
        moved = record("00001", NOON - number * DAY, title=f"Moved {number}")
        store(warehouse, moved, now=now)
        process_records(warehouse, now=now)
        publish(warehouse, folder)
        assert_the_same(warehouse, folder)


def test_a_database_that_was_replaced_is_copied_anew(
    warehouse: Warehouse, folder: Path, duckdb_databases: DuckDBDatabases
) -> None:
    publish(warehouse, folder)
    other = duckdb_databases.create().open()
    store(other, record("alone", NOON - 9 * DAY))
    process_records(other)

    assert publish(other, folder).anew
    assert_the_same(other, folder)


@pytest.mark.parametrize("more", first_quick([0, 2]), ids=["as many", "more"])
def test_a_database_set_back_that_gave_the_same_numbers_to_others_is_copied_anew(
    database: DuckDBDatabase, folder: Path, more: int
) -> None:
    before = database.path.with_name("before")
    shutil.copy(database.path, before)
    for name, count in (("lost", 2), ("other", 2 + more)):
        shutil.copy(before, database.path)
        warehouse = database.open(wait=60)
        now = NOON + DAY
        store(warehouse, *(record(f"{name}-{n}", now) for n in range(count)), now=now)
        process_records(warehouse, now=now)
        publish(warehouse, folder)

    assert_the_same(warehouse, folder)


def test_what_is_made_anew_takes_no_more_room_than_before(
    warehouse: Warehouse, folder: Path
) -> None:
    publish(warehouse, folder)
    sizes = []
    for number in range(3):
        with duckdb.connect(str(folder / copy.FILE)) as other:
            other.execute(f"ALTER TABLE final.articles ADD COLUMN former_{number} integer")
        (folder / ".working.duckdb").write_bytes((folder / copy.FILE).read_bytes())
        assert publish(warehouse, folder).anew
        sizes.append((folder / copy.FILE).stat().st_size)
    assert len(set(sizes)) == 1


def test_articles_that_change_their_role_alone_are_copied(
    warehouse: Warehouse, folder: Path
) -> None:
    publish(warehouse, folder)
    execute(
        warehouse,
        "UPDATE processed.assessments SET role = 'update', change_seq = change_seq + 100 "
        "WHERE role = 'copy'",
    )

    publish(warehouse, folder)

    assert_the_same(warehouse, folder)
    assert ask(folder, "SELECT sum(updates) FROM final.stories") == [(1,)]


def test_a_folder_that_cannot_be_written_is_told(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match=r"file/reading: .*make the folder writable"):
        publish(warehouse, tmp_path / "file" / "reading")


def test_an_empty_warehouse_makes_an_empty_copy(
    duckdb_databases: DuckDBDatabases, folder: Path
) -> None:
    empty = duckdb_databases.create().open()

    done = publish(empty, folder)
    assert done == Published(state=0, changed=0, anew=True, seconds=done.seconds)
    assert ask(folder, "SELECT count(*) FROM final.articles") == [(0,)]


def test_a_page_reads_whole_texts_of_the_articles_that_it_shows(
    warehouse: Warehouse, folder: Path
) -> None:
    publish(warehouse, folder)
    with closing(CopyLibrary(folder)) as library, library.session() as session:
        plan = session.rows(
            "EXPLAIN SELECT * FROM final.articles ORDER BY published_at DESC, article_id DESC "
            f"LIMIT {PAGE_ROWS + 1}"
        )
    # Those are found first, by their places in the order.
    assert "SEMI" in str(plan)


def test_tones_are_told_anew_though_no_article_has_changed(
    warehouse: Warehouse, folder: Path
) -> None:
    publish(warehouse, folder)
    for label in ("negative", "positive"):
        with warehouse.transaction() as session:
            ((article_id,),) = session.rows("SELECT min(article_id) FROM final.filtered_news")
            bad, good = float(label == "negative"), float(label == "positive")
            article = tone.ArticleRow(article_id, label, bad, 0, good, "m@1", "b", "h", 1)
            told = tone.TargetRow(article_id, "Nova", "brand", 1, bad, 0, good, label, "m@1")
            tone.save(session, [article], [told], [])
        publish(warehouse, folder)

        assert_the_same(warehouse, folder)
        assert ask(folder, f"SELECT target, {label} FROM final.brand_sentiment_by_week") == [
            ("Nova", 1)
        ]
