"""Grouping: what is thought of every article, and which articles tell the same story."""

import hashlib
import heapq
import json
import logging
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import chain
from typing import TypeVar

from newsapi_dentsu.domain import assessment, comparison, quality, relevance, similarity, wrapping
from newsapi_dentsu.domain.record import FAILED
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.similarity import Text
from newsapi_dentsu.domain.stories import HELD, Member, Neighbourhood, regroup
from newsapi_dentsu.domain.text import CLEANING
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages import judging, setting_aside
from newsapi_dentsu.stages.judging import Measure, meanings_of
from newsapi_dentsu.stages.looking import Asked, Look, bands_of, looks_at, prepared, set_aside
from newsapi_dentsu.stages.report import GroupReport
from newsapi_dentsu.stages.workers import Workers, workers
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import (
    assessments,
    positions,
    processed,
    text_bands,
    wrapping_lines,
)
from newsapi_dentsu.warehouse.tables.assessments import Assessed
from newsapi_dentsu.warehouse.tables.processed import Article, ComparedText
from newsapi_dentsu.warehouse.tables.text_bands import Banded

logger = logging.getLogger(__name__)

BATCH_ROWS = 4_000
BATCH_CHARACTERS = 12_000_000
HORIZON_DAYS = 30
_AT_ONCE = 100
"""Articles that one process takes at a time."""

_MUCH_BANDED = 500
"""Articles with new bands, so many that the database must learn what days it now has."""

_READ_AT_ONCE = 400
"""Bodies that are read at a time."""

_MANY = 5_000
"""Articles for which it pays to start processes."""

_TEXTS_KEPT = 1_000
"""Texts that are read before they are compared."""

_PREPARED_CHARACTERS = 1_000_000
"""What is kept of texts as they are compared, which takes 50 bytes for a character."""

_LOOKED_AROUND = 200
"""Stored articles for whose candidates the database is asked at a time."""

_KILLED = "the process that looked at it was killed, most likely because memory ran out"

_Item = TypeVar("_Item")


def group(
    warehouse: Warehouse,
    topics: Topics,
    *,
    now: datetime,
    horizon_days: int = HORIZON_DAYS,
    full_refresh: bool = False,
    embedder: Embedder | None = None,
    progress: Progress = no_progress,
) -> GroupReport:
    """Judge the articles that are new or changed and put them into their stories.

    Works in batches, each a transaction, and so may be stopped anywhere. `full_refresh` takes
    every article again: what comes out the same is not touched, and stories keep their ids.

    Args:
        warehouse: where the articles are.
        topics: the topics, languages and rules to judge by.
        now: days that lie ahead of it are not prepared for comparing.
        horizon_days: how many days may lie between an article and its copy.
        full_refresh: whether to take every article again.
        embedder: what made the vectors of the articles' texts; without one, relevance is judged
            by keywords and tags alone.
        progress: told how many of the waiting articles are done.
    """

    measure: Yardstick | None = None

    def begin(session: Session) -> tuple[int, int, bool]:
        nonlocal measure
        rules, taught = rules_now(session, topics, horizon_days, embedder)
        if taught:
            judging.tell_missing(taught)
            measure = taught.yardstick
        if setting_aside.rules_changed(session, positions.GROUPED, rules):
            processed.touch(session, assessments.set_aside(session))
            setting_aside.note_rules(session, positions.GROUPED, rules)
        # What earlier runs needed of days long gone; those that need it again make it again.
        text_bands.forget_bands_before(session, now.date() - timedelta(days=2 * horizon_days + 7))
        if full_refresh:
            positions.set_position(session, positions.GROUPED, 0)
        known = positions.position(session, positions.GROUPING_RULES)
        if full_refresh or not known:
            positions.set_position(session, positions.GROUPING_RULES, rules)
            known = rules
        return positions.waiting(session, positions.GROUPED), rules, known != rules

    waiting, rules, rules_changed = warehouse.write(begin)
    progress(0, waiting)
    total = GroupReport(rules_changed=rules_changed)
    if not waiting:
        return total
    with workers(wanted=waiting >= _MANY) as helpers:
        if measure is None:
            asked = judging.InWorkers(embedder, helpers) if embedder else None
            measure = warehouse.read(
                partial(judging.measure_for, topics=topics, embedder=asked)
            ).yardstick
        grouping = _Grouping(measure, rules, now.date(), horizon_days, helpers)
        while total.articles < waiting and (report := warehouse.write(grouping.batch)):
            total = replace(
                total,
                articles=total.articles + report.articles,
                originals=total.originals + report.originals,
                rewrites=total.rewrites + report.rewrites,
                updates=total.updates + report.updates,
                copies=total.copies + report.copies,
                moved=total.moved + report.moved,
                failed=total.failed + report.failed,
                off_topic=total.off_topic + report.off_topic,
            )
            progress(total.articles, waiting)
    if total.mostly_off_topic:
        logger.warning(
            "%s of %s articles are off topic: `newsapi topics --try FILE` shows which, and what "
            "other descriptions in the topics file would change",
            f"{total.off_topic:,}",
            f"{total.articles:,}",
        )
    return total


