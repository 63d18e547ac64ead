"""Which articles end as one story does not depend on the order in which they come."""

import itertools
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain import stories
from newsapi_dentsu.domain.comparison import Comparison, compare
from newsapi_dentsu.domain.similarity import Text, bands, comparable, prepare
from newsapi_dentsu.domain.stories import HELD, NEAREST, Member, Rank, Standing, regroup
from support.articles import REPORT
from support.examples import costly

WORDS = ["".join(letters) for letters in itertools.product("abcde", "fghij", "klmno", "pqrst")]
START = datetime(2026, 3, 1, tzinfo=UTC)
TITLE = "Harbour bridge closes"


class Shelf:
    """A neighbourhood in memory, which keeps what `regroup` says; all its texts have one title."""

    horizon_days = 30

    def __init__(self, title: str = "", nearest: int = NEAREST) -> None:
        self.title = title
        self.nearest = nearest
        self.members: dict[str, Member] = {}
        self.texts: dict[str, Text] = {}
        self.strangers: set[frozenset[str]] = set()
        """Pairs of which no band is the same, as it happens."""

    def put(self, *articles: tuple[str, datetime, str, bool]) -> None:
        changed = []
        beside: set[str] = set()
        for key, at, body, rejected in articles:
            rank, text = Rank.of(key, at, rejected=rejected), prepare(body, self.title)
            stored = self.members.get(key)
            if stored is None or stored.rank != rank or self.texts[key] != text:
                changed.append(key)
                beside.update(self.candidates(key) if stored else ())
            self.members[key] = Member(
                rank, stored.standing if stored else None, stored.story_id if stored else None
            )
            self.texts[key] = text
        self.members |= regroup(self, beside | {article[0] for article in articles}, changed)

    def take(self, *keys: str) -> None:
        """Remove articles, and have those placed again that it may concern."""
        left = {other for key in keys for other in self.dependents(key)}
        stories = {self.story_of(key) for key in keys if self.role_of(key) in HELD}
        left |= {key for key in self.members if self.story_of(key) in stories}
        left |= {other for key in keys for other in self.candidates(key)}
        for key in keys:
            del self.members[key], self.texts[key]
        self.members |= regroup(self, sorted(left - set(keys)), ())

    def member(self, article_id: str) -> Member:
        return self.members[article_id]

    def is_there(self, article_id: str) -> bool:
        return article_id in self.members

    def text(self, article_id: str) -> Text:
        return self.texts[article_id]

    def candidates(self, article_id: str) -> Mapping[str, int]:
        met = Counter(
            other for band in self._bands(article_id) for other in self._near(article_id, band)
        )
        return {key: n for key, n in met.items() if {key, article_id} not in self.strangers}

    def _near(self, article_id: str, band: int) -> set[str]:
        """The articles of a band that one is a candidate of."""
        ranks = [self.members[key].rank for key in self.texts if band in self._bands(key)]
        own = self.members[article_id].rank
        alike = [rank for rank in ranks if rank.rejected == own.rejected]
        others = [rank for rank in _around(ranks, own, self.nearest) if rank not in alike]
        return {rank.article_id for rank in [*_around(alike, own, self.nearest), *others]}

    def _bands(self, article_id: str) -> frozenset[int]:
        return bands_of(self.texts[article_id].body)

    def dependents(self, article_id: str) -> list[str]:
        return [
            key
            for key, member in self.members.items()
            if member.standing and member.standing.reference_id == article_id
        ]

    def owners(self, story_ids: Collection[str]) -> Mapping[str, str]:
        found = [
            (member.story_id, key)
            for key, member in self.members.items()
            if member.story_id in story_ids
            and member.standing is not None
            and member.standing.role == "original"
        ]
        assert len(found) == len(dict(found))
        return {story_id: key for story_id, key in found if story_id}

    def groups(self) -> dict[str, tuple[object, frozenset[str]]]:
        """Each article's standing, and who is in its story, whatever that is called."""
        stories: dict[str | None, set[str]] = {}
        for key, member in self.members.items():
            stories.setdefault(member.story_id, set()).add(key)
        return {
            key: (member.standing, frozenset(stories[member.story_id]))
            for key, member in self.members.items()
        }

    def shown(self) -> dict[str, str]:
        """What may be read, each with the article whose text is shown there."""
        held = [(m.rank, key, m.standing) for key, m in self.members.items() if m.standing]
        shown = {
            key: key
            for rank, key, standing in held
            if not rank.rejected and standing.role not in HELD
        }
        for _, key, standing in sorted(held, key=lambda one: one[0]):
            if standing.role == "fuller" and standing.reference_id:
                for home, text in shown.items():
                    if text == standing.reference_id:
                        shown[home] = key
        return shown

    def story_of(self, key: str) -> str:
        story_id = self.members[key].story_id
        assert story_id is not None
        return story_id

    def role_of(self, key: str) -> str:
        return self.standing_of(key).role

    def reference_of(self, key: str) -> str | None:
        return self.standing_of(key).reference_id

    def standing_of(self, key: str) -> Standing:
        standing = self.members[key].standing
        assert standing is not None
        return standing


