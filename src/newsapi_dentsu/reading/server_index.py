"""The index of searches on PostgreSQL: full text in a table of its own, filled after each run.

PostgreSQL takes no text apart here. An entry's words come as terms with their places, of which
titles have weight A, openings B; beside them, as terms that no text can have, stand the source and
its domain, the topics, the language and the week. So one GIN index answers all of a search, and the
newest hits of a frequent word are found in the newest weeks, without looking at all that there are.
"""

import time
from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from newsapi_dentsu.domain.record import day_start
from newsapi_dentsu.progress import Progress, no_progress
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
    Reach,
    Tally,
    hit,
    rows_as_found,
    tally_of,
    week_of,
    windows,
)
from newsapi_dentsu.reading.search import Search, Terms
from newsapi_dentsu.reading.tones import spoken_of
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, Session, one
from newsapi_dentsu.warehouse.tables import embeddings, positions, search, tone
from newsapi_dentsu.warehouse.tables.search import ENTRIES, SearchState

if TYPE_CHECKING:
    from newsapi_dentsu.domain.vectors import Vector

_BATCH: Final = 1_000
_MANY: Final = 20_000
_EVERY: Final = "#"
"""A term that each entry has."""

_AKIN_OF: Final = 2_000


def publish_entries(
    warehouse: Warehouse,
    model: str,
    *,
    seconds: float | None = None,
    progress: Progress = no_progress,
) -> Reach | None:
    """Bring the entries up to what is stored; the caller holds the run lock.

    It may be killed at any moment: readers search the state before, and the next call goes on.

    Args:
        warehouse: a PostgreSQL warehouse.
        model: the sentence model whose vectors tell what articles mean.
        seconds: after which no more is taken.
        progress: told how many of the changes are taken.

    Returns:
        What can be searched now; None where that is nothing yet.
    """
    until = None if seconds is None else time.monotonic() + seconds

    def begin(session: Session) -> tuple[SearchState, int, int]:
        target: int = one(session, "SELECT change_seq FROM final.reading_state")
        toned = positions.position(session, tone.SEQUENCE)
        now = search.state(session)
        if now is None or (now.rules, now.model) != (RULES, model) or now.reached > target:
            search.clear(session)
            if target > _MANY:
                # Made at the end, it costs a fifth of what so many additions to it do.
                search.drop_index(session)
            now = SearchState(-1, -1, RULES, model, toned)
            search.set_state(session, now)
        return now, target, toned

    now, target, toned = warehouse.write(begin)
    while now.change_seq < target and (until is None or time.monotonic() < until):
        now = warehouse.write(partial(_take, now=now, target=target))
        progress(now.reached, target)
    if now.change_seq < 0:
        return None
    if now.change_seq < target:
        return Reach(now.change_seq, None, target - now.reached)
    while (now.tone_seq or 0) < toned and (until is None or time.monotonic() < until):
        now = warehouse.write(partial(_take_tones, now=now, target=toned))
    # Where its index isn't there, it is made.
    warehouse.upgrade()
    return Reach(now.change_seq, None, 0)


def _take(session: Session, now: SearchState, target: int) -> SearchState:
    """Take the next changes; with the last ones the entries are complete for `target`."""
    columns = ", ".join(COLUMNS)
    shown = session.rows(
        f"SELECT {columns}, {FOR_GOOD} FROM final.articles "
        f"WHERE change_seq > $1 AND change_seq <= $2 ORDER BY change_seq LIMIT {_BATCH}",
        now.reached,
        target,
    )
    reached = target if len(shown) < _BATCH else shown[-1][COLUMNS.index("change_seq")]
    ended = session.rows(
        "SELECT article_id, change_seq FROM final.article_changes "
        "WHERE change = 'left' AND change_seq > $1 AND change_seq <= $2",
        now.reached,
        reached,
    )
    made = _entries(session, shown)
    search.end(session, [*ended, *((one.article_id, one.change_seq) for one in made)], FOR_GOOD)
    _save(session, made, now.model)
    done = reached == target
    if done:
        search.forget(session, one(session, "SELECT past_from FROM final.reading_state"))
    after = replace(now, change_seq=target if done else now.change_seq, reached=reached)
    search.set_state(session, after)
    return after


