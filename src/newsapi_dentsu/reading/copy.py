"""The reader's copy: what may be read, in files of their own, where DuckDB stores.

A DuckDB file that is being written keeps readers out, and one that is read keeps writers out. So
two files take turns. What has changed goes to the working file, which is one state behind, and then
the two change their names: no step grows with the table. Whoever has the former file open goes on
with it. If somebody still has it open when its turn comes again, a copy of the other takes its
place.

    reading/news.duckdb     the views of `final` as tables; any DuckDB from 1.2 on opens it
    reading/articles/       `final.articles` as Parquet, a file for each day (UTC)
    reading/.working.*      the file whose turn is next
"""

import fcntl
import json
import os
import shutil
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.reading.symlinks import clear, lead, new_state, share, sweep
from newsapi_dentsu.storage import set_aside
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.duckdb import duckdb_session
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.schema.views import stories_query, views
from newsapi_dentsu.warehouse.tables.rows import LOOKED_UP

FILE: Final = "news.duckdb"
ARTICLES: Final = "articles"

_WORKING: Final = ".working.duckdb"
_FORMER: Final = ".former.duckdb"
"""The published file, while the two change their names."""

_DAMAGED: Final = ".damaged"
_PART: Final = f".{FILE}.part"
_CHANGED_DAYS: Final = ".days.json"
"""Beside a state's Parquet files: the days in which the working file may differ from them."""

_NOTED: Final = ".files.json"
"""Beside them as well: what they hold, as long as their sizes and times stay."""

_STORAGE_VERSION: Final = "v1.2.0"
_ROW_GROUP: Final = 16_384
"""Rows that are compressed, and written again, together; whole texts of so many fit into memory."""

_FEW: Final = 30_000
_MEMORY_FEW: Final = "192MB"
"""Enough, nearly always, where at most `_FEW` articles have changed.

A hundred of it are pages of the keys' indexes, which DuckDB doesn't give back: each article that is
looked up among a million has some of its own.
"""

_MEMORY: Final = "1GB"
"""What is taken where that was too little, or more have changed."""

_HEADERS: Final = 3 * 4096
"""Bytes of a DuckDB file before its first block."""

_COPIED_AT_ONCE: Final = 1 << 30
_READ_AT_ONCE: Final = 1 << 20

_TABLES: Final = (
    *("articles", "articles_past", "article_concepts", "article_topics"),
    *("article_targets", "article_targets_past", "article_mentions"),
    *("stories", "story_articles", "brand_sentiment_by_week"),
)

_ASSESSED: Final = "SELECT coalesce(max(change_seq), 0) FROM news.processed.assessments"
_TONED: Final = (
    "SELECT coalesce(max(value), 0) FROM news.ops.positions WHERE name = 'final.tones_seq'"
)
_TONES: Final = "final.brand_sentiment_by_week"
_SUM: Final = "count(*), bit_xor(hash(article_id, change_seq, updated_at))"
"""Tells articles from others, and from themselves as of another change."""

_OF_STORIES: Final = ("articles", "story_articles")
_READ_BY_STORY: Final = (("processed.assessments", "assessed"),)
_READ_BY_ARTICLE: Final = (
    *_READ_BY_STORY,
    *(("final.filtered_news", "shown"), ("final.past_articles", "shown")),
    ("final.article_tone", "toned"),
)
"""What the views read that has the column by which what has changed is told."""

_VIEWS: Final = {
    "article_changes": "SELECT change_seq, 'shown' AS change, article_id, url, "
    "CAST(NULL AS text) AS reason, CAST(NULL AS text) AS replaced_by, updated_at AS changed_at "
    "FROM final.articles UNION ALL SELECT * FROM final.departures",
    "articles_by_week": "SELECT CAST(date_trunc('week', published_at AT TIME ZONE 'UTC') AS date) "
    "AS week, count(*) AS articles, count(DISTINCT story_id) AS stories, "
    "count(DISTINCT source_uri) AS sources, avg(relevance) AS relevance, "
    "avg(sentiment) AS sentiment FROM final.articles GROUP BY 1",
}


class _WorkingFileError(Exception):
    """The working file can't be used, or doesn't hold what it should."""


class _LittleMemoryError(_WorkingFileError):
    """What has changed needs more of DuckDB's memory."""


