"""Which articles end as one story does not depend on the order in which they come."""

import random
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsapi_dentsu.domain.similarity import Text, bands, comparable, prepare
from newsapi_dentsu.domain.stories import Member, Rank, regroup

WORDS = [f"word{number}" for number in range(400)]
START = datetime(2026, 3, 1, tzinfo=UTC)


class Shelf:
    """A neighbourhood in memory, which keeps what `regroup` says."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.texts: dict[str, Text] = {}

    def put(self, *articles: tuple[str, datetime, str, bool]) -> None:
        changed = []
        for key, at, body, rejected in articles:
            rank, text = Rank.of(key, at, rejected=rejected), prepare(body)
            stored = self.members.get(key)
            if stored is None or stored.rank != rank or self.texts[key] != text:
                changed.append(key)
            self.members[key] = Member(
                rank, stored.standing if stored else None, stored.story_id if stored else None
            )
            self.texts[key] = text
        self.members |= regroup(self, [article[0] for article in articles], changed)

    def member(self, article_id: str) -> Member:
        return self.members[article_id]

    def text(self, article_id: str) -> Text:
        return self.texts[article_id]

    def candidates(self, article_id: str) -> Mapping[str, int]:
        own = self._bands(article_id)
        shared = {key: len(own & self._bands(key)) for key in self.texts if key != article_id}
        return {key: count for key, count in shared.items() if count}

    def _bands(self, article_id: str) -> frozenset[int]:
        text = self.texts[article_id]
        return bands(text) if comparable(text) else frozenset()

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

    def story_of(self, key: str) -> str:
        story_id = self.members[key].story_id
        assert story_id is not None
        return story_id

    def role_of(self, key: str) -> str:
        standing = self.members[key].standing
        assert standing is not None
        return standing.role


def body(seed: int, *, edited: float = 0.0, edit_seed: int = 0, share: float = 1.0) -> str:
    """A text of a seed, with this share of its words changed and this share of it kept."""
    source, edits = random.Random(seed), random.Random(f"{seed} {edit_seed}")
    words = [source.choice(WORDS) for _ in range(150)]
    changed = [edits.choice(WORDS) if edits.random() < edited else word for word in words]
    return " ".join(changed[: int(len(changed) * share)])


articles = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3]),
        st.integers(0, 4),
        st.sampled_from([1.0, 1.0, 0.7, 0.4]),
        st.integers(0, 5),
        st.booleans(),
    ),
    min_size=2,
    max_size=9,
)


def made(
    drawn: list[tuple[int, float, int, float, int, bool]],
) -> list[tuple[str, datetime, str, bool]]:
    return [
        (
            f"a{number}",
            START + timedelta(hours=hours),
            body(seed, edited=edited, edit_seed=edit_seed, share=share),
            rejected,
        )
        for number, (seed, edited, edit_seed, share, hours, rejected) in enumerate(drawn)
    ]


@settings(max_examples=60, deadline=None)
@given(articles, st.randoms(use_true_random=False))
def test_any_order_and_any_batches_end_with_the_same_groups(
    drawn: list[tuple[int, float, int, float, int, bool]], rng: random.Random
) -> None:
    every = made(drawn)
    at_once, in_pieces = Shelf(), Shelf()
    at_once.put(*every)
    shuffled = rng.sample(every, len(every))
    while shuffled:
        size = rng.randint(1, len(shuffled))
        in_pieces.put(*shuffled[:size])
        shuffled = shuffled[size:]
    assert in_pieces.groups() == at_once.groups()


@settings(max_examples=40, deadline=None)
@given(articles, articles, st.randoms(use_true_random=False))
def test_articles_that_change_end_as_if_they_had_always_been_so(
    drawn: list[tuple[int, float, int, float, int, bool]],
    later: list[tuple[int, float, int, float, int, bool]],
    rng: random.Random,
) -> None:
    first, second = made(drawn), made(later)
    changing, fresh = Shelf(), Shelf()
    changing.put(*first)
    for article in rng.sample(second, len(second)):
        changing.put(article)
    fresh.put(*second, *first[len(second) :])
    assert changing.groups() == fresh.groups()


@settings(max_examples=20, deadline=None)
@given(articles)
def test_placing_everything_again_changes_nothing(
    drawn: list[tuple[int, float, int, float, int, bool]],
) -> None:
    shelf = Shelf()
    shelf.put(*made(drawn))
    before = dict(shelf.members)
    assert regroup(shelf, list(shelf.members), ()) == {}
    assert shelf.members == before


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
