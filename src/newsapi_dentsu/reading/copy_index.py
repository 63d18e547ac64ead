"""The index of searches beside the reader's copy.

Its files are never altered: a new state is a folder of its own, which shares with the former one
the files that are the same, and a link leads readers to the newest. So it may be killed at any
moment, and whoever has a former state open goes on with it.

    reading/search          leads to the newest state
    reading/.search-…       the states: files of tantivy, and a stamp that tells what they hold
"""

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import duckdb
import tantivy
from tantivy import FieldType, Occur, Query
from typing_extensions import override

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.reading.copy import FILE
from newsapi_dentsu.reading.entries import (
    AROUND,
    COLUMNS,
    FOR_GOOD,
    OPENING_POINTS,
    RULES,
    TITLE_POINTS,
    Entry,
    entry,
    topic_name,
)
from newsapi_dentsu.reading.hits import (
    Found,
    Hit,
    Index,
    Labels,
    NoIndexError,
    Place,
    hit,
    hit_of_text,
    hit_text,
    week_of,
    windows,
)
from newsapi_dentsu.reading.search import Search, Terms
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import embeddings

LINK: Final = "search"
_STATES: Final = ".search-"
_STAMP: Final = "stamp.json"
_DAMAGED: Final = ".search-damaged"
_KEPT_SECONDS: Final = 3600.0
"""How long a former state is kept for those who are about to open it."""

_GAP: Final = "_"
"""Stands where no term is; none of them is written so."""

_HEAP: Final = 64_000_000
_MEMORY: Final = "512MB"
"""What tantivy may take for new entries, and DuckDB for reading the copy."""

