"""The reader's copy: what may be read, in files of their own, where DuckDB stores.

A DuckDB file that is being written keeps readers out, and one that is read keeps writers out. So
after each run what has changed goes to a working file that nobody else opens, and that is copied
and renamed over the last copy. Whoever has the last one open goes on with it.

    reading/news.duckdb     the views of `final` as tables; any DuckDB from 1.2 on opens it
    reading/articles/       `final.articles` as Parquet, a file for each day (UTC)
    reading/.working.*      the publisher's own
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import duckdb_session
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.schema.views import stories_query

FILE: Final = "news.duckdb"
ARTICLES: Final = "articles"

_WORKING: Final = ".working.duckdb"
_DAYS: Final = ".articles-"
"""Beginning of the folders with one state's Parquet files; `articles` leads to the newest."""

_STORAGE_VERSION: Final = "v1.2.0"
_ROW_GROUP: Final = 16_384
"""Rows that are compressed, and written again, together; whole texts of so many fit into memory."""

_MEMORY: Final = "1GB"
_KEPT_SECONDS: Final = 3600.0
"""How long the files of a former state are kept for those who have begun to read them."""

_TABLES: Final = (
    *("articles", "articles_past", "article_concepts", "article_topics"),
    *("stories", "story_articles"),
)

_OF_STORIES: Final = ("articles", "story_articles")
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
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        try:
            state, changed, anew = _bring(warehouse, folder)
        except _WorkingFileError:
            # Whatever is wrong with the working file, it can be made again.
            for path in folder.glob(f"{_WORKING}*"):
                path.unlink()
            state, changed, anew = _bring(warehouse, folder)
        _publish_file(folder)
    except OSError as error:
        raise StorageError(
            f"{folder}: {error.strerror or error}; make room or make the folder writable"
        ) from error
    except _WorkingFileError as error:
        raise StorageError(f"{folder}: {error}") from error
    return Published(state, changed, anew, time.monotonic() - began)


def published_state(folder: Path) -> int | None:
    """The number of the last change in the copy; None where there is no copy that can be read."""
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {quoted_text(folder / FILE)} AS news (READ_ONLY)")
            ((state,),) = connection.execute(
                "SELECT change_seq FROM news.final.reading_state"
            ).fetchall()
    except duckdb.Error:
        return None
    return int(state)


def _bring(warehouse: Warehouse, folder: Path) -> tuple[int, int, bool]:
    """Bring the working file and the days up to date: the state, how many articles, if anew."""
    with (
        warehouse.snapshot() as session,
        closing(duckdb_session(session).sibling()) as connection,
        _attached(connection, folder / _WORKING),
    ):
        anew = not _continues(connection)
        connection.execute("BEGIN")
        if anew:
            _make_tables(connection, folder)
        _find_changed(connection)
        changed, state, before = connection.execute(
            "SELECT (SELECT count(*) FROM changed), now.change_seq, before.change_seq "
            "FROM news.final.reading_state AS now, working.final.reading_state AS before"
        ).fetchall()[0]
        if changed or state != before:
            _note_days(connection)
            _take_changed(connection)
            _note_days(connection)
            connection.execute("COMMIT")
            if not anew and not _same(connection):
                raise _WorkingFileError("the working file has drifted from the warehouse")
        else:
            connection.execute("ROLLBACK")
        _publish_days(connection, folder, state)
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
        # The engine sets its own limit again when it lets go of the warehouse.
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = {quoted_text(f'{path}.spill')}")
        yield
        connection.execute("USE news")
        connection.execute("DETACH working")
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
        "FROM working.final.reading_state AS before, news.final.reading_state AS now"
    ).fetchall()
    return bool(earlier)


def _make_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for schema in ("final", "publishing"):
        connection.execute(f"DROP SCHEMA IF EXISTS working.{schema} CASCADE")
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
    connection.execute("CREATE TABLE working.publishing.assessed AS SELECT -1 AS change_seq")
    connection.execute("CREATE TABLE working.publishing.days (day date)")
    # Days of before that may have no articles any more.
    connection.executemany(
        "INSERT INTO working.publishing.days VALUES (CAST(? AS date))",
        [[path.stem] for path in (folder / ARTICLES).glob("*.parquet")] or [[None]],
    )
    connection.execute("USE working")
    for name, query in _VIEWS.items():
        connection.execute(f"CREATE VIEW final.{name} AS {query}")
    connection.execute("USE news")