@lru_cache(1_000)
def bands_of(body: str) -> frozenset[int]:
    """The bands of a text, if it can be compared."""
    text = prepare(body)
    return bands(text) if comparable(text) else frozenset()


def _around(ranks: list[Rank], own: Rank, nearest: int) -> list[Rank]:
    """So many that were published before one, and after it."""
    order = sorted(ranks, key=lambda rank: (rank.published_at, rank.article_id))
    at = order.index(own)
    return [*order[max(0, at - nearest) : at], *order[at + 1 : at + 1 + nearest]]


def body(
    seed: int, *, edited: float = 0.0, edit_seed: int = 0, share: float = 1.0, more: str = ""
) -> str:
    """A text of a seed, with this share of its words changed and this share of it kept.

    `more` is put before or behind it: background and news, each of a kind of its own.
    """
    source, edits = random.Random(seed), random.Random(f"{seed} {edit_seed}")
    words = [source.choice(WORDS) for _ in range(150)]
    changed = [edits.choice(WORDS) if edits.random() < edited else word for word in words]
    kept = changed[: int(len(changed) * share)]
    added = [random.Random(f"{seed} {one}").choices(WORDS, k=ADDED[one]) for one in more.split()]
    for kind, words in zip(more.split(), added, strict=True):
        kept = [*words, *kept] if kind == "news" else [*kept, *words]
    return " ".join(kept)


ADDED = {"news": 60, "background": 60, "quotes": 45, "line": 18, "note": 20, "credit": 6}
"""How many words of each kind a text may have more."""

Drawn = tuple[int, float, int, float, str, int, bool]
articles = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3]),
        st.integers(0, 4),
        st.sampled_from([1.0, 1.0, 0.7, 0.4]),
        st.sampled_from(
            [
                "",
                "",
                "credit",
                "background",
                "quotes",
                "background quotes",
                "quotes background",
                "line",
                "note",
                "line background",
                "note quotes background",
                "news",
                "news background",
                "background credit",
            ]
        ),
        st.integers(0, 5),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=2,
    max_size=9,
)


titles = st.sampled_from(["", TITLE])
bounds = st.sampled_from([NEAREST, 3, 2, 1])
"""How many articles of a band are candidates of each other."""


def made(
    drawn: list[Drawn],
) -> list[tuple[str, datetime, str, bool]]:
    return [
        (
            f"a{number}",
            START + timedelta(hours=hours),
            body(seed, edited=edited, edit_seed=edit_seed, share=share, more=more),
            rejected,
        )
        for number, (seed, edited, edit_seed, share, more, hours, rejected) in enumerate(drawn)
    ]


@given(articles, titles, bounds, st.randoms(use_true_random=False))
def test_any_order_and_any_batches_end_with_the_same_groups(
    drawn: list[Drawn], title: str, nearest: int, rng: random.Random
) -> None:
    every = made(drawn)
    at_once, in_pieces = Shelf(title, nearest), Shelf(title, nearest)
    at_once.put(*every)
    shuffled = rng.sample(every, len(every))
    while shuffled:
        size = rng.randint(1, len(shuffled))
        in_pieces.put(*shuffled[:size])
        shuffled = shuffled[size:]
    assert in_pieces.groups() == at_once.groups()


