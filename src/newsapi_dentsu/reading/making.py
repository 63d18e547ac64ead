"""Making the index of searches beside the reader's copy, and bringing it up after a run.

It may be killed at any moment: readers go on with the state before, and what was made up to the
last chapter stays. Where there is much to make, readers have the newest chapters meanwhile.
"""

import os
import shutil
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb
import tantivy
from tantivy import Query

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.reading import chapters
from newsapi_dentsu.reading.chapters import LINK, STAMP, Chapter, Stamp
from newsapi_dentsu.reading.copy import FILE, note_damage
from newsapi_dentsu.reading.entries import COLUMNS, FOR_GOOD, RULES, entry, vector_hash
from newsapi_dentsu.reading.hits import Reach, hit
from newsapi_dentsu.reading.symlinks import lead, new_state, share, sweep
from newsapi_dentsu.reading.tones import spoken_of
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBSession, tells_damage
from newsapi_dentsu.warehouse.engines.quoting import quoted_text
from newsapi_dentsu.warehouse.tables import embeddings, tone

_CHAPTER: Final = 25_000
"""Articles of a chapter when it is made; one that has grown to twice as many is made anew."""

_AT_ONCE: Final = 3 * _CHAPTER
"""Entries that a change of state may cost before anybody sees it.

A chapter that has grown too large is one: else all that are older would be made anew with it.
"""

_HEAP: Final = 32_000_000
_SMALL: Final[dict[str, str | bool | int | float | list[str]]] = {
    "memory_limit": "128MB",
    "threads": 1,
}
"""What tantivy may take for new entries, and DuckDB for reading the copy."""

_ROWS: Final = 1_000
_MICROSECONDS: Final = "epoch_us(published_at)"


def publish_index(
    warehouse: Warehouse,
    folder: Path,
    model: str,
    *,
    seconds: float | None = None,
    progress: Progress = no_progress,
) -> Reach:
    """Bring the index up to the reader's copy; the caller holds the run lock.

    Args:
        warehouse: where the vectors of texts are.
        folder: where the reader's copy lies.
        model: the sentence model whose vectors tell what articles mean.
        seconds: after which no further chapter is begun; one is made in any case.
        progress: told how many articles are in it.

    Raises:
        StorageError: the folder can't be written.
    """
    until = None if seconds is None else time.monotonic() + seconds
    try:
        # A killed publisher leaves one without a stamp.
        sweep(folder / LINK, lambda state: not (state / STAMP).exists())
        with closing(duckdb.connect(":memory:", config=_SMALL)) as copy:
            copy.execute(f"ATTACH {quoted_text(folder / FILE)} AS news (READ_ONLY)")
            copy.execute("USE news")
            copy.execute("SET TimeZone = 'UTC'")
            making = _Making(warehouse, copy, folder, model)
            stamp = making.brought()
            while stamp is None or stamp.since is not None:
                stamp = making.continued(stamp)
                progress(stamp.articles, stamp.of)
                if until is not None and time.monotonic() > until:
                    break
            chapters.forget_damage(folder)
    except (OSError, duckdb.Error, ValueError) as error:
        if isinstance(error, duckdb.Error) and tells_damage(error):
            note_damage(folder)
        # What tantivy can't write it tells as a ValueError.
        told = str(error).splitlines()[0]
        raise StorageError(
            f"{folder / LINK}: {told}; make room or make the folder writable"
        ) from error
    return stamp.reach


@dataclass(frozen=True, slots=True)
class _Span:
    """Articles published from a moment (None: the first) up to before another (None: the last)."""

    since: int | None
    before: int | None

    @property
    def condition(self) -> str:
        """The same in SQL."""
        parts = ["change_seq IS NOT NULL"]
        if self.since is not None:
            parts.append(f"published_at >= make_timestamptz({self.since})")
        if self.before is not None:
            parts.append(f"published_at < make_timestamptz({self.before})")
        return " AND ".join(parts)

    def held(self, places: Sequence[int]) -> int:
        """How many of some moments, which stand in order, are in it."""
        first = 0 if self.since is None else bisect_left(places, self.since)
        return (len(places) if self.before is None else bisect_left(places, self.before)) - first