class _OtherContentsError(_WorkingFileError):
    """The file is whole, and of another database or another version of the schema."""


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing did: the state that readers see now, and how many articles it brought."""

    state: int
    changed: int
    anew: bool
    """Whether everything was written, and not only what has changed."""

    seconds: float


def publish(warehouse: Warehouse, folder: Path) -> Published:
    """Bring the reader's copy up to the warehouse; the caller holds the run lock.

    It may be killed at any moment: readers keep the copy before, and the next call completes it.

    Args:
        warehouse: a DuckDB warehouse.
        folder: where the copy lies, or is to lie.

    Raises:
        StorageError: the folder can't be written.
        WarehouseError: the warehouse can't be read.
    """
    began = time.monotonic()
    try:
        _make_room(folder)
        _sweep(folder)
        state, changed, anew = _bring_somehow(warehouse, folder)
    except OSError as error:
        raise StorageError(
            f"{folder}: {error.strerror or error}; make room or make the folder writable"
        ) from error
    except _WorkingFileError as error:
        raise StorageError(f"{folder}: {error}") from error
    return Published(state, changed, anew, time.monotonic() - began)


def note_damage(folder: Path) -> None:
    """Remember that a reader came by what can't be read, until the copy was made anew."""
    with suppress(OSError):
        (folder / _DAMAGED).touch()


def _bring_somehow(warehouse: Warehouse, folder: Path) -> tuple[int, int, bool]:
    """Go on from the former file, else from a copy of the published one, else begin anew.

    Where memory was too little, the file is as it was, and is gone on with.
    """
    copied = generous = False
    anew = (folder / _DAMAGED).exists()
    if anew:
        _without_working_file(folder)
    while True:
        try:
            brought = _bring(warehouse, folder, anew=anew, generous=generous)
            clear(folder / _DAMAGED)
            return brought
        except _WorkingFileError as error:
            if isinstance(error, _LittleMemoryError) and not generous:
                generous = True
                continue
            if anew:
                raise
            _without_working_file(folder)
            anew, copied = copied or isinstance(error, _OtherContentsError), True


def _without_working_file(folder: Path) -> None:
    """Begin a new file: what is deleted in one takes its space for ever."""
    for path in folder.glob(f"{_WORKING}*"):
        clear(path)


def _bring(
    warehouse: Warehouse, folder: Path, *, anew: bool, generous: bool
) -> tuple[int, int, bool]:
    """Bring the copy up to date: the state, how many articles changed, and if all is made anew.

    Of DuckDB's memory it takes `_MEMORY` where it is `generous`, else mostly less.
    """
    with (
        warehouse.snapshot() as session,
        closing(duckdb_session(session).sibling()) as connection,
    ):
        state = None if anew else _state_if_published(connection, folder)
        if state is not None:
            return state, 0, False
        if not anew:
            _free_working_file(folder)
        with _attached(connection, folder / _WORKING):
            state, changed, anew = _bring_working_file(connection, folder, generous=generous)
    _publish_file(folder, copied=anew)
    return state, changed, anew


def _state_if_published(connection: duckdb.DuckDBPyConnection, folder: Path) -> int | None:
    """The number of the warehouse's last change, if the copy has it; None where it is behind."""
    try:
        connection.execute(f"ATTACH {quoted_text(folder / FILE)} AS published (READ_ONLY)")
    except duckdb.Error:
        return None
    try:
        there, wanted = _columns(connection, "published"), _columns(connection, "news")
        if any(there.get(table) != wanted[table] for table in _TABLES):
            return None
        ((state, same),) = connection.execute(
            "SELECT now.change_seq, published.change_seq = now.change_seq "
            f"AND taken.change_seq = ({_ASSESSED}) AND taken.tone_seq = ({_TONED}) "
            "FROM news.final.reading_state AS now, published.final.reading_state AS published, "
            "published.publishing.assessed AS taken"
        ).fetchall()
        whole = (
            same
            and _is_whole(connection, "published", folder / FILE)
            and _same(connection, "published")
            and _days_there(connection, folder / ARTICLES) == _days_of(connection, "published")
        )
    except duckdb.Error:
        return None
    finally:
        connection.execute("DETACH published")
    return int(state) if whole else None


def _is_whole(connection: duckdb.DuckDBPyConnection, database: str, path: Path) -> bool:
    """Whether a file reaches to the end of the last block that is in use.

    Free ones behind it don't count: DuckDB gives them back to the disk and goes on telling of
    them. Those before it say nothing: they may be half of the file.
    """
    ((block_size, blocks),) = connection.execute(
        "SELECT block_size, total_blocks FROM pragma_database_size() WHERE database_name = $1",
        [database],
    ).fetchall()
    there = path.stat().st_size - _HEADERS
    # Where each block stands takes a tenth of a second to find out with a million articles.
    count = blocks if there >= block_size * blocks else _used_up_to(connection, database)
    return there >= int(block_size * count)