@given(articles, articles, titles, bounds, st.randoms(use_true_random=False))
def test_articles_that_change_end_as_if_they_had_always_been_so(
    drawn: list[Drawn],
    later: list[Drawn],
    title: str,
    nearest: int,
    rng: random.Random,
) -> None:
    first, second = made(drawn), made(later)
    changing, fresh = Shelf(title, nearest), Shelf(title, nearest)
    changing.put(*first)
    for article in rng.sample(second, len(second)):
        changing.put(article)
    fresh.put(*second, *first[len(second) :])
    assert changing.groups() == fresh.groups()


@given(articles, titles, bounds, st.data())
def test_articles_that_go_leave_the_others_as_if_they_had_never_been(
    drawn: list[Drawn], title: str, nearest: int, data: st.DataObject
) -> None:
    every = made(drawn)
    gone = data.draw(st.sets(st.sampled_from([key for key, *_ in every]), min_size=1))
    left, fresh = Shelf(title, nearest), Shelf(title, nearest)
    left.put(*every)
    left.take(*gone)
    fresh.put(*(article for article in every if article[0] not in gone))
    assert left.groups() == fresh.groups()


def of_parts(missing: set[int], more: list[int]) -> str:
    """A text of nine paragraphs, but for those that are missing, with more behind them."""
    parts = [part for part in range(9) if part not in missing]
    return " ".join(
        " ".join(random.Random(100 + part).choices(WORDS, k=20)) for part in [*parts, *more]
    )


Extended = tuple[set[int], list[int], int]
extended = st.lists(
    st.tuples(
        st.sampled_from([set(), {0}, {7}, {8}, {8}]),
        st.sampled_from([[], [14], [15], [*range(9, 13)], [*range(9, 14)], [*range(9, 17)]]),
        st.integers(0, 30),
    ),
    min_size=3,
    max_size=7,
)


def extended_articles(drawn: list[Extended]) -> list[tuple[str, datetime, str, bool]]:
    return [
        (f"a{number}", START + timedelta(hours=hours), of_parts(missing, more), False)
        for number, (missing, more, hours) in enumerate(drawn)
    ]


@given(extended)
def test_what_is_shown_has_the_news_of_all_that_it_stands_for(
    drawn: list[Extended],
) -> None:
    shelf = Shelf(TITLE)
    shelf.put(*extended_articles(drawn))
    shown = shelf.shown()
    for key, member in shelf.members.items():
        if member.rank.rejected or shown.get(key) == key:
            continue
        home = key
        while shelf.role_of(home) in HELD:
            home = shelf.reference_of(home) or ""
        if shown[home] != key:
            text, held = shelf.texts[shown[home]], shelf.texts[key]
            found, fuller = compare(text, held), compare(held, text)
            assert found is not None
            assert fuller is not None
            assert (
                found.degree == "copy" or found.rule == "nearly_same" or fuller.degree == "fuller"
            )


@given(extended, st.data())
def test_texts_that_lack_little_of_each_other_end_alike_in_any_order(
    drawn: list[Extended], data: st.DataObject
) -> None:
    every = extended_articles(drawn)
    pairs = [frozenset(pair) for pair in itertools.combinations([key for key, *_ in every], 2)]
    strangers = data.draw(st.sets(st.sampled_from(pairs), max_size=4))
    at_once, one_by_one = Shelf(TITLE), Shelf(TITLE)
    at_once.strangers = one_by_one.strangers = strangers
    at_once.put(*every)
    for article in data.draw(st.permutations(every)):
        one_by_one.put(article)
    assert one_by_one.groups() == at_once.groups()


@given(extended, bounds, st.data())
def test_where_one_of_them_goes_the_others_stand_as_if_it_had_never_been(
    drawn: list[Extended], nearest: int, data: st.DataObject
) -> None:
    every = extended_articles(drawn)
    gone = data.draw(st.sampled_from(every))
    left, fresh = Shelf(TITLE, nearest), Shelf(TITLE, nearest)
    left.put(*every)
    left.take(gone[0])
    fresh.put(*(article for article in every if article != gone))
    assert left.groups() == fresh.groups()