def rules_now(
    session: Session, topics: Topics, horizon_days: int, embedder: Embedder | None
) -> tuple[int, Measure | None]:
    """The number of the rules by which articles are judged, and what was taught, if anything was.

    Raises:
        ModelError: the model can't be used.
    """
    taught: Measure | None = None
    if embedder and judging.is_taught(session, topics):
        # What was taught takes part in the rules.
        taught = judging.measure_for(session, topics, embedder)
    relevant = relevance.rules(
        embedder.model if embedder else "", taught.yardstick.taught if taught else ()
    )
    return _fingerprint(topics, relevant, horizon_days, wrapping_lines.digest(session)), taught


@dataclass(frozen=True, slots=True)
class _Batch:
    """The articles that follow after a change number, being looked at."""

    after: int
    articles: Sequence[Article]
    last: int
    before: Mapping[str, Assessed]
    """How they were assessed when the batch was taken."""

    looks: Iterator[Sequence[Look]]


class _Grouping:
    def __init__(
        self,
        measure: Yardstick,
        rules: int,
        today: date,
        horizon_days: int,
        helpers: Workers,
    ) -> None:
        self._measure = measure
        self._rules = rules
        self._today = today
        self._horizon = timedelta(days=horizon_days)
        self._helpers = helpers
        self._ahead: _Batch | None = None

    def batch(self, session: Session) -> GroupReport | None:
        """Take the next batch; None where nothing waits."""
        position = positions.position(session, positions.GROUPED)
        ahead, self._ahead = self._ahead, None
        current = ahead if ahead and ahead.after == position else self._taken(session, position)
        if current is None:
            return None
        looks = {look.row.article_id: look for look in chain.from_iterable(current.looks)}
        # Other processes look at the next batch while this one is put into stories.
        self._ahead = self._taken(session, current.last)
        self._fill_days(session, current.articles)
        ids = list(looks)
        before = assessments.assessed(session, ids) if current is ahead else current.before
        after = {
            key: look.row.placed(before[key].member) if key in before else look.row
            for key, look in looks.items()
        }
        around = _Around(session, self._horizon.days, current.articles, after, before)
        changed = [key for key in ids if _stands_anew(before.get(key), after[key])]
        # Read before their bands are those of now.
        left = text_bands.beside(session, (before[key].rank for key in changed if key in before))
        self._renew_bands(session, looks, around)
        placed = regroup(around, {*ids, *left}, changed)
        self._save(session, placed, after, around)
        positions.set_position(session, positions.GROUPED, current.last)
        if positions.position(session, positions.GROUPING_RULES) != self._rules:
            positions.set_position(session, positions.GROUPING_RULES, positions.MIXED)
        roles = Counter(
            member.standing.role
            for key in ids
            if (member := placed.get(key) or around.member(key)).standing
        )
        return GroupReport(
            articles=len(ids),
            originals=roles["original"],
            rewrites=roles["rewrite"],
            updates=roles["update"],
            copies=sum(roles[role] for role in HELD),
            moved=len(placed.keys() - after.keys()),
            rules_changed=False,
            failed=_warn_of_failed(current.articles, looks),
            off_topic=sum(look.row.rejection == assessment.OFF_TOPIC for look in looks.values()),
        )

    def _taken(self, session: Session, position: int) -> _Batch | None:
        """Read the next articles and have them looked at."""
        articles, last = processed.changes_after(
            session, position, rows=BATCH_ROWS, characters=BATCH_CHARACTERS
        )
        if not articles:
            return None
        before = assessments.assessed(session, [article.article_id for article in articles])
        meanings = meanings_of(
            session,
            self._measure.model,
            {article.article_id: (article.title, article.own_text) for article in articles},
        )
        asked = [
            Asked(article, meanings.get(article.article_id), article.article_id not in before)
            for article in articles
        ]
        looks = self._helpers.map(
            partial(looks_at, self._measure),
            list(_portions(asked)),
            lambda one: set_aside(one.article, _KILLED),
        )
        return _Batch(position, articles, last, before, looks)

    def _renew_bands(self, session: Session, looks: Mapping[str, Look], around: "_Around") -> None:
        """Have bands of the batch's articles as they are now."""
        days = {key: day for key, look in looks.items() if (day := look.row.rank.day)}
        if not days:
            return
        altered = [
            key
            for key, look in looks.items()
            if (known := around.stored(key))
            and (
                known.text_hash != look.row.text_hash or known.published_at != look.row.published_at
            )
        ]
        text_bands.remove_bands(session, altered)
        there = text_bands.with_bands(session, list(days), min(days.values()), max(days.values()))
        new = [(key, day, looks[key].bands) for key, day in days.items() if key not in there]
        text_bands.save_bands(
            session,
            [
                Banded(day, key, bands_of(around.text(key)) if bands is None else bands)
                for key, day, bands in new
            ],
        )
        if len(new) >= _MUCH_BANDED:
            text_bands.analyze_bands(session)

    def _fill_days(self, session: Session, articles: Iterable[Article]) -> None:
        """Have bands for all assessed articles that a batch may be compared with."""
        wanted: set[date] = set()
        for day in {_day(article.published_at) for article in articles if article.published_at}:
            first, last = day - self._horizon, min(day + self._horizon, max(day, self._today))
            wanted.update(first + timedelta(days=n) for n in range((last - first).days + 1))
        if not wanted:
            return
        missing = [
            day
            for day in text_bands.unbanded_days(
                session, min(wanted), max(wanted), similarity.METHOD
            )
            if day in wanted
        ]
        text_bands.forget_bands(session, missing)
        count = 0
        for found in self._helpers.map(
            _bands_of_bodies, _bodies(session, missing), lambda one: _without_bands(*one)
        ):
            text_bands.save_bands(session, found)
            count += len(found)
        text_bands.note_banded(session, missing, similarity.METHOD)
        if count >= _MUCH_BANDED:
            text_bands.analyze_bands(session)

    def _save(
        self,
        session: Session,
        placed: Mapping[str, Member],
        after: Mapping[str, Assessed],
        around: "_Around",
    ) -> None:
        changed: list[Assessed] = []
        known: dict[str, Assessed] = {}
        for key in {**after, **placed}:
            stored = around.stored(key)
            row = after.get(key) or stored
            if row is None:
                raise KeyError(key)
            if key in placed:
                row = row.placed(placed[key])
            if row != stored:
                changed.append(row)
            if stored:
                known[key] = stored
        assessments.save_assessed(session, changed, known)
        # What is read tells how many copies it has, and where, and shows the fullest text.
        rows = {row.article_id: row for row in changed}
        concerned: set[str] = set()
        left = {
            one.reference_id
            for key in {*after, *placed}
            for one in (rows.get(key), around.stored(key))
            if one and one.role in HELD and (key in rows or one.role == "fuller")
        }
        while left:
            concerned |= (reached := {key for key in left if key})
            above = [rows.get(key) or around.stored(key) for key in reached]
            left = {one.reference_id for one in above if one and one.role in HELD} - concerned
        # What isn't read names what is read in its place, which may be another one now, or have
        # another link.
        moved = {
            key
            for key, row in rows.items()
            if (stored := known.get(key)) and row.reference_id != stored.reference_id
        }
        concerned |= assessments.descendants(session, moved | (known.keys() & after.keys()))
        # The next stage shows what else has changed about the articles, too.
        assessments.touch(session, (concerned | after.keys()) - rows.keys())