def _used_up_to(connection: duckdb.DuckDBPyConnection, database: str) -> int:
    """How many blocks a file must have for all that are in use to be among them."""
    tables = connection.execute(
        """SELECT format('"{}"."{}"."{}"', database_name, schema_name, table_name) """
        "FROM duckdb_tables() WHERE database_name = $1",
        [database],
    ).fetchall()
    numbers = f"SELECT block_id FROM pragma_metadata_info({quoted_text(database)})" + "".join(
        " UNION ALL SELECT unnest(list_append(additional_block_ids, block_id)) "
        f"FROM pragma_storage_info({quoted_text(table)}) WHERE persistent"
        for (table,) in tables
    )
    ((count,),) = connection.execute(
        f"SELECT 1 + coalesce(max(block_id), -1) FROM ({numbers})"
    ).fetchall()
    return int(count)


def _free_working_file(folder: Path) -> None:
    """See to a working file that nobody reads; without any there is none."""
    working, target, part = folder / _WORKING, folder / FILE, folder / _PART
    if working.is_dir() or (working.exists() and _is_open(working)):
        _without_working_file(folder)
    if os.access(target, os.R_OK) and not working.exists():
        _copy_file(target, part)
        part.replace(working)


def _is_open(path: Path) -> bool:
    """Whether somebody has a DuckDB file open, this process included, or keeps us from it.

    DuckDB's locks belong to a process, which its own never stop. A lock of an open file
    description (Linux) is stopped by both.
    """
    whole_file = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with path.open("r+b") as file:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, whole_file)
    except (AttributeError, OSError):
        return True
    return False


def _bring_working_file(
    connection: duckdb.DuckDBPyConnection, folder: Path, *, generous: bool
) -> tuple[int, int, bool]:
    anew = not _columns(connection, "working")
    if not anew and not _continues(connection):
        raise _OtherContentsError("the working file is of something else")
    if not anew and not _is_whole(connection, "working", folder / _WORKING):
        raise _WorkingFileError("the working file was cut short")
    connection.execute("BEGIN")
    if anew:
        _make_tables(connection)
    _find_changed(connection)
    changed, state, before = connection.execute(
        "SELECT (SELECT count(*) FROM changed), now.change_seq, before.change_seq "
        "FROM news.final.reading_state AS now, working.final.reading_state AS before"
    ).fetchall()[0]
    memory = _MEMORY if generous or changed > _FEW else _MEMORY_FEW
    connection.execute(f"SET memory_limit = '{memory}'")
    if changed or state != before:
        _tell_tones(connection)
        _note_days(connection)
        _take_changed(connection)
        _note_days(connection)
        connection.execute("COMMIT")
    else:
        connection.execute("ROLLBACK")
    if not anew and not _same(connection, "working"):
        raise _WorkingFileError("the working file has drifted from the warehouse")
    _publish_days(connection, folder, state, anew=anew)
    return state, changed, anew


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    try:
        connection.execute(
            f"ATTACH {quoted_text(path)} AS working "
            f"(STORAGE_VERSION '{_STORAGE_VERSION}', ROW_GROUP_SIZE {_ROW_GROUP})"
        )
        # Once, at the end: each checkpoint compresses the texts.
        connection.execute("SET checkpoint_threshold = '1TB'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = {quoted_text(f'{path}.spill')}")
        yield
        connection.execute("USE news")
        connection.execute("DETACH working")
    except duckdb.OutOfMemoryException as error:
        raise _LittleMemoryError(str(error).splitlines()[0]) from error
    except duckdb.Error as error:
        raise _WorkingFileError(str(error).splitlines()[0]) from error
    finally:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        with suppress(duckdb.Error):
            connection.execute("RESET checkpoint_threshold")
            connection.execute("RESET preserve_insertion_order")
            connection.execute("USE news")
            connection.execute("DETACH DATABASE IF EXISTS working")


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "SELECT table_name, column_name || ' ' || data_type FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name = 'final' "
        "ORDER BY table_name, column_index",
        [database],
    ).fetchall():
        found.setdefault(table, []).append(column)
    return found