@given(articles)
def test_placing_everything_again_changes_nothing(
    drawn: list[Drawn],
) -> None:
    shelf = Shelf()
    shelf.put(*made(drawn))
    before = dict(shelf.members)
    assert regroup(shelf, list(shelf.members), ()) == {}
    assert shelf.members == before


@given(articles)
def test_no_text_is_read_twice_and_what_is_shown_is_the_fullest(drawn: list[Drawn]) -> None:
    shelf = Shelf()
    shelf.put(*made(drawn))
    shown = shelf.shown()
    texts = [shelf.texts[key].words for key in shown.values()]
    assert len(texts) == len(set(texts))
    for key, member in shelf.members.items():
        if member.standing and member.standing.role == "fuller":
            reference = member.standing.reference_id or ""
            assert len(shelf.texts[key].words) > len(shelf.texts[reference].words)
            assert shelf.members[reference].rank.rejected == member.rank.rejected
            assert (
                member.rank.rejected
                or key in shown.values()
                or any(
                    other.standing and other.standing.role == "fuller"
                    for other in shelf.members.values()
                    if other.standing and other.standing.reference_id == key
                )
            )


def test_a_copy_stands_to_its_original_and_shares_its_story() -> None:
    shelf = Shelf()
    shelf.put(("first", START, body(1), False))
    shelf.put(("second", START + timedelta(hours=1), body(1, edited=0.05), False))
    assert [shelf.role_of(key) for key in ("first", "second")] == ["original", "copy"]
    assert shelf.story_of("first") == shelf.story_of("second") == "first"


def test_a_late_earlier_original_takes_the_copies_and_the_story_over() -> None:
    shelf = Shelf()
    shelf.put(("second", START + timedelta(hours=1), body(1), False))
    shelf.put(("third", START + timedelta(hours=2), body(1, edited=0.05), False))
    shelf.put(("first", START, body(1), False))
    assert [shelf.role_of(key) for key in ("first", "second", "third")] == [
        "original",
        "copy",
        "copy",
    ]
    assert {shelf.story_of(key) for key in shelf.members} == {"second"}


def test_a_copy_of_what_may_not_be_read_is_read_itself() -> None:
    shelf = Shelf()
    shelf.put(
        ("rejected", START, body(1), True),
        ("readable", START + timedelta(hours=1), body(1), False),
    )
    assert shelf.role_of("readable") == "original"
    assert shelf.role_of("rejected") == "copy"


def test_rejected_articles_that_come_between_take_an_earlier_one_out_of_reach() -> None:
    rejected = [(key, START, body(1), True) for key in ("a0", "a1", "a2")]
    readable = ("b", START + timedelta(hours=1), body(1, more="credit"), False)
    one_by_one, at_once = Shelf(nearest=2), Shelf(nearest=2)
    one_by_one.put(rejected[0], readable)
    assert one_by_one.reference_of("a0") == "b"
    one_by_one.put(*rejected[1:])
    at_once.put(*rejected, readable)
    assert one_by_one.groups() == at_once.groups()
    assert one_by_one.role_of("a0") == "original"


def test_the_fuller_text_is_shown_in_the_place_of_the_shorter() -> None:
    shelf = Shelf()
    shelf.put(("short", START, body(1), False))
    shelf.put(("fuller", START + timedelta(hours=1), body(1, more="background"), False))
    shelf.put(("copy", START + timedelta(hours=2), body(1), False))
    assert [shelf.role_of(key) for key in ("short", "fuller", "copy")] == [
        "original",
        "fuller",
        "copy",
    ]
    assert shelf.shown() == {"short": "fuller"}


def test_a_third_text_that_is_fuller_still_is_shown_for_the_second() -> None:
    shelf = Shelf()
    shelf.put(("third", START + timedelta(hours=2), body(1, more="quotes background"), False))
    shelf.put(("first", START, body(1), False))
    shelf.put(("second", START + timedelta(hours=1), body(1, more="quotes"), False))
    assert [shelf.reference_of(key) for key in ("second", "third")] == ["first", "second"]
    assert shelf.shown() == {"first": "third"}