class _Around(Neighbourhood):
    """The stored articles around a batch, read when they are asked for."""

    def __init__(
        self,
        session: Session,
        horizon_days: int,
        articles: Sequence[Article],
        after: Mapping[str, Assessed],
        before: Mapping[str, Assessed],
    ) -> None:
        self._session = session
        self._horizon = horizon_days
        self._after = after
        self._known: dict[str, Assessed | None] = {key: before.get(key) for key in after}
        self._own_bodies = {article.article_id: article.compared for article in articles}
        self._bodies: Mapping[str, ComparedText] = {}
        self._members: dict[str, Member] = {}
        self._texts: OrderedDict[str, Text] = OrderedDict()
        self._prepared_characters = 0
        self._candidates: dict[str, Mapping[str, int]] = {}
        self._dependents: dict[str, set[str]] = {}
        self._ids = [article.article_id for article in articles]
        self._ranks = [row.rank for row in after.values() if row.rank.day]

    def stored(self, article_id: str) -> Assessed | None:
        """An article as it was stored before, if it was."""
        if article_id not in self._known:
            self._read([article_id])
        return self._known[article_id]

    def is_there(self, article_id: str) -> bool:
        return article_id in self._after or self.stored(article_id) is not None

    def member(self, article_id: str) -> Member:
        member = self._members.get(article_id)
        if member is None:
            stored = self.stored(article_id)
            now = self._after.get(article_id) or stored
            if now is None:
                raise KeyError(article_id)
            member = replace(stored.member, rank=now.rank) if stored else Member(now.rank)
            self._members[article_id] = member
        return member

    def text(self, article_id: str) -> Text:
        text = self._texts.get(article_id)
        if text is None:
            body = self._own_bodies.get(article_id) or self._bodies.get(article_id)
            if body is None:
                body = processed.compared_texts(self._session, [article_id])[article_id]
            text = self._texts[article_id] = prepared(article_id, *body)
            self._prepared_characters += len(text.body)
            while self._prepared_characters > _PREPARED_CHARACTERS and len(self._texts) > 1:
                self._prepared_characters -= len(self._texts.popitem(last=False)[1].body)
        else:
            self._texts.move_to_end(article_id)
        return text

    @property
    def horizon_days(self) -> int:
        return self._horizon

    def candidates(self, article_id: str) -> Mapping[str, int]:
        if article_id not in self._candidates:
            self._look_around(
                self._ids if article_id in self._after else self._asked_next(article_id)
            )
        return self._candidates[article_id]

    def _asked_next(self, article_id: str) -> list[str]:
        """A stored article, and those after it that were spoken of: they may be asked for, too."""
        rank = self.member(article_id).rank
        ranks = (one.rank for one in self._members.values() if one.rank > rank)
        waiting = (one for one in ranks if one.article_id not in self._candidates)
        following = heapq.nsmallest(_LOOKED_AROUND, waiting)
        return [article_id, *(one.article_id for one in following)]

    def dependents(self, article_id: str) -> Collection[str]:
        if article_id not in self._dependents:
            # All that were read so far, in one question; to what is new nothing stands yet.
            keys = {*self._ids, *self._known, article_id} - self._dependents.keys()
            assessed = [key for key in keys if self.stored(key)]
            found = assessments.dependents(self._session, assessed)
            self._dependents.update({key: found.get(key, set()) for key in keys})
            self._read(set().union(*found.values()))
        return self._dependents[article_id]

    def owners(self, story_ids: Collection[str]) -> Mapping[str, str]:
        found = assessments.owners(self._session, story_ids)
        self._read(found.values())
        return found

    def _look_around(self, keys: Sequence[str]) -> None:
        days = {key: day for key in keys if (day := self.member(key).rank.day)}
        found = text_bands.sharing_bands(self._session, days, self._horizon, self._ranks)
        self._read(set().union(*(other.keys() for other in found.values())))
        near: set[str] = set()
        for key in keys:
            # What waits for its own batch will find these then.
            self._candidates[key] = {
                other: shared
                for other, shared in found.get(key, {}).items()
                if other in self._after or self._known.get(other) is not None
            }
            near.update(self._candidates[key])
        copies = {
            key: one.reference_id
            for key in near
            if (one := self._known.get(key)) and one.role == "copy" and one.reference_id
        }
        self._read(copies.values())
        self._fetch_bodies({*keys, *(copies.get(key, key) for key in near)})

    def _fetch_bodies(self, keys: Collection[str]) -> None:
        wanted = [key for key in keys if key not in self._own_bodies][:_TEXTS_KEPT]
        self._bodies = processed.compared_texts(self._session, wanted)

    def _read(self, article_ids: Iterable[str]) -> None:
        wanted = [key for key in article_ids if key not in self._known]
        if wanted:
            found = assessments.assessed(self._session, wanted)
            self._known.update({key: found.get(key) for key in wanted})