def _take_tones(session: Session, now: SearchState, target: int) -> SearchState:
    """Take the next changes of tones, of articles that the entries have, as they were as well."""
    toned = tone.changed_after(session, now.tone_seq or 0, _BATCH)
    columns = ", ".join(COLUMNS)
    of_toned = "article_id IN (SELECT unnest($1::text[])) AND change_seq <= $2"
    shown = session.rows(
        f"SELECT {columns}, {FOR_GOOD} FROM final.articles WHERE {of_toned} UNION ALL "
        f"SELECT {columns}, ended_seq FROM final.articles_past WHERE {of_toned}",
        toned,
        now.reached,
    )
    _save(session, _entries(session, shown), now.model)
    last = tone.articles(session, toned[-1:]).values()
    reached = [one.tone_seq or target for one in last] if len(toned) == _BATCH else [target]
    after = replace(now, tone_seq=reached[0])
    search.set_state(session, after)
    return after


def _entries(session: Session, rows: Sequence[Row]) -> list[Entry]:
    """The entries of articles in `COLUMNS`, each with the change that ended it."""
    spoken = spoken_of(session, [row[0] for row in rows])
    return [entry(row[:-1], row[-1], spoken.get(row[0], [])) for row in rows]


def _save(session: Session, made: Sequence[Entry], model: str) -> None:
    vectors = embeddings.vectors(
        session, model, [one.vector_hash for one in made if one.vector_hash]
    )
    search.save(
        session,
        [
            (
                *(one.article_id, one.change_seq, one.ended_seq, one.published_at),
                full_text(one),
                _in_bytes(vectors.get(one.vector_hash or "")),
            )
            for one in made
        ],
    )


def _in_bytes(vector: "Vector | None") -> bytes | None:
    if vector is None:
        return None
    from newsapi_dentsu.domain.vectors import in_steps

    return in_steps(vector.reshape(1, -1)).tobytes()


def full_text(one: Entry) -> str:
    """An entry's terms as PostgreSQL reads them."""
    places: dict[str, list[str]] = {}
    opening = one.title_words + 1
    opened = opening + len(one.opening)
    for place, word in enumerate(one.words):
        if word is not None:
            weight = "A" if place < one.title_words else "B" if opening <= place < opened else ""
            places.setdefault(word, []).append(f"{place + 1}{weight}")
    labels = [_EVERY, _of_week(week_of(one.published_at)), _of_lang(one.lang)]
    labels += [_of_source(source) for source in sorted(one.sources)]
    labels.append(_of_domain(one.domain))
    labels += [_of_topic(topic_name(topic)) for topic in one.topics]
    labels += [_of_tone(label) for label in sorted(one.tones)]
    return " ".join(
        [
            *(f"{_quoted(word)}:{','.join(at)}" for word, at in places.items()),
            *(_quoted(label) for label in labels),
        ]
    )


def _of_week(week: int) -> str:
    return f"#w{week}"


def _of_lang(lang: str) -> str:
    return f"#l{lang[:20]}"


def _of_source(term: str) -> str:
    return f"#s{term}"


def _of_domain(domain: str) -> str:
    return f"#d{domain}"


def _of_topic(name: str) -> str:
    return f"#t{name[:200]}"


def _of_tone(label: str) -> str:
    return f"#o{label}"


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _phrase(phrase: Terms, weight: str = "") -> str:
    return "(" + " <-> ".join(f"{_quoted(term)}{weight}" for term in phrase) + ")"