def _find_changed(connection: duckdb.DuckDBPyConnection) -> None:
    """Name the articles that came, changed or left, and the stories that this concerns."""
    connection.execute(
        "CREATE TEMP TABLE changed AS "
        "SELECT article_id FROM news.final.filtered_news, working.final.reading_state AS state "
        "WHERE filtered_news.change_seq > state.change_seq OR filtered_news.change_seq IS NULL "
        "UNION SELECT article_id FROM news.final.changes, working.final.reading_state AS state "
        "WHERE changes.seq > state.change_seq "
        "UNION SELECT article_id FROM news.processed.assessments AS assessed, "
        "working.publishing.assessed AS taken WHERE assessed.change_seq > taken.change_seq"
    )
    connection.execute(
        "CREATE TEMP TABLE moved AS SELECT story_id FROM working.final.story_articles "
        "WHERE article_id IN (SELECT article_id FROM changed) "
        "UNION SELECT story_id FROM news.processed.assessments "
        "WHERE article_id IN (SELECT article_id FROM changed)"
    )


def _note_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Remember the days of articles that changed, until their files are published."""
    connection.execute(
        "INSERT INTO working.publishing.days "
        "SELECT DISTINCT CAST(published_at AT TIME ZONE 'UTC' AS date) "
        "FROM working.final.articles WHERE article_id IN (SELECT article_id FROM changed)"
    )


def _take_changed(connection: duckdb.DuckDBPyConnection) -> None:
    for table, key, names in (
        ("articles", "article_id", "changed"),
        ("articles_past", "article_id", "changed"),
        ("article_concepts", "article_id", "changed"),
        ("article_topics", "article_id", "changed"),
        ("story_articles", "story_id", "moved"),
    ):
        among = f"WHERE {key} IN (SELECT {key} FROM {names})"
        connection.execute(f"DELETE FROM working.final.{table} {among}")
        connection.execute(
            f"INSERT INTO working.final.{table} SELECT * FROM news.final.{table} {among}"
        )
    moved = "story_id IN (SELECT story_id FROM moved)"
    connection.execute(f"DELETE FROM working.final.stories WHERE {moved}")
    query = stories_query(
        *(f"(SELECT * FROM working.final.{table} WHERE {moved})" for table in _OF_STORIES)
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
        "UPDATE working.publishing.assessed SET change_seq = coalesce("
        "(SELECT max(change_seq) FROM news.processed.assessments), 0)"
    )
    connection.execute(
        "DELETE FROM working.final.articles_past "
        "WHERE ended_seq <= (SELECT past_from FROM working.final.reading_state)"
    )


def _same(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the working file now has the rows of the warehouse, by their numbers."""
    sums = [
        connection.execute(
            f"SELECT count(*), sum(hash(article_id, coalesce(change_seq, 0))) FROM {table}"
        ).fetchall()
        for table in ("news.final.filtered_news", "working.final.articles")
    ]
    return sums[0] == sums[1]


def _publish_days(connection: duckdb.DuckDBPyConnection, folder: Path, state: int) -> None:
    """Put the days that changed beside links to those that didn't, and lead readers there."""
    days = connection.execute(
        "SELECT DISTINCT day FROM working.publishing.days WHERE day IS NOT NULL ORDER BY day"
    ).fetchall()
    link = folder / ARTICLES
    if not days and link.exists():
        return
    part = folder / f"{_DAYS}{state}-{time.time_ns()}"
    part.mkdir()
    changed = {f"{day}.parquet" for (day,) in days}
    for path in link.glob("*.parquet"):
        if path.name not in changed:
            os.link(path, part / path.name)
    for (day,) in days:
        _write_day(connection, day, part / f"{day}.parquet")
    turning = folder / f"{ARTICLES}.part"
    turning.symlink_to(part.name)
    turning.replace(link)
    connection.execute("DELETE FROM working.publishing.days")


def _write_day(connection: duckdb.DuckDBPyConnection, day: date, path: Path) -> None:
    """Write the articles of a day; where there are none any more, no file."""
    ((count,),) = connection.execute(
        "COPY (SELECT * FROM working.final.articles "
        f"WHERE published_at >= TIMESTAMPTZ '{day} 00:00:00+00' "
        f"AND published_at < TIMESTAMPTZ '{day} 00:00:00+00' + INTERVAL '24 hours' "
        f"ORDER BY published_at, article_id) TO {quoted_text(path)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    ).fetchall()
    if not count:
        path.unlink()


def _publish_file(folder: Path) -> None:
    """Copy the working file, by the file system's own means where it has them, and rename it."""
    working, target, part = folder / _WORKING, folder / FILE, folder / f".{FILE}.part"
    if target.exists() and target.stat().st_mtime_ns >= working.stat().st_mtime_ns:
        return
    with working.open("rb") as source, part.open("wb") as copied:
        left = working.stat().st_size
        while left:
            left -= os.copy_file_range(source.fileno(), copied.fileno(), left)
    part.replace(target)


def _sweep(folder: Path) -> None:
    """Delete what a killed publisher left, and former states that nobody needs any more."""
    current = (folder / ARTICLES).resolve()
    for path in folder.glob(f"{_DAYS}*"):
        old = time.time() - path.stat().st_mtime > _KEPT_SECONDS
        if path != current and old:
            shutil.rmtree(path)
    for path in (folder / f"{ARTICLES}.part", folder / f".{FILE}.part"):
        path.unlink(missing_ok=True)