class _Making:
    """Making the states of the index that belong to one state of the copy."""

    def __init__(
        self, warehouse: Warehouse, copy: duckdb.DuckDBPyConnection, folder: Path, model: str
    ) -> None:
        self._warehouse, self._copy, self._folder, self._model = warehouse, copy, folder, model
        self._beside = DuckDBSession(copy.cursor())
        self._beside.execute("USE news")
        ((state, self._past_from),) = self._rows(
            "SELECT change_seq, past_from FROM final.reading_state"
        )
        ((newest,),) = self._rows(
            "SELECT max(published_at) FROM (SELECT published_at FROM final.articles "
            "UNION ALL SELECT published_at FROM final.articles_past) AS told"
        )
        self._wanted = Stamp(
            state=state,
            rules=RULES,
            engine=chapters.engine(),
            model=model,
            newest=(newest or chapters.EPOCH).isoformat(),
            of=self._count(_Span(None, None)),
            tone_seq=self._rows("SELECT tone_seq FROM publishing.assessed")[0][0],
            chapters=(),
            articles_sum=self._sum(state),
        )

    def brought(self) -> Stamp | None:
        """What there is, brought up to the copy; None where nothing of it can be used.

        Where that costs too much at once, the oldest chapters are left out, to be made again.
        """
        former = self._former()
        if former is None:
            return None
        noted = chapters.damaged(self._folder)
        harmed = {one.name for one in former.chapters if one.name in noted or self._is_harmed(one)}
        known = (former.state, former.tone_seq)
        if known == (self._wanted.state, self._wanted.tone_seq) and not harmed:
            return former
        self._find_changed(*known)
        # Former rows are known back to there: all places where what changed may have been.
        everywhere = former.state < self._past_from
        stamp = self._brought(former, harmed, everywhere=everywhere)
        if stamp.since is None and stamp.articles != stamp.of and not everywhere:
            stamp = self._brought(former, harmed, everywhere=True)
        return stamp

    def _brought(self, former: Stamp, harmed: set[str], *, everywhere: bool) -> Stamp:
        """A state made of a former one; only chapters are opened that may have what changed."""
        now, ever = self._places("final.articles"), self._places("final.articles_past")
        part = self._begin()
        made: list[Chapter] = []
        cost = 0
        for chapter, span in zip(former.chapters, _spans(former.chapters), strict=True):
            same = not (
                everywhere
                or chapter.name in harmed
                or chapter.past <= self._past_from
                or any(span.held(places) for places in (now, ever))
            )
            count = chapter.articles if same else self._count(span)
            anew = chapter.name in harmed or count > 2 * _CHAPTER
            cost += count if anew else span.held(now)
            if made and cost > _AT_ONCE:
                break
            if same and not anew:
                self._linked(part, chapter)
                made.append(chapter)
                continue
            kept = (
                None
                if anew
                else self._changed_chapter(part, chapter, span, count, held=span.held(now) > 0)
            )
            made += [kept] if kept else self._made(part, span)
            if made[-1].since != span.since:
                break
        return self._published(part, made)

    def continued(self, stamp: Stamp | None) -> Stamp:
        """A state that has a further chapter."""
        before = stamp.chapters[-1].since if stamp else None
        part = self._begin()
        there = list(stamp.chapters) if stamp else []
        for chapter in there:
            self._linked(part, chapter)
        since = self._start_of_chapter(_Span(None, before))
        return self._published(part, [*there, self._made_chapter(part, _Span(since, before))])

    def _rows(self, query: str, *parameters: object) -> list[Row]:
        return self._copy.execute(query, list(parameters)).fetchall()

    def _count(self, span: _Span) -> int:
        ((count,),) = self._rows(f"SELECT count(*) FROM final.articles WHERE {span.condition}")
        return int(count)

    def _places(self, table: str) -> list[int]:
        """When those of a table's articles were published that have changed, in order."""
        found = self._rows(
            f"SELECT {_MICROSECONDS} FROM {table} WHERE change_seq IS NOT NULL "
            "AND article_id IN (SELECT article_id FROM changed) ORDER BY 1"
        )
        return [place for (place,) in found]

    def _former(self) -> Stamp | None:
        """The stamp of the state that there is, if the wanted one can be made of it."""
        stamp = chapters.read_stamp(self._folder / LINK)
        if stamp is None or stamp.state > self._wanted.state:
            return None
        if stamp.tone_seq > self._wanted.tone_seq:
            return None
        same = replace(self._wanted, rules=stamp.rules, engine=stamp.engine, model=stamp.model)
        return stamp if same == self._wanted and self._has_had(stamp) else None

    def _has_had(self, stamp: Stamp) -> bool:
        """Whether the copy's articles were once those of a state, as far as can be told.

        A warehouse that was set back gives the numbers of changes to others.
        """
        told = stamp.articles_sum
        if told is None or told[0] != duckdb.__version__ or stamp.state < self._past_from:
            return True
        return told == self._sum(stamp.state)

    def _sum(self, state: int) -> tuple[str, int]:
        """What tells the articles of a state from others, with the version that makes it."""
        ((told,),) = self._rows(
            "SELECT bit_xor(hash(article_id, change_seq, updated_at)) FROM "
            "(SELECT * FROM (SELECT article_id, change_seq, updated_at, "
            f"CAST({FOR_GOOD} AS bigint) AS ended_seq FROM final.articles) UNION ALL "
            "SELECT article_id, change_seq, updated_at, ended_seq FROM final.articles_past) "
            "AS told WHERE change_seq <= $1 AND ended_seq > $1",
            state,
        )
        return duckdb.__version__, int(told or 0)

    def _is_harmed(self, chapter: Chapter) -> bool:
        for name, (size, changed) in chapter.files.items():
            path = self._folder / LINK / chapter.name / name
            try:
                found = path.stat()
            except OSError:
                return True
            # Tantivy keeps some from all other users.
            if not os.access(path, os.R_OK):
                return True
            if (found.st_size, found.st_mtime_ns) != (size, changed):
                return True
        return False

    def _find_changed(self, state: int, tone_seq: int) -> None:
        """Name the articles that came, changed, got other tones or left after a state."""
        with self._warehouse.snapshot() as session:
            toned = tone.changed_after(session, tone_seq)
        self._copy.execute(
            "CREATE OR REPLACE TEMP TABLE changed AS SELECT article_id FROM final.article_changes "
            f"WHERE change_seq > {state} UNION SELECT unnest($1::text[])",
            [toned],
        )

    def _begin(self) -> Path:
        return new_state(self._folder / LINK, self._wanted.state)

    def _linked(self, part: Path, chapter: Chapter) -> Path:
        """The folder of a chapter in a new state, with the files of the one before."""
        there = part / chapter.name
        there.mkdir()
        for name in chapter.files:
            share(self._folder / LINK / chapter.name / name, there / name)
        return there

    def _changed_chapter(
        self, part: Path, chapter: Chapter, span: _Span, count: int, *, held: bool
    ) -> Chapter | None:
        """A chapter brought up to the copy; None where it still lacks what it should hold.

        It has as many articles as are counted in its span; whether any of them changed is `held`.
        """
        there = self._linked(part, chapter)
        try:
            kept = self._changed_files(there, chapter, span, held=held)
        except BaseException as error:
            if not chapters.is_damage(error):
                raise
            # Files of the right size and time, with other contents.
            kept = None
        if kept is not None and kept.articles == count:
            return kept
        shutil.rmtree(there)
        return None

    def _changed_files(self, there: Path, chapter: Chapter, span: _Span, *, held: bool) -> Chapter:
        index = tantivy.Index.open(str(there))
        ids = [one for (one,) in self._rows("SELECT article_id FROM changed")]
        forgotten = chapters.ended_up_to(index.schema, self._past_from)
        former = Query.term_set_query(index.schema, "id", ids) if ids else None
        searcher = index.searcher()
        if (
            held
            or chapters.count_of(searcher, forgotten)
            or (former is not None and chapters.count_of(searcher, former))
        ):
            writer = index.writer(_HEAP, 1)
            writer.delete_documents_by_query(forgotten)
            if former is not None:
                writer.delete_documents_by_query(former)
            self._add(writer, span, "changed")
            chapter = self._ended(index, writer, chapter, there)
        elif chapter.past == 0:
            chapter = replace(chapter, past=chapters.first_end(searcher, index.schema))
        return chapter

    def _made(self, part: Path, span: _Span) -> list[Chapter]:
        """The chapters of a span, made anew; of a long one the newest."""
        made: list[Chapter] = []
        before = span.before
        while not made or (before != span.since and sum(one.articles for one in made) < _AT_ONCE):
            since = self._start_of_chapter(_Span(span.since, before))
            made.append(self._made_chapter(part, _Span(since, before)))
            before = since
        return made

    def _start_of_chapter(self, span: _Span) -> int | None:
        """Where a chapter begins that has the newest articles of a span."""
        found = self._rows(
            f"SELECT {_MICROSECONDS} FROM final.articles WHERE {span.condition} "
            f"ORDER BY published_at DESC LIMIT 1 OFFSET {_CHAPTER - 1}"
        )
        if not found:
            return span.since
        since = int(found[0][0])
        older = self._rows(
            f"SELECT 1 FROM final.articles WHERE {_Span(span.since, since).condition} LIMIT 1"
        )
        return since if older else span.since

    def _made_chapter(self, part: Path, span: _Span) -> Chapter:
        chapter = Chapter(f"{time.time_ns()}", span.since, 0)
        there = part / chapter.name
        there.mkdir()
        index = tantivy.Index(chapters.schema_of_chapters(), str(there))
        writer = index.writer(_HEAP, 1)
        self._add(writer, span)
        return self._ended(index, writer, chapter, there)

    def _ended(
        self, index: tantivy.Index, writer: tantivy.IndexWriter, chapter: Chapter, there: Path
    ) -> Chapter:
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        files = {
            path.name: [path.stat().st_size, path.stat().st_mtime_ns]
            for path in there.iterdir()
            if not path.name.endswith(".lock")
        }
        searcher = index.searcher()
        return replace(
            chapter,
            articles=chapters.count_of(searcher, chapters.lasting(index.schema)),
            files=files,
            past=chapters.first_end(searcher, index.schema),
        )

    def _add(self, writer: tantivy.IndexWriter, span: _Span, among: str | None = None) -> None:
        """Add the articles of a span, as they are and as they were."""
        for rows in self._read(span, among):
            spoken = spoken_of(self._beside, list({row[0] for row in rows}))
            vectors = self._vectors([name for row in rows if (name := vector_hash(row))])
            # One by one: taken apart, a thousand articles take a hundred megabytes.
            for row in rows:
                about = spoken.get(row[0], [])
                one = entry(row[:-1], row[-1], about)
                vector = vectors.get(one.vector_hash or "")
                writer.add_document(chapters.document(one, hit(row[:-1], about), vector))

    def _read(self, span: _Span, among: str | None) -> Iterator[list[Row]]:
        only = f" AND article_id IN (SELECT article_id FROM {among})" if among else ""
        columns = ", ".join(COLUMNS)
        for table, ended in (
            ("final.articles", f"CAST({FOR_GOOD} AS bigint)"),
            ("final.articles_past", "ended_seq"),
        ):
            self._copy.execute(
                f"SELECT {columns}, {ended} FROM {table} WHERE {span.condition}{only}"
            )
            while rows := self._copy.fetchmany(_ROWS):
                yield rows

    def _vectors(self, hashes: Sequence[str]) -> dict[str, bytes]:
        with self._warehouse.snapshot() as session:
            return _in_bytes(embeddings.vectors(session, self._model, hashes))

    def _published(self, part: Path, made: Sequence[Chapter]) -> Stamp:
        stamp = replace(self._wanted, chapters=tuple(made))
        chapters.write_stamp(part, stamp)
        lead(self._folder / LINK, part)
        return stamp


def _in_bytes(found: dict[str, Any]) -> dict[str, bytes]:
    if not found:
        return {}
    import numpy as np

    from newsapi_dentsu.domain.vectors import in_steps

    steps = in_steps(np.stack(list(found.values())))
    return {name: row.tobytes() for name, row in zip(found, steps, strict=True)}


def _spans(there: Sequence[Chapter]) -> list[_Span]:
    """What each of these chapters has."""
    bounds = [None, *(chapter.since for chapter in there)]
    return [_Span(since, before) for before, since in pairwise(bounds)]
