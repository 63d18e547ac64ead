"""The index of searches beside the reader's copy, as it is read; see `chapters` and `making`."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import tantivy
from tantivy import FieldType, Occur, Query
from typing_extensions import override

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.reading.chapters import (
    BRAND_LABEL,
    LANGUAGE_LABEL,
    LINK,
    SOURCE_LABEL,
    TONE_LABEL,
    TOPIC_LABEL,
    Chapter,
    Stamp,
    count_of,
    engine,
    is_damage,
    lasting,
    microseconds,
    moment_of,
    note_damage,
    read_stamp,
    schema_of_chapters,
)
from newsapi_dentsu.reading.entries import AROUND, OPENING_POINTS, RULES, TITLE_POINTS
from newsapi_dentsu.reading.hits import (
    Found,
    Hit,
    Index,
    Labels,
    NoIndexError,
    Place,
    Tally,
    hit_of_text,
    tally_of,
    tally_of_all,
)
from newsapi_dentsu.reading.search import Search, Terms
from newsapi_dentsu.reading.symlinks import state_led_to

_MOST_TIES: Final = 1_000_000

_MOST_LABELS: Final = 20_000
"""More than there are among the hits that are counted at once."""

_BY_LABEL: Final = {"label": {"terms": {"field": "label", "size": _MOST_LABELS}}}


@dataclass(frozen=True, slots=True)
class _Opened:
    """A chapter that is open, and the span of time that it has, in microseconds since 1970."""

    of: Chapter
    searcher: tantivy.Searcher
    since: int | None
    before: int | None

    def has_any(self, first: int | None, last: int | None) -> bool:
        """Whether it may have articles from a moment up to another."""
        return (last is None or self.since is None or last >= self.since) and (
            first is None or self.before is None or first < self.before
        )


@dataclass(frozen=True, slots=True)
class _Address:
    """Where an article stands in which chapter, and how people see it."""

    chapter: int
    document: tantivy.DocAddress
    hit: Hit


class CopyIndex(Index):
    """One state of the index, opened for reading; threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Open the newest state.

        Raises:
            NoIndexError: there is none, or it can't be read.
        """
        self._folder = folder
        # No other state ever has the same.
        self.revision = state_led_to(folder / LINK) or ""
        path = (folder / LINK).resolve()
        stamp = stamp_to_read(folder)
        self.state = stamp.state
        self.since = stamp.since
        self._schema = schema_of_chapters()
        self._chapters: list[_Opened] = []
        before = None
        for chapter in stamp.chapters:
            with _Guarded(folder, chapter.name):
                searcher = tantivy.Index.open(str(path / chapter.name)).searcher()
            self._chapters.append(_Opened(chapter, searcher, chapter.since, before))
            before = chapter.since

    def is_newest(self) -> bool:
        """Whether no newer state was published."""
        # Without links there is none for the moment in which one takes the place of another.
        return state_led_to(self._folder / LINK) in (None, self.revision)

    @override
    def newest(
        self, search: Search, *, rows: int, after: Place | None = None, state: int | None = None
    ) -> list[Found]:
        found: list[Found] = []
        wanted = self._query(search, state)
        first, last = _times(search)
        if after is not None:
            # Those that were published at the same moment stand in the order of their ids.
            at = microseconds(after.published_at)
            for number, _ in self._spanning(at, at):
                ties = self._search(number, _all_of(wanted, self._between(at, at)), _MOST_TIES)
                found = _in_order(one for one in ties if one.place < after)
            last = at - 1 if last is None else min(last, at - 1)
            wanted = _all_of(wanted, self._between(None, last))
        for number, _ in self._spanning(first, last):
            if len(found) >= rows:
                break
            found += self._first(number, wanted, rows - len(found))
        return found[:rows]

    def _first(self, number: int, query: Query, rows: int) -> list[Found]:
        """The newest articles of a chapter that a query finds."""
        found = self._search(number, query, rows + 1)
        if len(found) > rows:
            last = microseconds(found[-1].place.published_at)
            found = [one for one in found if microseconds(one.place.published_at) > last]
            tied = _all_of(query, self._between(last, last))
            found += self._search(number, tied, _MOST_TIES)
        return _in_order(found)

    @override
    def count(self, search: Search, *, most: int | None = None, state: int | None = None) -> int:
        query = self._query(search, state)
        count = 0
        for _, chapter in self._spanning(*_times(search)):
            with self._guarded(chapter):
                count += count_of(chapter.searcher, query)
            if most is not None and count >= most:
                return most
        return count

    @override
    def points(self, search: Search, found: Sequence[Found]) -> list[int]:
        points = dict.fromkeys((_key(one) for one in found), 0)
        wanted = self._query(search, None)
        for number, chapter in enumerate(self._chapters):
            of_chapter = sum(one.address.chapter == number for one in found)
            if not of_chapter:
                continue
            for name, worth in (("title", TITLE_POINTS), ("opening", OPENING_POINTS)):
                for phrase in search.phrases:
                    query = _all_of(wanted, self._phrase(name, phrase))
                    with self._guarded(chapter):
                        there = chapter.searcher.search(
                            query, limit=of_chapter, order_by_field="published", count=False
                        ).hits
                    for _, document in there:
                        key = number, document.segment_ord, document.doc
                        if key in points:
                            points[key] += worth
        return [points[_key(one)] for one in found]

    @override
    def hits(self, found: Sequence[Found]) -> list[Hit]:
        return [one.address.hit for one in found]

    @override
    def tally(self, search: Search, rows: int) -> Tally:
        if search.brands:
            # How each speaks about any of them can't be told by counts.
            return self._tally_of(self.newest(search, rows=rows), search)
        wanted = self._query(search, None)
        tallies: list[Tally] = []
        for number, _ in self._spanning(*_times(search)):
            left = rows - sum(one.of for one in tallies)
            if left <= 0:
                break
            tallies += self._tallies(number, search, wanted, left)
        return tally_of_all(tallies)

    def _tally_of(self, found: Sequence[Found], search: Search) -> Tally:
        labels = [
            Labels(one.source_uri, one.topics, one.lang, one.tone, one.targets)
            for one in self.hits(found)
        ]
        return tally_of(found, labels, search)

    def _tallies(self, number: int, search: Search, query: Query, rows: int) -> Iterator[Tally]:
        """What the newest hits of a chapter are counted by."""
        chapter = self._chapters[number]
        with self._guarded(chapter):
            there = chapter.searcher.search(
                query, limit=rows + 1, order_by_field="published", count=False
            ).hits
        times = [int(time) for time, _ in there]
        if len(times) > rows:
            # Of those that were published at the same moment, some may be too many.
            last = times[-1]
            times = [time for time in times if time > last]
            tied = self._search(number, _all_of(query, self._between(last, last)), _MOST_TIES)
            tied = _in_order(tied)[: rows - len(times)]
            yield self._tally_of(tied, search)
            query = _all_of(query, self._between(last + 1, None))
        if not times:
            return
        with self._guarded(chapter):
            told = chapter.searcher.aggregate(query, _BY_LABEL)["label"]["buckets"]
        counts = [(str(one["key"]), int(one["doc_count"])) for one in told]

        def beginning(kind: str) -> Counter[str]:
            return Counter(
                {key.removeprefix(kind): hits for key, hits in counts if key.startswith(kind)}
            )

        yield Tally(
            of=len(times),
            days=Counter(moment_of(time).date() for time in times),
            sources=beginning(SOURCE_LABEL),
            topics=beginning(TOPIC_LABEL),
            languages=beginning(LANGUAGE_LABEL),
            tones=beginning(TONE_LABEL),
            brands=beginning(BRAND_LABEL),
        )

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
        first, last = microseconds(near - AROUND), microseconds(near + AROUND)
        query = Query.boolean_query(
            [
                (Occur.Must, Query.boolean_query(wanted)),
                (Occur.Must, Query.const_score_query(lasting(self._schema), 0.0)),
                (Occur.Must, Query.const_score_query(self._between(first, last), 0.0)),
                (Occur.MustNot, Query.term_query(self._schema, "id", article_id, "basic")),
            ]
        )
        scored: list[tuple[float, Found]] = []
        for number, chapter in self._spanning(first, last):
            with self._guarded(chapter):
                there = chapter.searcher.search(query, limit=most, count=False).hits
                scored += [(score, self._found(number, document)) for score, document in there]
        scored.sort(key=lambda one: -one[0])
        return [one for _, one in scored[:most]]

    @override
    def vectors(self, found: Sequence[Found]) -> list[bytes | None]:
        return [self._vector(one.address) for one in found]

    @override
    def vector(self, article_id: str) -> bytes | None:
        named = Query.term_query(self._schema, "id", article_id, "basic")
        query = _all_of(named, lasting(self._schema))
        for number in range(len(self._chapters)):
            if found := self._search(number, query, 1):
                return self.vectors(found)[0]
        return None

    def _vector(self, address: _Address) -> bytes | None:
        chapter = self._chapters[address.chapter]
        with self._guarded(chapter):
            kept = chapter.searcher.doc(address.document).get_first("vector")
        return bytes(kept) if kept else None

    def _spanning(self, first: int | None, last: int | None) -> Iterator[tuple[int, _Opened]]:
        """The chapters that may have articles from a moment up to another, the newest first."""
        return (
            (number, chapter)
            for number, chapter in enumerate(self._chapters)
            if chapter.has_any(first, last)
        )

    def _search(self, number: int, query: Query, rows: int) -> list[Found]:
        chapter = self._chapters[number]
        with self._guarded(chapter):
            there = chapter.searcher.search(
                query, limit=rows, order_by_field="published", count=False
            ).hits
            return [self._found(number, document) for _, document in there]

    def _found(self, number: int, document: tantivy.DocAddress) -> Found:
        kept = self._chapters[number].searcher.doc(document)["hit"][0]
        one = hit_of_text(bytes(kept).decode())
        place = Place(one.published_at, one.article_id)
        return Found(place, one.change_seq, _Address(number, document, one))

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
            (Occur.Must, "domain", list(search.domains)),
            (Occur.MustNot, "domain", list(search.without_domains)),
            (Occur.Must, "topic", ["_".join(topic) for topic in search.topics]),
            (Occur.MustNot, "topic", ["_".join(topic) for topic in search.without_topics]),
            (Occur.Must, "lang", list(search.languages)),
            (Occur.MustNot, "lang", list(search.without_languages)),
            (Occur.Must, "tone", list(search.labels)),
            (Occur.MustNot, "tone", list(search.without_labels)),
        ):
            if values:
                wanted.append((occur, Query.term_set_query(self._schema, name, values)))
        first, last = _times(search)
        if first is not None or last is not None:
            wanted.append((Occur.Must, self._between(first, last)))
        return Query.boolean_query(wanted)

    def _of_state(self, state: int | None) -> Query:
        if state is None or state == self.state:
            return lasting(self._schema)
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

    def _guarded(self, chapter: _Opened) -> "_Guarded":
        return _Guarded(self._folder, chapter.of.name)


def stamp_to_read(folder: Path) -> Stamp:
    """The stamp of the newest state.

    Raises:
        NoIndexError: there is none, or it can't be read.
    """
    link = folder / LINK
    if not os.path.lexists(link):
        raise NoIndexError(f"{link} doesn't exist yet: run `newsapi run` first")
    stamp = read_stamp(link.resolve())
    if stamp is None:
        raise NoIndexError(f"{link} can't be read: the next `newsapi run` makes it anew")
    if (stamp.rules, stamp.engine) != (RULES, engine()):
        raise NoIndexError(
            f"{link} was made by another version: the next `newsapi run` makes it anew"
        )
    return stamp


class _Guarded:
    """Tells what a chapter can't read as what it is, and remembers it for the next run."""

    def __init__(self, folder: Path, chapter: str) -> None:
        self._folder, self._chapter = folder, chapter

    def __enter__(self) -> None:
        """Nothing is to be held."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and is_damage(error):
            note_damage(self._folder, self._chapter)
            told = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise NoIndexError(
                f"{self._folder / LINK} can't be read ({told}): the next `newsapi run` mends it"
            ) from error


def _times(search: Search) -> tuple[int | None, int | None]:
    """The first and the last microsecond in which hits may have been published."""
    first = microseconds(day_start(search.since)) if search.since else None
    last = microseconds(day_start(search.until + timedelta(days=1))) - 1 if search.until else None
    return first, last


def _in_order(found: Iterable[Found]) -> list[Found]:
    return sorted(found, key=lambda one: one.place, reverse=True)


def _all_of(*queries: Query) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _any_of(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _key(found: Found) -> tuple[int, int, int]:
    address = found.address
    return address.chapter, address.document.segment_ord, address.document.doc
