"""Choosing the article of a page depends on the set of its records only."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.versions import Occurrence, resolve

START = datetime(2026, 11, 20, tzinfo=UTC)
moments = st.none() | st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours))
occurrences = st.lists(
    st.builds(
        Occurrence,
        raw_seq=st.integers(1, 99),
        uri=st.sampled_from("abc"),
        uri_version=st.integers(1, 3),
        text_hash=st.sampled_from("xyz"),
        text_at=moments,
        published_at=moments,
    ),
    min_size=1,
    max_size=6,
    unique_by=(lambda one: one.raw_seq, lambda one: (one.uri, one.uri_version)),
)


@given(occurrences, st.randoms(use_true_random=False))
def test_the_order_makes_no_difference(records: list[Occurrence], rng: object) -> None:
    shuffled = sorted(records, key=lambda one: hash((one, str(rng))))
    assert resolve(shuffled) == resolve(records)


@given(occurrences)
def test_every_record_has_an_outcome_and_one_is_the_article(records: list[Occurrence]) -> None:
    resolution = resolve(records)
    assert set(resolution.outcomes) == {one.raw_seq for one in records}
    articles = [seq for seq, outcome in resolution.outcomes.items() if outcome == "article"]
    assert articles == [resolution.raw_seq]


@given(occurrences)
def test_the_date_is_the_earliest_of_all(records: list[Occurrence]) -> None:
    dates = [one.published_at for one in records if one.published_at]
    assert resolve(records).published_at == (min(dates) if dates else None)


@given(occurrences)
def test_the_article_is_the_newest_version_of_its_uri(records: list[Occurrence]) -> None:
    chosen = next(one for one in records if one.raw_seq == resolve(records).raw_seq)
    assert chosen.uri_version == max(one.uri_version for one in records if one.uri == chosen.uri)


@given(occurrences)
def test_versions_count_from_one_to_the_number_of_records(records: list[Occurrence]) -> None:
    assert 1 <= resolve(records).version <= len(records)


def test_a_page_without_records_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        resolve([])