def _asked(wanted: Search, weeks: Sequence[int] = ()) -> str:
    """What the full text must have, as PostgreSQL asks for it."""

    def source(terms: Terms) -> str:
        *whole, last = terms
        words = [_quoted(_of_source(word)) for word in whole]
        return "(" + " & ".join([*words, f"{_quoted(_of_source(last))}:*"]) + ")"

    def any_of(parts: Sequence[str]) -> list[str]:
        return ["(" + " | ".join(parts) + ")"] if parts else []

    def topics(names: Sequence[Terms]) -> list[str]:
        return [_quoted(_of_topic("_".join(topic))) for topic in names]

    def domains(keys: Sequence[str]) -> list[str]:
        return [_quoted(_of_domain(key)) for key in keys]

    def languages(codes: Sequence[str]) -> list[str]:
        return [_quoted(_of_lang(code)) for code in codes]

    def tones(labels: Sequence[str]) -> list[str]:
        return [_quoted(_of_tone(label)) for label in labels]

    without = [
        *map(_phrase, wanted.without),
        *map(source, wanted.without_sources),
        *domains(wanted.without_domains),
        *topics(wanted.without_topics),
        *languages(wanted.without_languages),
        *tones(wanted.without_labels),
    ]
    parts = [
        *any_of([_quoted(_of_week(week)) for week in weeks]),
        *map(_phrase, wanted.phrases),
        *any_of(list(map(source, wanted.sources))),
        *any_of(domains(wanted.domains)),
        *any_of(topics(wanted.topics)),
        *any_of(languages(wanted.languages)),
        *any_of(tones(wanted.labels)),
        *(f"!{part}" for part in without),
    ]
    must = (
        *(wanted.phrases, wanted.sources, wanted.domains),
        *(wanted.topics, wanted.languages, wanted.labels),
    )
    if not weeks and not any(must):
        parts.insert(0, _quoted(_EVERY))
    return " & ".join(parts)


def entries_revision(found: SearchState | None) -> str | None:
    """What names all that searches answer from; None where they can't answer."""
    if found is None or found.change_seq < 0 or found.rules != RULES:
        return None
    return "-".join(str(part) for part in astuple(found))