def test_of_two_texts_that_are_fuller_in_other_ways_none_is_lost() -> None:
    shelf = Shelf()
    shelf.put(("first", START, body(1), False))
    shelf.put(("second", START + timedelta(hours=1), body(1, more="background"), False))
    shelf.put(("third", START + timedelta(hours=2), body(1, more="quotes"), False))
    shelf.put(("other", START + timedelta(hours=3), body(1, more="news"), False))
    shown = set(shelf.shown().values())
    assert {"second", "other"} <= shown
    assert shelf.role_of("third") in ("update", "rewrite", "copy")
    assert shelf.role_of("other") == "update"
    assert {shelf.story_of(key) for key in shelf.members} == {"first"}


def test_a_text_takes_no_place_where_it_lacks_what_a_copy_had() -> None:
    """Little is lost from each to the next, and too much from the copy to the last."""
    words = body(1).split()
    first, copy = " ".join(words), " ".join([*words, *body(2).split()[:22]])
    fuller = " ".join([*words[:-20], *body(3).split()[:90]])
    shelf = Shelf(TITLE)
    shelf.strangers = {frozenset(("copy", "fuller"))}
    shelf.put(("fuller", START + timedelta(hours=2), fuller, False), ("first", START, first, False))
    assert shelf.role_of("fuller") == "fuller"
    shelf.put(("copy", START + timedelta(hours=1), copy, False))
    assert [shelf.role_of(key) for key in ("copy", "fuller")] == ["copy", "update"]
    shelf.put(("copy", START + timedelta(hours=1), first, False))
    assert [shelf.role_of(key) for key in ("copy", "fuller")] == ["copy", "fuller"]
    shelf.put(("copy", START + timedelta(hours=1), copy, False))
    shelf.take("copy")
    assert shelf.role_of("fuller") == "fuller"


def test_a_cut_of_a_text_that_has_a_fuller_one_is_a_copy_of_that() -> None:
    shelf = Shelf(TITLE)
    shelf.strangers = {frozenset(("fuller", "cut"))}
    shelf.put(("cut", START + timedelta(hours=2), body(1, share=0.3), False))
    shelf.put(("first", START, body(1), False))
    shelf.put(("fuller", START + timedelta(hours=1), body(1, more="background"), False))
    assert [shelf.role_of(key) for key in ("fuller", "cut")] == ["fuller", "copy"]
    assert shelf.reference_of("cut") == "fuller"
    shelf.strangers.add(frozenset(("fullest", "cut")))
    more = body(1, more="background quotes")
    shelf.put(("fullest", START + timedelta(hours=2), more, False))
    assert [shelf.reference_of(key) for key in ("fullest", "cut")] == ["fuller", "fuller"]
    shelf.put(("fullest", START + timedelta(minutes=90), more, False))
    assert [shelf.reference_of(key) for key in ("fullest", "cut")] == ["fuller", "fullest"]
    shelf.put(("fuller", START + timedelta(hours=1), body(5), False))
    assert [shelf.reference_of(key) for key in ("fullest", "cut")] == ["first", "fullest"]
    shelf.put(("fullest", START + timedelta(minutes=90), body(5), False))
    assert shelf.reference_of("cut") == "first"


def test_the_same_words_as_of_a_text_that_has_a_fuller_one_are_not_read_again() -> None:
    shelf = Shelf()
    shelf.strangers = {frozenset(("fuller", "again"))}
    shelf.put(("first", START, body(1), False))
    shelf.put(("fuller", START + timedelta(hours=1), body(1, more="background"), False))
    shelf.put(("again", START + timedelta(hours=2), body(1), False))
    assert (shelf.role_of("again"), shelf.shown()) == ("copy", {"first": "fuller"})


def test_what_stood_to_an_article_that_is_gone_stands_for_itself() -> None:
    shelf = Shelf(TITLE)
    shelf.put(("first", START, body(1), False))
    shelf.put(("fuller", START + timedelta(hours=1), body(1, more="background"), False))
    shelf.take("first")
    assert shelf.role_of("fuller") == "original"