def _stands_anew(before: Assessed | None, after: Assessed) -> bool:
    return (
        before is None
        or before.text_hash != after.text_hash
        or before.source_uri != after.source_uri
        or before.rank != after.rank
    )


def _warn_of_failed(articles: Iterable[Article], looks: Mapping[str, Look]) -> int:
    """Tell which articles were set aside; returns how many."""
    failed = 0
    for article in articles:
        row = looks[article.article_id].row
        if row.rejection == FAILED:
            logger.warning("%s could not be judged and is set aside: %s", article.url, row.detail)
            failed += 1
    return failed


def _bands_of_bodies(found: Sequence[tuple[str, datetime, str]]) -> list[Banded]:
    return [Banded(_day(at), key, bands_of(prepared(key, body))) for key, at, body in found]


def _without_bands(article_id: str, at: datetime, _body: str) -> Banded:
    return Banded(_day(at), article_id, ())


def _portions(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[at : at + _AT_ONCE] for at in range(0, len(items), _AT_ONCE))


def _bodies(
    session: Session, days: Sequence[date]
) -> Iterator[Sequence[tuple[str, datetime, str]]]:
    """The assessed articles of some days: id, publication and body, some at a time."""
    for first, last in _ranges(days):
        start, end = _midnight(first), _midnight(last + timedelta(days=1))
        after = ""
        while found := assessments.own_texts_between(session, start, end, after, _READ_AT_ONCE):
            after, start, _ = found[-1]
            yield from _portions(found)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _ranges(days: Sequence[date]) -> list[tuple[date, date]]:
    """Days in order, as ranges without gaps."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _fingerprint(topics: Topics, relevant: list[str], horizon_days: int, recurring: str) -> int:
    """Identify the rules that verdicts follow, as a positive 63-bit number."""
    methods = [
        similarity.METHOD,
        comparison.METHOD,
        wrapping.METHOD,
        quality.METHOD,
        CLEANING,
        *relevant,
    ]
    asked = topics.model_dump(mode="json")
    rules = json.dumps([asked, horizon_days, methods, recurring], sort_keys=True)
    return int.from_bytes(hashlib.sha256(rules.encode()).digest()[:8]) >> 1 or 1