class ServerIndex(Index):
    """The entries as one transaction sees them."""

    def __init__(self, session: Session) -> None:
        """Look what there is.

        Raises:
            NoIndexError: nothing, or of another version of this program.
        """
        self._session = session
        found = search.state(session)
        revision = entries_revision(found)
        if found is None or revision is None:
            begun = found is not None and found.reached >= 0 and found.rules == RULES
            raise NoIndexError(
                "nothing can be searched before the index is complete: `newsapi searches index`"
                if begun
                else "nothing can be searched yet: run `newsapi run` first"
            )
        self.state = found.change_seq
        self.since = None
        self.revision = revision

    @override
    def newest(
        self, search: Search, *, rows: int, after: Place | None = None, state: int | None = None
    ) -> list[Found]:
        found: list[Found] = []
        top = self._top(after, state)
        for weeks, first, last in windows(search, top) if top else ():
            parameters: list[object] = [_asked(search, weeks), self._state(state), first, last]
            below = ""
            if after is not None:
                below = "AND (published_at, article_id) < ($5, $6) "
                parameters += [after.published_at, after.article_id]
            found += [
                Found(Place(published_at, article_id), change_seq)
                for published_at, article_id, change_seq in self._session.rows(
                    f"SELECT published_at, article_id, change_seq FROM {ENTRIES} "
                    "WHERE words @@ CAST($1 AS tsquery) AND change_seq <= $2 AND ended_seq > $2 "
                    "AND ($3::timestamptz IS NULL OR published_at >= $3) "
                    f"AND ($4::timestamptz IS NULL OR published_at < $4) {below}"
                    "ORDER BY published_at DESC, article_id DESC "
                    f"LIMIT {rows - len(found)}",
                    *parameters,
                )
            ]
            if len(found) >= rows:
                break
        return found

    def _top(self, after: Place | None, state: int | None) -> datetime | None:
        """The moment after which there is nothing; None where there is nothing at all."""
        tables = ["final.articles"]
        if self._state(state) != self.state:
            tables.append("final.articles_past")
        newest: list[datetime] = [
            moment
            for table in tables
            # The largest of a view would be looked for in the whole table.
            for (moment,) in self._session.rows(
                f"SELECT published_at FROM {table} WHERE published_at IS NOT NULL "
                "ORDER BY published_at DESC LIMIT 1"
            )
        ]
        if not newest or after is None:
            return max(newest, default=None)
        return min(max(newest), after.published_at)

    def _state(self, state: int | None) -> int:
        return self.state if state is None else state

    @override
    def count(self, search: Search, *, most: int | None = None, state: int | None = None) -> int:
        first = day_start(search.since) if search.since else None
        last = day_start(search.until + timedelta(days=1)) if search.until else None
        limit = "" if most is None else f"LIMIT {most}"
        count: int = one(
            self._session,
            f"SELECT count(*) FROM (SELECT 1 FROM {ENTRIES} "
            "WHERE words @@ CAST($1 AS tsquery) AND change_seq <= $2 AND ended_seq > $2 "
            "AND ($3::timestamptz IS NULL OR published_at >= $3) "
            f"AND ($4::timestamptz IS NULL OR published_at < $4) {limit}) AS found",
            _asked(search),
            self._state(state),
            first,
            last,
        )
        return count

    @override
    def points(self, search: Search, found: Sequence[Found]) -> list[int]:
        parts: list[str] = []
        asked: list[object] = []
        for phrase in search.phrases:
            for weight, worth in (("A", TITLE_POINTS), ("B", OPENING_POINTS)):
                asked.append(_phrase(phrase, f":{weight}"))
                parts.append(
                    f"{worth} * CAST(words @@ CAST(${len(asked) + 2} AS tsquery) AS integer)"
                )
        rows = self._entries(found, " + ".join(parts) or "0", *asked)
        return [rows[one.place.article_id] for one in found]

    def _entries(self, found: Sequence[Found], value: str, *parameters: object) -> dict[str, Any]:
        return dict(
            self._session.rows(
                f"SELECT entry.article_id, {value} FROM {ENTRIES} AS entry JOIN (SELECT "
                "unnest($1::text[]) AS article_id, unnest($2::bigint[]) AS change_seq) AS wanted "
                "ON wanted.article_id = entry.article_id AND wanted.change_seq = entry.change_seq",
                [one.place.article_id for one in found],
                [one.change_seq for one in found],
                *parameters,
            )
        )

    @override
    def hits(self, found: Sequence[Found]) -> list[Hit]:
        rows = self._rows(found, COLUMNS)
        spoken = spoken_of(self._session, [row[0] for row in rows])
        return [hit(row, spoken.get(row[0], [])) for row in rows]

    @override
    def tally(self, search: Search, rows: int) -> Tally:
        found = self.newest(search, rows=rows)
        columns = ("article_id", "change_seq", "source_uri", "topics", "lang", "tone")
        told = self._rows(found, columns)
        spoken = spoken_of(self._session, [row[0] for row in told])
        labels = [
            Labels(source_uri, topics, lang, tone_, spoken.get(article_id, []))
            for article_id, _, source_uri, topics, lang, tone_ in told
        ]
        return tally_of(found, labels, search)

    def _rows(self, found: Sequence[Found], columns: Sequence[str]) -> list[Row]:
        """The articles as they were found, in these columns, which begin with id and number."""
        wanted = [(one.place, one.change_seq) for one in found]
        return rows_as_found(self._session, wanted, columns)

    @override
    def akin(
        self, article_id: str, near: datetime, words: Sequence[Terms], most: int
    ) -> list[Found]:
        if not words:
            return []
        parts = [f"({_phrase(one, ':A')} | {_phrase(one, ':B')})" for one in words]
        first, last = near - AROUND, near + AROUND
        weeks = " | ".join(
            _quoted(_of_week(week)) for week in range(week_of(first), week_of(last) + 1)
        )
        shared = " + ".join(
            f"CAST(words @@ CAST(${place} AS tsquery) AS integer)"
            for place in range(6, 6 + len(parts))
        )
        return [
            Found(Place(published_at, one_id), change_seq)
            for published_at, one_id, change_seq in self._session.rows(
                f"SELECT published_at, article_id, change_seq FROM (SELECT * FROM {ENTRIES} "
                "WHERE words @@ CAST($1 AS tsquery) AND change_seq <= $2 AND ended_seq > $2 "
                "AND published_at BETWEEN $3 AND $4 AND article_id <> $5 "
                f"LIMIT {_AKIN_OF}) AS near ORDER BY {shared} DESC, "
                f"published_at DESC, article_id DESC LIMIT {most}",
                f"({weeks}) & ({' | '.join(parts)})",
                *(self.state, first, last, article_id),
                *parts,
            )
        ]

    @override
    def vectors(self, found: Sequence[Found]) -> list[bytes | None]:
        rows = self._entries(found, "vector")
        return [rows.get(one.place.article_id) for one in found]

    @override
    def vector(self, article_id: str) -> bytes | None:
        found = self._session.rows(
            f"SELECT vector FROM {ENTRIES} WHERE article_id = $1 AND ended_seq = $2",
            article_id,
            FOR_GOOD,
        )
        return found[0][0] if found else None
