"""Which articles tell the same story, and which of them is the one to read.

Every article is an original, a rewrite or an update of an original, the fuller text of an article
of another kind, or a copy of one. It is compared with articles of an earlier rank only (see
`Rank`), and takes the one that it is most alike; so the outcome follows from the articles alone,
whatever the order in which they come, and a row of small changes doesn't chain a day's news into
one story.

A band that many articles have tells little, and all pairs of its articles would be too many: there
each is a candidate of those that were published next before and after it (see `NEAREST`). So the
place of an article among them matters, too. A candidate that is a copy leads to what it is a copy
of: so an original is found through its copies, however many of them stand between.

Copies and fuller texts are not read by themselves. A fuller text is shown in the place of the one
that it refers to; a third that is fuller still refers to the second. It must have the news of all
that it is shown for: of the texts that were shown there before, and of their copies. So small
losses never add up, and whoever reads what is shown has the news of all that isn't.

When an article comes or changes, those of later rank that it may concern are placed again, in the
order of their ranks, until nothing moves any more.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Final, Literal, NamedTuple, Protocol

from newsapi_dentsu.domain.comparison import Comparison, Degree, compare
from newsapi_dentsu.domain.similarity import Text

Role = Literal["original", "rewrite", "update", "fuller", "copy"]

HELD: Final[frozenset[Role]] = frozenset(("copy", "fuller"))
"""What is not read by itself: another article has its text, or shows it."""

MOST_COMPARED: Final = 100
"""Earlier candidates that one is compared with: those near it in the most bands. A text that may be
shown for others is compared with as many of them: those that are the least alike what they repeat.
So many texts are shown in one place, one after another, at most: the next fuller one is an update.
"""

_MOST_KEPT: Final = 20_000
"""Comparisons that are kept, so that they needn't be made again: some megabytes."""