def _continues(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the working file holds an earlier state of this warehouse."""
    there, wanted = _columns(connection, "working"), _columns(connection, "news")
    if any(there.get(table) != wanted[table] for table in _TABLES):
        return False
    ((earlier,),) = connection.execute(
        "SELECT before.change_seq <= now.change_seq "
        f"AND taken.change_seq <= ({_ASSESSED}) AND taken.tone_seq <= ({_TONED}) "
        "FROM working.final.reading_state AS before, working.publishing.assessed AS taken, "
        "news.final.reading_state AS now"
    ).fetchall()
    return bool(earlier)


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in ("final", "publishing"):
        connection.execute(f"CREATE SCHEMA working.{schema}")
    for table in _TABLES:
        connection.execute(
            f"CREATE TABLE working.final.{table} AS SELECT * FROM news.final.{table} WHERE false"
        )
    connection.execute(
        "CREATE TABLE working.final.departures AS "
        "SELECT * FROM news.final.article_changes WHERE false"
    )
    connection.execute(
        "CREATE TABLE working.final.reading_state AS SELECT * REPLACE (-1 AS change_seq) "
        "FROM news.final.reading_state"
    )
    connection.execute(
        "CREATE TABLE working.publishing.assessed AS "
        "SELECT CAST(-1 AS bigint) AS change_seq, CAST(-1 AS bigint) AS tone_seq"
    )
    connection.execute("CREATE TABLE working.publishing.days (day date)")
    connection.execute("USE working")
    for name, query in _VIEWS.items():
        connection.execute(f"CREATE VIEW final.{name} AS {query}")
    connection.execute("USE news")


def _tell_tones(connection: duckdb.DuckDBPyConnection) -> None:
    """Take over how weeks speak about whom, where that has changed."""
    connection.execute(f"CREATE TEMP TABLE tones AS SELECT * FROM news.{_TONES}")
    # The last digits of a mean depend on the order of its summands.
    compared = "SELECT * REPLACE (round(score, 6) AS score) FROM"
    ((differ,),) = connection.execute(
        f"SELECT EXISTS (({compared} tones EXCEPT {compared} working.{_TONES}) "
        f"UNION ALL ({compared} working.{_TONES} EXCEPT {compared} tones))"
    ).fetchall()
    if differ:
        connection.execute(f"DELETE FROM working.{_TONES}")
        connection.execute(f"INSERT INTO working.{_TONES} SELECT * FROM tones")


def _find_changed(connection: duckdb.DuckDBPyConnection) -> None:
    """Name the articles that came, changed or left, and the stories that this concerns."""
    connection.execute(
        "CREATE TEMP TABLE changed AS "
        "SELECT article_id FROM news.final.filtered_news, working.final.reading_state AS state "
        "WHERE filtered_news.change_seq > state.change_seq OR filtered_news.change_seq IS NULL "
        "UNION SELECT article_id FROM news.final.changes, working.final.reading_state AS state "
        "WHERE changes.seq > state.change_seq "
        "UNION SELECT article_id FROM news.processed.assessments AS assessed, "
        "working.publishing.assessed AS taken WHERE assessed.change_seq > taken.change_seq "
        "UNION SELECT article_id FROM news.final.article_tone AS told, "
        "working.publishing.assessed AS taken WHERE told.tone_seq > taken.tone_seq"
    )
    connection.execute(
        "CREATE TEMP TABLE moved AS SELECT story_id FROM working.final.story_articles "
        "WHERE article_id IN (SELECT article_id FROM changed) "
        f"UNION SELECT story_id FROM news.processed.assessments {_among_changed(connection)}"
    )


def _note_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Remember the days of articles that changed, until their files are published."""
    connection.execute(
        "INSERT INTO working.publishing.days "
        "SELECT DISTINCT CAST(published_at AT TIME ZONE 'UTC' AS date) "
        "FROM working.final.articles WHERE article_id IN (SELECT article_id FROM changed)"
    )


def _among_changed(connection: duckdb.DuckDBPyConnection) -> str:
    """The condition for an article of the warehouse to have changed.

    A few are named one by one: these DuckDB looks up in the index of a key.
    """
    found = connection.execute(f"SELECT article_id FROM changed LIMIT {LOOKED_UP + 1}").fetchall()
    if not 0 < len(found) <= LOOKED_UP:
        return "WHERE article_id IN (SELECT article_id FROM changed)"
    listed = ", ".join(quoted_text(article_id) for (article_id,) in found)
    return f"WHERE article_id IN ({listed})"


def _take_changed(connection: duckdb.DuckDBPyConnection) -> None:
    changed = _among_changed(connection)
    for table, key, names in (
        ("articles", "article_id", "changed"),
        ("articles_past", "article_id", "changed"),
        ("article_concepts", "article_id", "changed"),
        ("article_topics", "article_id", "changed"),
        ("article_targets", "article_id", "changed"),
        ("article_targets_past", "article_id", "changed"),
        ("article_mentions", "article_id", "changed"),
        ("story_articles", "story_id", "moved"),
    ):
        among = f"WHERE {key} IN (SELECT {key} FROM {names})"
        connection.execute(f"DELETE FROM working.final.{table} {among}")
        among = changed if names == "changed" else among
        connection.execute(f"INSERT INTO working.final.{table} {_query_among(table, among)}")
    moved = "story_id IN (SELECT story_id FROM moved)"
    connection.execute(f"DELETE FROM working.final.stories WHERE {moved}")
    # By the rows' numbers: else the texts of all others are decompressed as well.
    query = stories_query(
        *(
            f"(SELECT * FROM working.final.{table} WHERE rowid IN "
            f"(SELECT rowid FROM working.final.{table} WHERE {moved}))"
            for table in _OF_STORIES
        )
    )
    connection.execute(f"INSERT INTO working.final.stories {query}")
    connection.execute(
        "INSERT INTO working.final.departures SELECT * FROM news.final.article_changes "
        "WHERE change = 'left' AND change_seq > "
        "(SELECT change_seq FROM working.final.reading_state)"
    )
    connection.execute("DELETE FROM working.final.reading_state")
    connection.execute(
        "INSERT INTO working.final.reading_state SELECT * FROM news.final.reading_state"
    )
    connection.execute(
        f"UPDATE working.publishing.assessed SET change_seq = ({_ASSESSED}), tone_seq = ({_TONED})"
    )
    connection.execute(
        "DELETE FROM working.final.articles_past "
        "WHERE ended_seq <= (SELECT past_from FROM working.final.reading_state)"
    )
    connection.execute(
        "DELETE FROM working.final.article_targets_past "
        "WHERE article_id NOT IN (SELECT article_id FROM working.final.articles_past)"
    )


def _query_among(table: str, among: str) -> str:
    """The query of a view over the rows that a condition leaves of what it reads.

    After the view, the condition would come too late: DuckDB keeps all verdicts and tones in
    memory to join them, a gigabyte of a million articles.
    """
    query = views("DuckDB")[f"final.{table}"]
    read = _READ_BY_STORY if table == "story_articles" else _READ_BY_ARTICLE
    for relation, name in read:
        query = query.replace(
            f" {relation} AS {name}", f" (SELECT * FROM {relation} {among}) AS {name}"
        )
    return query


def _same(connection: duckdb.DuckDBPyConnection, database: str) -> bool:
    """Whether a file has the articles of the warehouse, each as of the same change.

    Numbers alone don't tell: a warehouse that was set back gives them to other articles.
    """
    sums = [
        connection.execute(f"SELECT {_SUM} FROM {table}").fetchall()
        for table in ("news.final.filtered_news", f"{database}.final.articles")
    ]
    return sums[0] == sums[1]


def _publish_days(
    connection: duckdb.DuckDBPyConnection, folder: Path, state: int, *, anew: bool
) -> None:
    """Put the days that changed beside links to those that didn't, and lead readers there."""
    changed = _days(connection, "SELECT day FROM working.publishing.days")
    wanted = _days_of(connection, "working")
    link = folder / ARTICLES
    there = _days_there(connection, link)
    if not changed and there == wanted:
        return
    part = new_state(link, state)
    (part / _CHANGED_DAYS).write_text(json.dumps([] if anew else sorted(changed)), "utf-8")
    same = {day for day in wanted if there.get(day) == wanted[day]} - changed - _days_ahead(link)
    for day in same:
        share(link / f"{day}.parquet", part / f"{day}.parquet")
    for day in sorted(wanted.keys() - same):
        _write_day(connection, day, part / f"{day}.parquet")
    _note_files(part, wanted)
    lead(link, part)
    connection.execute("DELETE FROM working.publishing.days")


def _days_of(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, Row]:
    """The days that have articles, and what their files hold then."""
    return {
        str(day): tuple(told)
        for day, *told in connection.execute(
            f"SELECT CAST(published_at AT TIME ZONE 'UTC' AS date), {_SUM} "
            f"FROM {database}.final.articles GROUP BY 1"
        ).fetchall()
    }


def _days_there(connection: duckdb.DuckDBPyConnection, link: Path) -> dict[str, Row | None]:
    """The days that have a file, and what it holds; None where it can't be read.

    Files as they were written are not read again.
    """
    held: dict[str, Row | None] = {}
    noted, altered = _noted(link), []
    for path in link.glob("*.parquet") if link.is_dir() else ():
        told = noted.get(path.stem, [])
        if told[:2] == _size_and_time(path):
            held[path.stem] = tuple(told[2:])
        else:
            altered.append(path)
    try:
        return held | _held(connection, altered)
    except duckdb.Error:
        for path in altered:
            try:
                held |= _held(connection, [path])
            except duckdb.Error:
                held[path.stem] = None
        return held


def _noted(link: Path) -> dict[str, list[int]]:
    """Size, time and contents of each day's file when it was published."""
    try:
        told = json.loads((link / _NOTED).read_bytes())
        return {str(day): list(map(int, values)) for day, values in told.items()}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError):
        return {}


