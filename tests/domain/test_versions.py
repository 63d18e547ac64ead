"""What a page has shown depends on the set of its records only."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.similarity import prepare
from newsapi_dentsu.domain.versions import (
    MOST_COMPARED,
    Occurrence,
    Returned,
    Wording,
    articles_of,
    is_same,
    is_update,
    resolve,
)

START = datetime(2026, 11, 20, tzinfo=UTC)
TEXTS = {
    "x": ("Chip maker raises its forecast", "a b c d e f g h i j k l m n o p q r s t"),
    "y": ("LIVE: more chips", "a b c d e f g h i j 1 2 3 4 5 6 7 8 9"),
    "z": ("Mayor opens a bridge", "zz yy xx ww vv uu tt ss rr qq pp oo nn mm"),
    "-": ("", ""),
}
ONE_GAME, OTHER_GAME = (" ".join(f"{name}{n}" for n in range(120)) for name in "ab")
moments = st.none() | st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours))
occurrences = st.lists(
    st.builds(
        Occurrence,
        raw_seq=st.integers(1, 99),
        uri=st.sampled_from("abcd"),
        uri_version=st.integers(1, 3),
        fragment=st.sampled_from(["", "", "/1", "top"]),
        text_hash=st.sampled_from(sorted(TEXTS)),
        text_at=moments,
        published_at=moments,
        returned=st.none()
        | st.builds(
            Returned,
            number=st.integers(4, 9),
            at=st.integers(6, 9).map(lambda hours: START + timedelta(hours=hours)),
            changes=st.integers(0, 2),
        ),
    ),
    min_size=1,
    max_size=8,
    unique_by=(
        lambda one: one.raw_seq,
        lambda one: (one.uri, one.uri_version),
        lambda one: (one.uri, one.number),
    ),
)


class Told:
    """Wordings by text hash; counts how often it is asked."""

    def __init__(self, texts: Mapping[str, tuple[str, str]] = TEXTS) -> None:
        self._texts = texts
        self.asked = 0

    def of(self, record: Occurrence) -> Wording:
        self.asked += 1
        return wording(*self._texts[record.text_hash])


def wording(title: str, body: str) -> Wording:
    return Wording(prepare(title), prepare(body))


def at(
    hours: int, uri: str, text: str, fragment: str = "", published: int | None = None
) -> Occurrence:
    moment = START + timedelta(hours=hours)
    told = moment if published is None else START + timedelta(hours=published)
    return Occurrence(hours, uri, 1, fragment, text, moment, told)


def divided(*records: Occurrence, told: Told | None = None) -> list[list[int]]:
    return [[one.raw_seq for one in article] for article in articles_of(records, told or Told())]


@given(occurrences, st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(records: list[Occurrence], rng: object) -> None:
    shuffled = sorted(records, key=lambda one: hash((one, str(rng))))
    articles = articles_of(records, Told())
    assert articles_of(shuffled, Told()) == articles
    for article in articles:
        mixed = sorted(article, key=lambda one: hash((one, str(rng))))
        assert resolve(mixed) == resolve(article)


@given(occurrences, st.data())
def test_what_is_settled_comes_out_as_if_it_were_not(
    records: list[Occurrence], data: st.DataObject
) -> None:
    whole = articles_of(records, Told())
    ordered = sorted(records, key=lambda one: one.order)
    before = ordered[: data.draw(st.integers(0, len(ordered)))]
    names = {
        one.raw_seq: f"article {number}"
        for number, article in enumerate(articles_of(before, Told()))
        for one in article
    }
    assert articles_of(records, Told(), names) == whole


@given(occurrences)
def test_what_comes_back_divides_nothing_anew(records: list[Occurrence]) -> None:
    articles = [[one.raw_seq for one in article] for article in articles_of(records, Told())]
    before = [replace(one, returned=None) for one in records]
    assert divided(*before) == articles


@given(occurrences)
def test_every_record_is_of_one_article_and_one_uri_is_one_article(
    records: list[Occurrence],
) -> None:
    articles = articles_of(records, Told())
    assert sorted(one.raw_seq for article in articles for one in article) == sorted(
        one.raw_seq for one in records
    )
    homes: dict[str, set[int]] = {}
    for number, article in enumerate(articles):
        for one in article:
            homes.setdefault(one.uri, set()).add(number)
    assert all(len(home) == 1 for home in homes.values())


@given(occurrences)
def test_every_record_has_an_outcome_and_one_is_the_article(records: list[Occurrence]) -> None:
    resolution = resolve(records)
    assert set(resolution.outcomes) == {one.raw_seq for one in records}
    articles = [seq for seq, outcome in resolution.outcomes.items() if outcome == "article"]
    assert articles == [resolution.raw_seq]


@given(occurrences)
def test_the_dates_are_that_of_the_text_and_the_earliest(records: list[Occurrence]) -> None:
    dates = [one.published_at for one in records if one.published_at]
    resolution = resolve(records)
    chosen = next(one for one in records if one.raw_seq == resolution.raw_seq)
    assert resolution.first_published_at == (min(dates) if dates else None)
    of_text = [
        one.published_at for one in records if one.text_hash == chosen.text_hash if one.published_at
    ]
    assert resolution.published_at == min(of_text, default=max(dates, default=None))


@given(occurrences)
def test_the_article_and_the_link_are_of_the_newest_versions_of_their_uris(
    records: list[Occurrence],
) -> None:
    for seq in (resolve(records).raw_seq, resolve(records).link_seq):
        chosen = next(one for one in records if one.raw_seq == seq)
        assert chosen.number == max(one.number for one in records if one.uri == chosen.uri)


@given(occurrences)
def test_versions_count_from_one_to_the_number_of_records(records: list[Occurrence]) -> None:
    changes = sum(one.returned.changes for one in records if one.returned)
    assert 1 <= resolve(records).version <= len(records) + changes


def test_what_came_back_last_is_shown_with_its_link() -> None:
    first, second = at(1, "a", "x"), replace(at(2, "a", "y"), uri_version=2)
    back = replace(first, returned=Returned(3, START + timedelta(hours=5), 1))
    resolution = resolve([back, second, at(3, "b", "z")])
    assert (resolution.raw_seq, resolution.link_seq, resolution.version) == (1, 1, 4)
    # What another uri shows since then is newer.
    resolution = resolve([back, second, at(6, "b", "z")])
    assert (resolution.raw_seq, resolution.link_seq, resolution.version) == (6, 6, 4)


def test_an_article_without_records_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        resolve([])


def test_plainly_different_records_are_articles_of_their_own() -> None:
    assert divided(at(1, "a", "x"), at(2, "b", "z"), at(3, "c", "y")) == [[1, 3], [2]]


def test_a_page_that_holds_both_texts_joins_the_one_that_changed_last_and_not_both() -> None:
    texts = {
        "x": TEXTS["x"],
        "z": TEXTS["z"],
        "whole": ("Today's news", f"{TEXTS['x'][1]} {TEXTS['z'][1]}"),
    }
    records = (at(1, "a", "x"), at(2, "b", "z"), at(3, "c", "whole"), at(4, "d", "x"))
    assert divided(*records, told=Told(texts)) == [[1, 4], [2, 3]]


def test_another_fragment_is_another_article_unless_it_repeats_the_text() -> None:
    assert divided(at(1, "a", "x", "/1"), at(2, "b", "y", "/2")) == [[1], [2]]
    assert divided(at(1, "a", "x"), at(2, "b", "x", "comments")) == [[1, 2]]
    texts = {
        "x": ("A story", " ".join(map(str, range(100)))),
        "comment": ("Comment on A story by Jo", " ".join(map(str, range(104)))),
    }
    assert divided(at(1, "a", "x"), at(2, "b", "comment", "c1"), told=Told(texts)) == [[1, 2]]


def test_the_text_under_no_fragment_is_shown_though_another_is_newer() -> None:
    records = [at(1, "a", "x"), at(2, "b", "comment", "c1")]
    resolution = resolve(records)
    assert (resolution.raw_seq, resolution.link_seq, resolution.version) == (1, 2, 1)
    assert resolution.outcomes == {1: "article", 2: "url_twin"}


@pytest.mark.parametrize(
    ("one", "other", "update"),
    [
        (("Four countries cut ties with Q", "a b c"), ("Four countries cut links to Q", "x"), True),
        (("LIVE: day one", "a b c d e f g h"), ("Prizes are awarded", "a b c d e 1 2 3"), True),
        (("Story 1", "one two three four"), ("Story 2", "five six seven eight"), False),
        (("E-paper: bridge opens", "a b c d e"), ("E-paper: cup is lost", "v w x y z"), False),
        (("", "a b c d"), ("", "w x y z"), False),
        (("A", ""), ("B", "w x y z"), False),
        (("A", ""), ("B", ""), True),
        (("Sport - Paper", ONE_GAME), ("Sport - Paper", OTHER_GAME), False),
        (("Cup final is lost", ONE_GAME), ("Cup final is lost at home", OTHER_GAME), True),
    ],
)
def test_an_update_keeps_the_stem_of_the_title_or_some_of_the_text(
    one: tuple[str, str], other: tuple[str, str], update: bool
) -> None:
    assert is_update(wording(*one), wording(*other)) is update
    assert is_update(wording(*other), wording(*one)) is update


def test_one_text_is_one_whatever_its_title() -> None:
    assert is_same(wording("A", "one two three"), wording("B", "One, two: three!"))
    assert not is_same(wording("A", "one two three"), wording("A", "one two four"))


def test_a_page_with_very_many_articles_is_compared_with_the_latest_only() -> None:
    texts = {str(n): (f"Title{n}", f"one{n} two{n} three{n}") for n in range(400)}
    told = Told(texts)
    assert len(divided(*(at(n, f"{n}", f"{n}") for n in range(400)), told=told)) == 400
    assert told.asked <= 400 * 2 * MOST_COMPARED