_ROWS: Final = 2_000
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_TIES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What a state of the index holds, and by which files."""

    state: int
    rules: int
    engine: str
    model: str
    articles: int
    newest: str
    """When the newest article was published."""

    files: dict[str, list[int]] = field(default_factory=dict)
    """Size and time of each."""


def publish_index(warehouse: Warehouse, folder: Path, model: str) -> int:
    """Bring the index up to the reader's copy; the caller holds the run lock.

    It may be killed at any moment: readers keep the index before, and the next call completes it.

    Args:
        warehouse: where the vectors of texts are.
        folder: where the reader's copy lies.
        model: the sentence model whose vectors tell what articles mean.

    Returns:
        The state that can be searched now.

    Raises:
        StorageError: the folder can't be written.
    """
    try:
        _sweep(folder)
        with (
            closing(duckdb.connect(":memory:", config={"memory_limit": _MEMORY})) as copy,
            warehouse.snapshot() as session,
        ):
            copy.execute(f"ATTACH {quoted_text(folder / FILE)} AS news (READ_ONLY)")
            copy.execute("USE news")
            copy.execute("SET TimeZone = 'UTC'")
            ((state, past_from),) = copy.execute(
                "SELECT change_seq, past_from FROM final.reading_state"
            ).fetchall()
            ((newest,),) = copy.execute(
                "SELECT max(published_at) FROM (SELECT published_at FROM final.articles "
                "UNION ALL SELECT published_at FROM final.articles_past) AS told"
            ).fetchall()
            wanted = _Stamp(
                state, RULES, version("tantivy"), model, 0, (newest or _EPOCH).isoformat()
            )
            stamp = _continued(folder, wanted)
            if stamp is not None and stamp.state == state:
                return stamp.state

            def vectors(hashes: Sequence[str]) -> dict[str, bytes]:
                found = embeddings.vectors(session, model, hashes)
                return _in_bytes(found)

            making = _Making(copy, folder, wanted, past_from, vectors)
            if stamp is None or not making.bring(stamp):
                making.bring(None)
            (folder / _DAMAGED).unlink(missing_ok=True)
    except (OSError, duckdb.Error, ValueError) as error:
        # What tantivy can't write it tells as a ValueError.
        told = str(error).splitlines()[0]
        raise StorageError(
            f"{folder / LINK}: {told}; make room or make the folder writable"
        ) from error
    return wanted.state


def _in_bytes(found: dict[str, Any]) -> dict[str, bytes]:
    if not found:
        return {}
    import numpy as np

    from newsapi_dentsu.domain.vectors import in_steps

    steps = in_steps(np.stack(list(found.values())))
    return {name: row.tobytes() for name, row in zip(found, steps, strict=True)}


@dataclass
class _Making:
    """Making one state of the index."""

    copy: duckdb.DuckDBPyConnection
    folder: Path
    wanted: _Stamp
    past_from: int
    vectors: Any

    def bring(self, former: _Stamp | None) -> bool:
        """Make it of a former state, or of nothing; whether it has what it should."""
        part = self.folder / f"{_STATES}{self.wanted.state}-{time.time_ns()}"
        part.mkdir()
        if former is not None:
            for name in former.files:
                os.link(self.folder / LINK / name, part / name)
        index = tantivy.Index(_schema(), str(part))
        writer = index.writer(_HEAP, 1)
        after = -1 if former is None else former.state
        self._forget(writer, index.schema)
        for row in self.copy.execute(
            "SELECT DISTINCT article_id FROM final.article_changes WHERE change_seq > ?", [after]
        ).fetchall():
            if former is not None:
                writer.delete_documents_by_term("id", row[0])
        for rows in self._changed(after):
            self._add(writer, rows)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        articles = self._articles()
        live = _count(index.searcher(), _lasting(index.schema))
        if live != articles:
            shutil.rmtree(part)
            return False
        self._publish(part, articles)
        return True

    def _forget(self, writer: tantivy.IndexWriter, schema: tantivy.Schema) -> None:
        """Delete what no state that can still be read has."""
        writer.delete_documents_by_query(
            Query.range_query(
                schema, "ended", FieldType.Integer, lower_bound=0, upper_bound=self.past_from
            )
        )

    def _articles(self) -> int:
        ((articles,),) = self.copy.execute(
            "SELECT count(*) FROM final.articles WHERE change_seq IS NOT NULL"
        ).fetchall()
        return int(articles)

    def _changed(self, after: int) -> Iterator[list[Row]]:
        """Articles that came, changed or left after a change, as they are and as they were."""
        columns = ", ".join(COLUMNS)
        among = (
            "article_id IN (SELECT article_id FROM final.article_changes "
            f"WHERE change_seq > {after})"
            if after >= 0
            else "true"
        )
        cursor = self.copy.cursor()
        cursor.execute("USE news")
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute(
            f"SELECT {columns}, CAST({FOR_GOOD} AS bigint) FROM final.articles "
            f"WHERE {among} AND change_seq IS NOT NULL UNION ALL "
            f"SELECT {columns}, ended_seq FROM final.articles_past WHERE {among}"
        )
        while rows := cursor.fetchmany(_ROWS):
            yield rows

    def _add(self, writer: tantivy.IndexWriter, rows: list[Row]) -> None:
        made = [(entry(row[:-1], row[-1]), hit(row[:-1])) for row in rows]
        vectors = self.vectors([one.vector_hash for one, _ in made if one.vector_hash])
        for one, shown in made:
            writer.add_document(_document(one, shown, vectors.get(one.vector_hash or "")))

    def _publish(self, part: Path, articles: int) -> None:
        files = {
            path.name: [path.stat().st_size, path.stat().st_mtime_ns]
            for path in part.iterdir()
            if not path.name.endswith(".lock")
        }
        stamp = asdict(self.wanted) | {"articles": articles, "files": files}
        (part / _STAMP).write_text(json.dumps(stamp), "utf-8")
        turning = self.folder / f"{LINK}.part"
        turning.symlink_to(part.name)
        turning.replace(self.folder / LINK)


def _continued(folder: Path, wanted: _Stamp) -> _Stamp | None:
    """The stamp of the state that there is, if the wanted one can be made of it."""
    stamp = _stamp(folder / LINK)
    same_kind = stamp is not None and (stamp.rules, stamp.engine, stamp.model) == (
        wanted.rules,
        wanted.engine,
        wanted.model,
    )
    if stamp is None or not same_kind or stamp.state > wanted.state:
        return None
    if (folder / _DAMAGED).exists():
        return None
    for name, (size, changed) in stamp.files.items():
        try:
            found = (folder / LINK / name).stat()
        except OSError:
            return None
        if (found.st_size, found.st_mtime_ns) != (size, changed):
            return None
    return stamp


def _stamp(path: Path) -> _Stamp | None:
    try:
        return _Stamp(**json.loads((path / _STAMP).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _sweep(folder: Path) -> None:
    """Delete what a killed publisher left, and former states that nobody opens any more."""
    current = (folder / LINK).resolve()
    for path in folder.glob(f"{_STATES}[0-9]*"):
        old = time.time() - path.stat().st_mtime > _KEPT_SECONDS
        if path != current and (old or not (path / _STAMP).exists()):
            shutil.rmtree(path)
    (folder / f"{LINK}.part").unlink(missing_ok=True)


def _schema() -> tantivy.Schema:
    schema = tantivy.SchemaBuilder()
    for name in ("id", "topic", "lang"):
        schema.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("words", "title", "opening"):
        schema.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    schema.add_text_field("source", tokenizer_name="whitespace", index_option="basic")
    for name in ("published", "change", "ended"):
        schema.add_integer_field(name, fast=True)
    for name in ("week", "past"):
        schema.add_integer_field(name, indexed=True)
    schema.add_bytes_field("hit", stored=True)
    schema.add_bytes_field("vector", stored=True)
    return schema.build()


def _document(one: Entry, shown: Hit, vector: bytes | None) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("id", one.article_id)
    document.add_text("words", _line(one.words))
    document.add_text("title", _line(one.title))
    document.add_text("opening", _line(one.opening))
    document.add_text("source", " ".join(sorted(one.sources)))
    document.add_text("lang", one.lang)
    for topic in one.topics:
        document.add_text("topic", topic_name(topic))
    document.add_integer("published", _microseconds(one.published_at))
    document.add_integer("change", one.change_seq)
    document.add_integer("ended", one.ended_seq)
    document.add_integer("week", week_of(one.published_at))
    document.add_integer("past", int(one.ended_seq != FOR_GOOD))
    document.add_bytes("hit", hit_text(shown).encode())
    if vector is not None:
        document.add_bytes("vector", vector)
    return document


def _line(words: Sequence[str | None]) -> str:
    return " ".join([word or _GAP for word in words])


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _lasting(schema: tantivy.Schema) -> Query:
    """Articles that are there."""
    return Query.range_query(schema, "ended", FieldType.Integer, lower_bound=FOR_GOOD)


class CopyIndex(Index):
    """One state of the index, opened for reading; threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Open the newest state.

        Raises:
            NoIndexError: there is none, or it can't be read.
        """
        self._folder = folder
        path = (folder / LINK).resolve()
        stamp = _stamp(path)
        if stamp is None or stamp.rules != RULES:
            raise NoIndexError(f"{folder / LINK} doesn't exist yet: run `newsapi run` first")
        self.state = stamp.state
        self._newest = datetime.fromisoformat(stamp.newest)
        self.path = path
        # No other state ever has the name of its folder.
        self.revision = path.name
        try:
            self._index = tantivy.Index.open(str(path))
            self._searcher = self._index.searcher()
        except ValueError as error:
            raise self._damaged(error) from error
        self._schema = self._index.schema

    def is_newest(self) -> bool:
        """Whether no newer state was published."""
        return (self._folder / LINK).resolve() == self.path

    @override
    def newest(
        self, search: Search, *, rows: int, after: Place | None = None, state: int | None = None
    ) -> list[Found]:
        wanted = self._query(search, state)
        found: list[Found] = []
        top = self._newest
        if after is not None:
            # Those that were published at the same moment stand in the order of their ids.
            top = min(top, after.published_at)
            at = _microseconds(after.published_at)
            ties = self._search(_all_of(wanted, self._between(at, at)), _MOST_TIES)
            found = _in_order(one for one in ties if one.place < after)
            wanted = _all_of(wanted, self._between(None, at - 1))
        for weeks, _, before in windows(search, top):
            if len(found) >= rows:
                break
            query = wanted
            if weeks:
                query = _all_of(wanted, Query.term_set_query(self._schema, "week", list(weeks)))
            elif before is not None:
                query = _all_of(wanted, self._between(None, _microseconds(before) - 1))
            found += self._first(query, rows - len(found))
        return found[:rows]

    def _first(self, query: Query, rows: int) -> list[Found]:
        """The newest articles that a query finds."""
        found = self._search(query, rows + 1)
        if len(found) > rows:
            last = _microseconds(found[-1].place.published_at)
            found = [one for one in found if _microseconds(one.place.published_at) > last]
            found += self._search(_all_of(query, self._between(last, last)), _MOST_TIES)
        return _in_order(found)

    @override
    def count(self, search: Search, *, most: int | None = None, state: int | None = None) -> int:
        with self._guarded():
            count = _count(self._searcher, self._query(search, state))
        return count if most is None else min(count, most)

    @override
    def points(self, search: Search, found: Sequence[Found]) -> list[int]:
        points = dict.fromkeys((_key(one.address) for one in found), 0)
        wanted = self._query(search, None)
        for name, worth in (("title", TITLE_POINTS), ("opening", OPENING_POINTS)):
            for phrase in search.phrases:
                query = _all_of(wanted, self._phrase(name, phrase))
                with self._guarded():
                    there = self._searcher.search(
                        query, limit=max(1, len(found)), order_by_field="published", count=False
                    ).hits
                for _, address in there:
                    if (key := _key(address)) in points:
                        points[key] += worth
        return [points[_key(one.address)] for one in found]

    @override
    def hits(self, found: Sequence[Found]) -> list[Hit]:
        return [self._hit(one.address) for one in found]

    @override
    def labels(self, found: Sequence[Found]) -> list[Labels]:
        return [Labels(one.source_uri, one.topics, one.lang) for one in self.hits(found)]

    @override
    def akin(
        self, article_id: str, near: datetime, words: Sequence[Terms], most: int
    ) -> list[Found]:
        wanted = [
            (Occur.Should, self._phrase(name, phrase))
            for phrase in words
            for name in ("title", "opening")
        ]
        if not wanted:
            return []
        around = self._between(_microseconds(near - AROUND), _microseconds(near + AROUND))
        query = Query.boolean_query(
            [
                (Occur.Must, Query.boolean_query(wanted)),
                (Occur.Must, Query.const_score_query(_lasting(self._schema), 0.0)),
                (Occur.Must, Query.const_score_query(around, 0.0)),
                (Occur.MustNot, Query.term_query(self._schema, "id", article_id, "basic")),
            ]
        )
        with self._guarded():
            there = self._searcher.search(query, limit=most, count=False).hits
        return [self._found(address) for _, address in there]

    @override
    def vectors(self, found: Sequence[Found]) -> list[bytes | None]:
        with self._guarded():
            return [
                bytes(vector) if (vector := self._searcher.doc(one.address).get_first("vector"))
                else None
                for one in found
            ]  # fmt: skip

    @override
    def vector(self, article_id: str) -> bytes | None:
        named = Query.term_query(self._schema, "id", article_id, "basic")
        found = self._search(_all_of(named, _lasting(self._schema)), 1)
        return self.vectors(found)[0] if found else None

    def _search(self, query: Query, rows: int) -> list[Found]:
        with self._guarded():
            there = self._searcher.search(
                query, limit=rows, order_by_field="published", count=False
            ).hits
        return [self._found(address) for _, address in there]

    def _found(self, address: tantivy.DocAddress) -> Found:
        one = self._hit(address)
        return Found(Place(one.published_at, one.article_id), one.change_seq, address)

    def _hit(self, address: tantivy.DocAddress) -> Hit:
        with self._guarded():
            return hit_of_text(bytes(self._searcher.doc(address)["hit"][0]).decode())

    def _query(self, search: Search, state: int | None) -> Query:
        wanted = [(Occur.Must, self._of_state(state))]
        wanted += [(Occur.Must, self._phrase("words", phrase)) for phrase in search.phrases]
        wanted += [(Occur.MustNot, self._phrase("words", phrase)) for phrase in search.without]
        for occur, sources in (
            (Occur.Must, search.sources),
            (Occur.MustNot, search.without_sources),
        ):
            if sources:
                wanted.append((occur, _any_of([self._from(source) for source in sources])))
        for occur, name, values in (
            (Occur.Must, "topic", ["_".join(topic) for topic in search.topics]),
            (Occur.MustNot, "topic", ["_".join(topic) for topic in search.without_topics]),
            (Occur.Must, "lang", list(search.languages)),
            (Occur.MustNot, "lang", list(search.without_languages)),
        ):
            if values:
                wanted.append((occur, Query.term_set_query(self._schema, name, values)))
        first = _microseconds(day_start(search.since)) if search.since else None
        last = (
            _microseconds(day_start(search.until + timedelta(days=1))) - 1 if search.until else None
        )
        if first is not None or last is not None:
            wanted.append((Occur.Must, self._between(first, last)))
        return Query.boolean_query(wanted)

    def _of_state(self, state: int | None) -> Query:
        if state is None or state == self.state:
            # Few have ended: naming them is quicker than asking all the others.
            return Query.boolean_query(
                [
                    (Occur.Must, Query.all_query()),
                    (Occur.MustNot, Query.term_query(self._schema, "past", 1)),
                ]
            )
        came = Query.range_query(self._schema, "change", FieldType.Integer, upper_bound=state)
        ends = Query.range_query(self._schema, "ended", FieldType.Integer, lower_bound=state + 1)
        return _all_of(came, ends)

    def _phrase(self, name: str, phrase: Terms) -> Query:
        if len(phrase) == 1:
            return Query.term_query(self._schema, name, phrase[0])
        return Query.phrase_query(self._schema, name, list(phrase))

    def _from(self, source: Terms) -> Query:
        *whole, last = source
        beginning = Query.regex_query(self._schema, "source", f"{re.escape(last)}.*")
        words = [Query.term_query(self._schema, "source", word, "basic") for word in whole]
        return _all_of(beginning, *words)

    def _between(self, first: int | None, last: int | None) -> Query:
        return Query.range_query(
            self._schema, "published", FieldType.Integer, lower_bound=first, upper_bound=last
        )

    def _guarded(self) -> "_Guarded":
        return _Guarded(self)

    def _damaged(self, error: Exception) -> NoIndexError:
        with suppress(OSError):
            (self._folder / _DAMAGED).touch()
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        return NoIndexError(f"{self.path} can't be read ({told}): the next `newsapi run` mends it")


class _Guarded:
    """Tells what the index can't read as what it is."""

    def __init__(self, index: CopyIndex) -> None:
        self._told_by = index

    def __enter__(self) -> None:
        """Nothing is to be held."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # A panic of tantivy is none of Python's usual errors.
        if error is not None and (
            isinstance(error, ValueError | OSError) or type(error).__name__ == "PanicException"
        ):
            raise self._told_by._damaged(Exception(str(error))) from error


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    # The package's types don't know of it.
    return int(searcher.search(query, limit=1).count)  # type: ignore[attr-defined]


def _in_order(found: Iterable[Found]) -> list[Found]:
    return sorted(found, key=lambda one: one.place, reverse=True)


def _all_of(*queries: Query) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _any_of(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _key(address: tantivy.DocAddress) -> tuple[int, int]:
    return address.segment_ord, address.doc