def _note_files(part: Path, days: Mapping[str, Row]) -> None:
    told = {day: [*_size_and_time(part / f"{day}.parquet"), *held] for day, held in days.items()}
    (part / _NOTED).write_text(json.dumps(told), "utf-8")


def _size_and_time(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _held(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> dict[str, Row | None]:
    if not paths:
        return {}
    # A file without articles gives no row.
    held: dict[str, Row | None] = {path.stem: None for path in paths}
    for name, *told in connection.execute(
        f"SELECT filename, {_SUM} FROM read_parquet(?, filename = true) GROUP BY 1",
        [[str(path) for path in paths]],
    ).fetchall():
        held[Path(name).stem] = tuple(told)
    return held


def _days(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    return {str(day) for (day,) in connection.execute(query).fetchall()}


def _days_ahead(link: Path) -> set[str]:
    """The days in which the Parquet files may be ahead of a working file that has had its turn."""
    try:
        listed = json.loads((link / _CHANGED_DAYS).read_bytes())
        return {str(date.fromisoformat(day)) for day in listed}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except (ValueError, TypeError):
        return {path.stem for path in link.glob("*.parquet")}


def _write_day(connection: duckdb.DuckDBPyConnection, day: str, path: Path) -> None:
    connection.execute(
        "COPY (SELECT * FROM working.final.articles "
        f"WHERE published_at >= TIMESTAMPTZ '{day} 00:00:00+00' "
        f"AND published_at < TIMESTAMPTZ '{day} 00:00:00+00' + INTERVAL '24 hours' "
        f"ORDER BY published_at, article_id) TO {quoted_text(path)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )


def _publish_file(folder: Path, *, copied: bool) -> None:
    """Give the working file the name that readers open, or a copy of it, which then is as new."""
    working, target = folder / _WORKING, folder / FILE
    if copied or not target.exists() or not _share(target, folder / _FORMER):
        part = folder / _PART
        _copy_file(working, part)
        part.replace(target)
    else:
        working.replace(target)
        (folder / _FORMER).replace(working)


def _share(target: Path, former: Path) -> bool:
    """Whether a file has another name now too; not every file system has hard links."""
    try:
        os.link(target, former)
    except OSError:
        return False
    return True


def _copy_file(path: Path, copy: Path) -> None:
    """Copy by the file system's own means, where it has them."""
    with path.open("rb") as source, copy.open("wb") as copied:
        # It is missing on macOS, and not every file system has it, or copies all.
        with suppress(AttributeError, OSError):
            while os.copy_file_range(source.fileno(), copied.fileno(), _COPIED_AT_ONCE):
                pass
        if os.fstat(copied.fileno()).st_size == os.fstat(source.fileno()).st_size:
            return
        source.seek(0)
        copied.seek(0)
        shutil.copyfileobj(source, copied, _READ_AT_ONCE)


def _make_room(folder: Path) -> None:
    """Make the folder; what has its name or that of the file, and can't be either, is kept."""
    if folder.exists() and not folder.is_dir():
        set_aside(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / FILE).is_dir():
        set_aside(folder / FILE)


def _sweep(folder: Path) -> None:
    """Delete what a killed publisher left, and former states that nobody needs any more."""
    sweep(folder / ARTICLES)
    clear(folder / _PART)
    former, working = folder / _FORMER, folder / _WORKING
    if not working.exists():
        # What was logged for it would be taken over into the next one.
        _without_working_file(folder)
        if former.is_file():
            former.replace(working)
    clear(former)