def test_a_text_takes_no_place_that_a_text_unlike_it_has_taken() -> None:
    shelf = Shelf()
    shelf.strangers = {frozenset(("second", "third"))}
    shelf.put(("third", START + timedelta(hours=2), body(1, more="quotes"), False))
    shelf.put(("first", START, body(1), False))
    assert shelf.role_of("third") == "fuller"
    shelf.put(("second", START + timedelta(hours=1), body(1, more="background"), False))
    assert [shelf.role_of(key) for key in ("second", "third")] == ["fuller", "update"]
    shelf.put(("second", START + timedelta(hours=1), body(5), False))
    assert [shelf.role_of(key) for key in ("second", "third")] == ["original", "fuller"]


def test_an_update_of_what_only_the_fuller_text_has_is_of_the_same_story() -> None:
    shelf = Shelf()
    shelf.put(("first", START, body(1, share=0.3), False))
    shelf.put(("second", START + timedelta(hours=1), body(1, share=0.3, more="background"), False))
    shelf.put(
        (
            "third",
            START + timedelta(hours=2),
            f"{body(2, share=0.3)} {body(1, share=0.3, more='background')}",
            False,
        )
    )
    assert shelf.role_of("third") == "update"
    assert len({shelf.story_of(key) for key in shelf.members}) == 1


def test_what_may_not_be_read_shows_its_fuller_text_for_nothing() -> None:
    shelf = Shelf()
    shelf.put(("short", START, body(1), False))
    shelf.put(("fuller", START + timedelta(hours=1), body(1, more="background"), True))
    assert shelf.role_of("fuller") == "update"
    assert shelf.shown() == {"short": "short"}


def test_a_row_of_small_changes_does_not_chain() -> None:
    words = body(3).split()
    shelf = Shelf()
    for step in range(10):
        changed = [f"new{place}" if place < step * 15 else word for place, word in enumerate(words)]
        shelf.put((f"a{step}", START + timedelta(hours=step), " ".join(changed), False))
    assert len({member.story_id for member in shelf.members.values()}) > 1


def test_a_story_keeps_its_id_while_its_original_changes_its_text() -> None:
    shelf = Shelf()
    shelf.put(
        ("first", START, body(1), False), ("copy", START + timedelta(hours=1), body(1), False)
    )
    shelf.put(("first", START, body(2), False))
    assert shelf.role_of("copy") == "original"
    assert shelf.story_of("first") == "first"
    assert shelf.story_of("copy") == "copy"


@pytest.mark.parametrize("role", ["original"])
def test_a_text_of_a_few_words_stands_for_itself(role: str) -> None:
    shelf = Shelf()
    shelf.put(
        ("one", START, "Subscribe to our newsletter", False),
        ("two", START, "Subscribe to our newsletter", False),
    )
    assert {shelf.role_of("one"), shelf.role_of("two")} == {role}


def growing(count: int) -> list[tuple[str, datetime, str, bool]]:
    """A live blog: each text has all of the one before, and more."""
    words = body(0).split()[:60]
    made = []
    for number in range(count):
        words = [*words, *(f"{word}{number}" for word in WORDS[40:60])]
        made.append((f"v{number:03}", START + timedelta(minutes=number), " ".join(words), False))
    return made