NEAREST: Final = 20
"""In each band, an article is a candidate of so many that were published before it, and after it.
Two that may be read are counted among those that may be read, two rejected ones among the rejected,
and a pair of both kinds among all."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Rank(NamedTuple):
    """Who comes first: what may be read, then what was published earlier, then the lower id."""

    rejected: bool
    published_at: datetime
    article_id: str

    @classmethod
    def of(cls, article_id: str, published_at: datetime | None, *, rejected: bool) -> "Rank":
        """The rank of an article; without a date it comes last."""
        return cls(rejected, published_at or _NEVER, article_id)

    @property
    def day(self) -> date | None:
        """The day (UTC) of the publication, where it is known."""
        return None if self.published_at == _NEVER else self.published_at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class Standing:
    """The role of an article, and the article that it refers to; the rest as in `Comparison`."""

    role: Role
    reference_id: str | None = None
    rule: str | None = None
    similarity: float | None = None
    containment: float | None = None
    reasons: str | None = None


ORIGINAL: Final = Standing("original")


@dataclass(frozen=True, slots=True)
class Member:
    """An article among the stories; one that was never placed has no standing and no story."""

    rank: Rank
    standing: Standing | None = None
    story_id: str | None = None


class Neighbourhood(Protocol):
    """The articles around those that are placed."""

    def member(self, article_id: str) -> Member:
        """An article as it was stored, at its rank of now."""
        ...

    def is_there(self, article_id: str) -> bool:
        """Whether it still is: what others are stored with as their reference may be gone."""
        ...

    def text(self, article_id: str) -> Text:
        """Its text."""
        ...

    def candidates(self, article_id: str) -> Mapping[str, int]:
        """Articles within the horizon that are among the `NEAREST` in bands, and in how many."""
        ...

    @property
    def horizon_days(self) -> int:
        """How many days may lie between an article and what it is compared with."""
        ...

    def dependents(self, article_id: str) -> Collection[str]:
        """The articles that are stored with it as their reference."""
        ...

    def owners(self, story_ids: Collection[str]) -> Mapping[str, str]:
        """The originals that these stories are stored for, where they are."""
        ...


def regroup(
    neighbourhood: Neighbourhood, articles: Iterable[str], changed: Collection[str]
) -> dict[str, Member]:
    """Place articles, and all those that their places concern.

    Args:
        neighbourhood: the stored articles.
        articles: those to place; with them, those that were candidates of one that is gone, or of
            another text or rank now, in bands that have more than the `NEAREST`.
        changed: those of them that are new, or of another text or rank than when last placed.

    Returns:
        Every article whose standing or story is another than it was.
    """
    placing = _Placing(neighbourhood, frozenset(changed))
    placing.run(articles)
    return placing.with_stories()


class _Placing:
    def __init__(self, neighbourhood: Neighbourhood, changed: frozenset[str]) -> None:
        self._around = neighbourhood
        self._unsettled = set(changed)
        self._placed: dict[str, Standing] = {}
        self._placed_at: dict[str, set[str]] = {}
        self._fuller_at: dict[str, set[str]] = {}
        self._stored_fuller: dict[str, list[str]] = {}
        self._waiting: list[tuple[Rank, str]] = []
        self._queued: set[str] = set()
        self._comparisons: dict[tuple[str, str], Comparison | None] = {}
        self._furthest: Rank | None = None
        self._swept: set[str] = set()
        """Articles whose later onlookers wait, unless some had their turn already."""

    def run(self, articles: Iterable[str]) -> None:
        self._enqueue(articles)
        while self._waiting:
            rank, key = heapq.heappop(self._waiting)
            self._queued.discard(key)
            self._furthest = max(rank, self._furthest or rank)
            before, after = self._standing(key), self._place(key)
            self._note(key, after)
            fresh = key in self._unsettled
            self._unsettled.discard(key)
            moved = before is None or before.role != after.role
            if fresh or moved:
                self._enqueue(self._dependents(key))
                self._enqueue_onlookers(key, rank)
            elsewhere = before is not None and before.reference_id != after.reference_id
            if fresh:
                self._enqueue_beside(key)
            elif moved or (elsewhere and after.role == "copy"):
                self._enqueue_later(key)
            if moved:
                # Whether it opens a story matters to those that are like its fuller texts.
                for other in self._shown_above(key):
                    self._enqueue_later(other)
                    self._enqueue_onlookers(other, rank)
            if moved or fresh or elsewhere:
                self._enqueue_concerned(key, before, after)
            if elsewhere and after.role == "fuller":
                # What it was found by was perhaps the place where it was shown.
                for other in [key, *self._shown_above(key)]:
                    self._enqueue(self._dependents(other))

    def _enqueue_concerned(self, key: str, before: Standing | None, after: Standing) -> None:
        """Have those placed again to which it matters what an article was held for, or now is."""
        rank = self._rank(key)
        if after.role == "copy" and after.reference_id:
            # A text that was shown for it before it came may lack its news.
            above = self._shown_above(after.reference_id)
            self._enqueue(one for one in above if self._rank(one) > rank)
        left = [after] if after.role == "fuller" else []
        left += [before] if before and before.role in HELD else []
        for standing in left:
            reference = standing.reference_id
            if reference and self._around.is_there(reference):
                for text in self._shown_until(reference):
                    self._enqueue_later(text, rank)
                    self._enqueue_onlookers(text, rank)
                if standing.role == "copy":
                    # What it has led there doesn't get there by it any more.
                    for text in self._shown_above(reference):
                        self._enqueue_onlookers(text, rank)

    def _enqueue_onlookers(self, key: str, rank: Rank) -> None:
        """Have those after a rank placed again that an article's dependents concern.

        These are the dependents, and all that copies among them lead to the article.
        """
        if key in self._swept and rank == self._furthest:
            return
        self._swept.add(key)
        for one in self._dependents(key):
            near = self._around.candidates(one) if self._role(one) == "copy" else ()
            self._enqueue(
                other
                for other in (one, *near)
                if self._rank(other) > rank and self._standing(other) is not None
            )

    def _enqueue_later(self, key: str, after: Rank | None = None) -> None:
        """Have those placed again that may look at an article, and come after a rank as well."""
        rank = max(self._rank(key), after or self._rank(key))
        self._enqueue(
            other
            for other in self._around.candidates(key)
            if self._rank(other) > rank and self._standing(other) is not None
        )

    def _enqueue_beside(self, key: str) -> None:
        """Have those placed again that have other candidates since an article stands among them.

        Rejected ones may have lost a candidate of earlier rank that was published after it.
        """
        rank = self._rank(key)
        self._enqueue(
            other
            for other in self._around.candidates(key)
            if ((other_rank := self._rank(other)) > rank or other_rank.rejected)
            and self._standing(other) is not None
        )

    def _note(self, key: str, standing: Standing) -> None:
        former = self._placed.get(key)
        if former and former.reference_id:
            self._placed_at[former.reference_id].discard(key)
            self._fuller_at.get(former.reference_id, set()).discard(key)
        self._placed[key] = standing
        if standing.reference_id:
            self._placed_at.setdefault(standing.reference_id, set()).add(key)
            if standing.role == "fuller":
                self._fuller_at.setdefault(standing.reference_id, set()).add(key)

    def _enqueue(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key not in self._queued:
                self._queued.add(key)
                heapq.heappush(self._waiting, (self._rank(key), key))

    def _rank(self, key: str) -> Rank:
        return self._around.member(key).rank

    def _standing(self, key: str) -> Standing | None:
        return self._placed.get(key) or self._around.member(key).standing

    def _dependents(self, key: str) -> set[str]:
        stored = {other for other in self._around.dependents(key) if self._reference(other) == key}
        return stored | self._placed_at.get(key, set())

    def _reference(self, key: str) -> str | None:
        standing = self._standing(key)
        return standing.reference_id if standing else None

    def _fuller_than(self, key: str) -> str | None:
        """The text that is shown in the place of an article's own."""
        if key not in self._stored_fuller:
            self._stored_fuller[key] = [
                other
                for other in self._around.dependents(key)
                if (standing := self._around.member(other).standing) and standing.role == "fuller"
            ]
        known = {*self._stored_fuller[key], *self._fuller_at.get(key, ())}
        return min(
            (one for one in known if self._role(one) == "fuller" and self._reference(one) == key),
            key=self._rank,
            default=None,
        )

    def _shown_above(self, key: str, before: Rank | None = None) -> list[str]:
        """The fuller texts that were shown in an article's place, one after another.

        With a rank, those of them that come before it.
        """
        found: list[str] = []
        while (above := self._fuller_than(found[-1] if found else key)) and (
            before is None or self._rank(above) < before
        ):
            found.append(above)
        return found

    def _shown_until(self, key: str) -> list[str]:
        """The texts that were shown in one place, from an article down to the first."""
        found = [key]
        while self._role(found[-1]) == "fuller" and (reference := self._reference(found[-1])):
            found.append(reference)
        return found

    def _place(self, key: str) -> Standing:
        rank = self._rank(key)
        compared = self._to_compare(key)
        if not compared:
            return ORIGINAL
        # A cut text has few bands in common with the fuller text of what it was cut from.
        above = [one for other in compared for one in self._shown_above(other, rank)]
        standings: list[tuple[_Likeness, Standing]] = []
        for other in dict.fromkeys([*compared, *above]):
            found = self._compared(other, key)
            if found is None:
                continue
            degree = self._degree(found, key, other)
            if degree in HELD or self._opens_story(other):
                standing = _standing(degree, other, found)
                if degree == "copy" and found.rule == "same_text":
                    return standing
                likeness = (
                    degree not in HELD,
                    degree != "copy",
                    -found.similarity,
                    self._rank(other),
                )
                standings.append((likeness, standing))
        chosen = min(standings, default=(None, ORIGINAL), key=lambda entry: entry[0])[1]
        if chosen.rule == "revised" and self._is_shown_elsewhere(chosen, standings):
            return replace(chosen, role="copy")
        return chosen

    def _is_shown_elsewhere(
        self, chosen: Standing, standings: Iterable[tuple[object, Standing]]
    ) -> bool:
        """Whether a text, in the place that was chosen for it, would be nearly that of another."""

        def place(standing: Standing) -> str | None:
            return standing.reference_id and self._shown_until(standing.reference_id)[-1]

        return any(
            one.rule in ("nearly_same", "revised") and place(one) != place(chosen)
            for _, one in standings
        )

    def _to_compare(self, key: str) -> list[str]:
        """The articles that one is compared with: candidates, or what these are copies of."""
        rank = self._rank(key)
        earlier = (
            (-shared, other_rank, other)
            for other, shared in self._around.candidates(key).items()
            if (other_rank := self._rank(other)) < rank and self._standing(other) is not None
        )
        found: dict[str, None] = {}
        for _, _, other in heapq.nsmallest(MOST_COMPARED, earlier):
            original = self._reference(other) if self._role(other) == "copy" else other
            if original == other or (original and self._is_within_horizon(original, rank)):
                found[original] = None
        return list(found)

    def _is_within_horizon(self, key: str, rank: Rank) -> bool:
        if not self._around.is_there(key):
            return False
        day, other = self._rank(key).day, rank.day
        return bool(day and other and abs((other - day).days) <= self._around.horizon_days)

    def _degree(self, found: Comparison, key: str, other: str) -> Degree:
        """What an article is to another that it is so alike: to what is shown of that.

        What has a fuller text is not shown any more, and that text may lack what these two have; of
        their words, where they are the same, it has the news.
        """
        degree, rank = found.degree, self._rank(key)
        if degree not in HELD or found.rule == "same_text":
            return degree
        surpassed = bool(self._shown_above(other, rank))
        if degree == "copy":
            return "rewrite" if surpassed else "copy"
        if surpassed or rank.rejected != self._rank(other).rejected:
            return "update"
        nearly = found.rule in ("nearly_same", "revised")
        if nearly and self._is_former_state(key, other):
            return "copy"
        return "fuller" if self._has_all_of(key, other, nearly=nearly) else "update"

    def _is_former_state(self, key: str, other: str) -> bool:
        """Whether a text tells what was shown in a place before the one that is shown there."""
        former = (self._compared(one, key) for one in self._shown_until(other)[1:])
        return any(found is not None and found.degree == "copy" for found in former)

    def _has_all_of(self, key: str, other: str, *, nearly: bool) -> bool:
        """Whether a text has the news of all that another one is shown for.

        Of two texts that are nearly the same only one is read, though a sentence may differ.
        """
        rank, texts = self._rank(key), self._shown_until(other)
        if len(texts) > MOST_COMPARED:
            return False
        copies = [
            (standing.similarity or 0.0, one_rank, one)
            for shown in texts
            for one in self._dependents(shown)
            if (standing := self._standing(one)) is not None
            and standing.role == "copy"
            and standing.rule != "same_text"
            and (one_rank := self._rank(one)) < rank
        ]
        least_alike = [one for _, _, one in heapq.nsmallest(MOST_COMPARED, copies)]
        enough = {"nearly_same", "revised"} | ({"told"} if nearly else set())
        return all(self._has_news_of(key, one, enough) for one in [*texts[1:], *least_alike])

    def _has_news_of(self, key: str, held: str, enough: Collection[str]) -> bool:
        """Whether a reader of a text has the news of one that isn't read: as of a copy.

        What else is enough is told by the rules.
        """
        found = self._compared(key, held)
        return found is not None and (found.degree == "copy" or found.rule in enough)

    def _compared(self, earlier: str, later: str) -> Comparison | None:
        """What a text is to another one; texts that are placed again needn't be compared again."""
        both = earlier, later
        if both not in self._comparisons:
            if len(self._comparisons) >= _MOST_KEPT:
                self._comparisons.clear()
            found = compare(self._around.text(earlier), self._around.text(later))
            self._comparisons[both] = found
        return self._comparisons[both]

    def _opens_story(self, key: str) -> bool:
        """Whether an article is an original, or a fuller text that is shown for one."""
        return self._role(self._shown_until(key)[-1]) == "original"

    def _role(self, key: str) -> Role | None:
        standing = self._standing(key)
        return standing.role if standing else None

    def with_stories(self) -> dict[str, Member]:
        """Name the stories of what was placed, and of all that hangs on it."""
        named = self._originals_named()
        pending = [key for key in self._placed if key not in named]
        stories: dict[str, str] = dict(named)
        for key, story_id in named.items():
            if story_id != self._around.member(key).story_id:
                pending += self._dependents(key)
        while pending:
            key = pending.pop()
            story_id = self._story_of_reference(key, stories)
            if stories.get(key) == story_id:
                continue
            stories[key] = story_id
            if story_id != self._around.member(key).story_id:
                pending += self._dependents(key)
        members = {}
        for key, story_id in stories.items():
            stored = self._around.member(key)
            member = Member(stored.rank, self._standing(key), story_id)
            if member != stored:
                members[key] = member
        return members

    def _originals_named(self) -> dict[str, str]:
        """A story keeps its id: it goes to the article that its former original now belongs to."""
        named: dict[str, str] = {}
        homeless = []
        inherited: dict[str, list[str]] = {}
        for key in sorted(self._placed, key=self._rank):
            stored = self._around.member(key)
            was_original = stored.standing is not None and stored.standing.role == "original"
            if self._placed[key].role == "original":
                if was_original and stored.story_id:
                    named[key] = stored.story_id
                else:
                    homeless.append(key)
            elif was_original and stored.story_id:
                inherited.setdefault(self._root(key), []).append(stored.story_id)
        taken = set(named.values())
        preferred_ids = {}
        for key in homeless:
            own = self._around.member(key).story_id
            preferred_ids[key] = [*inherited.get(key, ()), *([own] if own else ()), key]
        owners = self._around.owners({one for ids in preferred_ids.values() for one in ids})
        for key, ids in preferred_ids.items():
            free = (one for one in ids if self._is_free(one, owners.get(one), taken))
            named[key] = next(free, None) or self._new_story(key, taken)
            taken.add(named[key])
        return named

    def _new_story(self, key: str, taken: set[str]) -> str:
        """A name for the second and later stories that an article opens."""
        return next(
            story_id
            for number in count(2)
            if self._is_free(
                story_id := f"{key}-{number}",
                self._around.owners([story_id]).get(story_id),
                taken,
            )
        )

    def _is_free(self, story_id: str, owner: str | None, taken: set[str]) -> bool:
        if story_id in taken:
            return False
        return owner is None or (owner in self._placed and self._placed[owner].role != "original")

    def _root(self, key: str) -> str:
        while (reference := self._reference(key)) is not None:
            key = reference
        return key

    def _story_of_reference(self, key: str, stories: Mapping[str, str]) -> str:
        root = self._root(key)
        story_id = stories.get(root) or self._around.member(root).story_id
        if story_id is None:
            raise ValueError(f"{root} is an original without a story")
        return story_id


_Likeness = tuple[bool, bool, float, Rank]
"""Orders what an article may stand to: first, whose news it has, then the most alike."""


def _standing(degree: Degree, reference_id: str, found: Comparison) -> Standing:
    return Standing(
        degree, reference_id, found.rule, found.similarity, found.containment, found.reasons
    )