@pytest.fixture
def few_compared(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let a text be compared with few others."""
    monkeypatch.setattr(stories, "MOST_COMPARED", 6)
    return 6


def test_a_text_that_grows_again_and_again_is_shown_in_one_place_for_a_bounded_number(
    few_compared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    for count in (40, 80):
        calls = itertools.count()

        def counted(one: Text, other: Text, calls: Iterator[int] = calls) -> Comparison | None:
            next(calls)
            return compare(one, other)

        monkeypatch.setattr(stories, "compare", counted)
        shelf = Shelf()
        shelf.put(*growing(count))
        compared.append(next(calls))
        assert max(length_of_chain(shelf, key) for key in shelf.members) == few_compared
    # What an article costs doesn't grow with their number.
    assert compared[1] < 2.5 * compared[0]


def length_of_chain(shelf: Shelf, key: str) -> int:
    """How many texts an article's text is shown for, one after another."""
    count = 0
    while (standing := shelf.members[key].standing) and standing.role == "fuller":
        assert standing.reference_id is not None
        key, count = standing.reference_id, count + 1
    return count


@costly(6)
@given(st.randoms(use_true_random=False))
def test_texts_that_grow_end_alike_in_any_order(rng: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stories, "MOST_COMPARED", 4)
        at_once, one_by_one = Shelf(), Shelf()
        made = growing(16)
        at_once.put(*made)
        for article in rng.sample(made, len(made)):
            one_by_one.put(article)
        assert {key: one.standing for key, one in at_once.members.items()} == {
            key: one.standing for key, one in one_by_one.members.items()
        }


def placed(*bodies: str) -> Shelf:
    shelf = Shelf(TITLE)
    for number, body in enumerate(bodies):
        shelf.put((f"a{number}", START + timedelta(hours=number), body, False))
    return shelf


def test_who_reprints_the_former_state_does_not_bring_it_back() -> None:
    corrected = REPORT.replace("640", "460")
    late = REPORT.replace("Clients had been told", "Clients were told")
    shelf = placed(REPORT, corrected, late, REPORT)
    assert {key: shelf.role_of(key) for key in shelf.members} == {
        "a0": "original",
        "a1": "fuller",
        "a2": "copy",
        "a3": "copy",
    }
    assert shelf.shown() == {"a0": "a1"}


states = st.lists(
    st.tuples(
        st.sampled_from(["640", "460", "46"]),
        st.sampled_from(
            ["", "\nThe deal collapsed on Friday.", "\nIt is dead, he said on Friday."]
        ),
        st.sampled_from(["had been told", "were told"]),
        st.sampled_from([None, "\nNorvane bought"]),
        st.integers(0, 30),
    ),
    min_size=2,
    max_size=6,
)


@given(states, st.data())
def test_states_end_alike_in_any_order(
    drawn: list[tuple[str, str, str, str | None, int]], data: st.DataObject
) -> None:
    every = [
        (
            f"a{number}",
            START + timedelta(hours=hours),
            (REPORT.split(cut)[0] if cut else REPORT)
            .replace("640", figure)
            .replace("had been told", said)
            + more,
            False,
        )
        for number, (figure, more, said, cut, hours) in enumerate(drawn)
    ]
    at_once, one_by_one = Shelf(TITLE), Shelf(TITLE)
    at_once.put(*every)
    for article in data.draw(st.permutations(every)):
        one_by_one.put(article)
    assert one_by_one.groups() == at_once.groups()
    if any(cut for *_, cut, _ in drawn):
        return
    # The figure that stays from some moment on is read.
    in_order = [one[2] for one in sorted(every, key=lambda one: (one[1], one[0]))]
    figures = ("about 640 ", "about 460 ", "about 46 ")
    figure = next(one for one in figures if one in in_order[-1])
    told = [figure in one for one in in_order]
    if all(told[told.index(True) :]):
        texts = {key: body for key, _, body, _ in every}
        assert any(figure in texts[key] for key in at_once.shown().values())


@pytest.mark.parametrize(
    ("beside", "role"),
    [(None, "fuller"), (Comparison("fuller", "nearly_same", 0.95, 0.99), "copy")],
)
def test_a_later_state_is_not_shown_beside_a_place_that_shows_nearly_the_same(
    monkeypatch: pytest.MonkeyPatch, beside: Comparison | None, role: str
) -> None:
    found = {
        ("zero", "one"): Comparison("update", "news", 0.6, 0.7),
        ("zero", "two"): Comparison("fuller", "revised", 0.99, 1.0),
        ("one", "two"): beside,
    }
    monkeypatch.setattr(
        stories,
        "compare",
        lambda earlier, later: found.get((earlier.words[0], later.words[0])),
    )
    shelf = placed(*(f"{first} {REPORT}" for first in ("zero", "one", "two")))
    assert shelf.role_of("a1") == "update"
    assert shelf.role_of("a2") == role
    assert shelf.member("a2").standing == Standing(
        "copy" if role == "copy" else "fuller", "a0", "revised", 0.99, 1.0, ""
    )
