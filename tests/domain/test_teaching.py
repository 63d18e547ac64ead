"""What people's verdicts teach: likeness to what they labelled, and nothing where that hurts."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.passages import opening_of, passages
from newsapi_dentsu.domain.relevance import (
    Meaning,
    Relevance,
    Yardstick,
    rules,
    score,
    texts,
    yardstick,
)
from newsapi_dentsu.domain.teaching import MOST, Labelled, teach
from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.domain.vectors import rounded
from newsapi_dentsu.meaning import sentence_model

PETS = """
  - name: Pets
    description: Dogs, cats and other animals that people keep at home.
    keywords: [puppy, kitten]
"""
TRAINS = """
  - name: Trains
    description: Railways, stations and journeys by train.
    keywords: [train, locomotive]
"""
ANOTHER = "Stable owners fear dearer hay for horses"
HORSES = [
    "A mare and her foal win the county show",
    "How to feed an old horse in winter",
    "Riding school opens for children and ponies",
    "Vet warns of colic in horses after frost",
    "Pony club meets at the stable on Sunday",
]
FARMS = [
    "Dairy farmers protest against milk prices",
    "Pig herd infected with swine fever",
    "Poultry farm builds a new hall for hens",
    "Sheep killed by a wolf in the hills",
    "Cattle market reopens after disease",
    "Beef exports fall as herds shrink",
]


@cache
def measure(text: str = PETS) -> Yardstick:
    topics = parse_topics(f"topics:\n{text}", "topics.yaml")
    model = sentence_model()
    return yardstick(topics, model.model, model.embed(texts(topics)))


@cache
def meaning(title: str) -> Meaning:
    (vector,) = sentence_model().embed(passages(title, ""))
    return Meaning(vector, vector)


def labelled(title: str, belongs: bool, *topics: str) -> Labelled:
    names = frozenset(topics or ["Pets"])
    return Labelled(names, belongs, title, "", "[]", "[]", title, meaning(title))


def scored(title: str, by: Yardstick) -> Relevance:
    return score(title, "", "[]", "[]", by, meaning(title))


def said(yes: Sequence[str], no: Sequence[str]) -> list[Labelled]:
    return [labelled(one, True) for one in yes] + [labelled(one, False) for one in no]


def test_what_was_said_moves_what_is_like_it_and_nothing_else() -> None:
    taught, (learnt,) = teach(measure(), [], said(HORSES[:5], FARMS[:5]))
    assert learnt.used
    assert learnt.right_after >= learnt.right_before
    before, after = (scored(ANOTHER, by).overall for by in (measure(), taught))
    assert after > 1.3 * before
    assert scored(FARMS[-1], taught).overall <= scored(FARMS[-1], measure()).overall
    rates = "Central bank leaves rates where they are"
    assert scored(rates, taught).overall == pytest.approx(scored(rates, measure()).overall, 0.01)


def test_each_label_is_fitted_however_far_its_score_was() -> None:
    taught, _ = teach(measure(), said(HORSES, FARMS), [])
    for title in HORSES:
        assert scored(title, taught).overall > 0.6
    for title in FARMS:
        assert scored(title, taught).overall < 0.4


def test_the_signs_of_a_taught_score_still_add_up() -> None:
    for text in (PETS, PETS + TRAINS):
        taught, _ = teach(measure(text), said(HORSES[:2], FARMS[:2]), [])
        found = scored(ANOTHER, taught)
        logit = found.constant + sum(one.weight for one in found.signals)
        assert found.overall == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-4)
        assert any("were said to belong" in one.said for one in found.signals)


@pytest.mark.parametrize(
    ("yes", "no"), [(1, 0), (0, 1), (5, 0), (0, 5), (5, 1), (1, 5), (1, 1)], ids=str
)
def test_few_verdicts_or_those_of_one_kind_change_nothing(yes: int, no: int) -> None:
    taught, (learnt,) = teach(measure(), [], said(HORSES[:yes], FARMS[:no]))
    assert learnt.too_few
    assert not learnt.used
    assert taught == measure()


def test_verdicts_that_contradict_each_other_say_that_nobody_knows() -> None:
    both = said([*HORSES, *FARMS], [*HORSES, *FARMS])
    taught, _ = teach(measure(), both, [])
    for title in (*HORSES, *FARMS):
        assert 0.3 < scored(title, taught).overall < 0.7


def test_where_the_others_would_mislead_nothing_is_learnt() -> None:
    # Of each two that are nearly alike, at different sites, one belongs and the other doesn't.
    verdicts = [
        replace(labelled(title, belongs), source=f"{title} {belongs}")
        for title in (*HORSES, *FARMS)
        for belongs in (True, False)
    ]
    taught, (learnt,) = teach(measure(), [], verdicts)
    assert learnt.right_after < learnt.right_before
    assert not learnt.used
    assert taught == measure()


def test_verdicts_on_other_topics_are_passed_over() -> None:
    others = [replace(one, topics=frozenset(["Cars"])) for one in said(HORSES, FARMS)]
    assert teach(measure(), [], others) == (measure(), [])
    both = [replace(one, topics=frozenset(["Pets", "Cars"])) for one in said(HORSES, FARMS)]
    assert teach(measure(), [], both) == (measure(), [])


def test_a_verdict_on_one_of_several_topics_moves_that_topic() -> None:
    untaught = measure(PETS + TRAINS)
    taught, _ = teach(untaught, said(HORSES[:3], FARMS[:3]), [])
    before, after = scored(ANOTHER, untaught), scored(ANOTHER, taught)
    assert after.topics["Pets"] > before.topics["Pets"] + 0.03
    assert after.topics["Trains"] == before.topics["Trains"]
    together = [replace(one, topics=frozenset(["Pets", "Trains"])) for one in said(HORSES, FARMS)]
    taught, _ = teach(untaught, together, [])
    after = scored(ANOTHER, taught)
    assert after.overall > before.overall
    assert after.topics == before.topics


def test_when_each_was_said_makes_no_difference() -> None:
    verdicts = said(HORSES, FARMS)
    one, _ = teach(measure(), [], verdicts)
    other, _ = teach(measure(), [], verdicts[::-1])
    assert rules("m", one.taught) == rules("m", other.taught) != rules("m")
    less, _ = teach(measure(), [], verdicts[1:])
    assert rules("m", less.taught) != rules("m", one.taught)


@st.composite
def verdicts_of_any_kind(draw: st.DrawFn) -> list[Labelled]:
    """Articles anywhere in the space of meaning, with labels that may mean nothing."""
    count = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    near = measure().poles[0][0] * draw(st.sampled_from([0.0, 1.0, 3.0]))
    rows = rounded((near + rng.normal(size=(count, 384)) / 10).astype(np.float32))
    names = [f"{n}" for n in range(count)]
    labels = rng.random(count) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return [
        Labelled(
            frozenset(["Pets"]),
            bool(belongs),
            name,
            opening_of("text"),
            "[]",
            "[]",
            draw(st.sampled_from(["a", "b", name])),
            Meaning(row, row),
        )
        for name, row, belongs in zip(names, rows, labels, strict=True)
    ]


@given(verdicts_of_any_kind(), st.sampled_from([0.0, 0.5, 1.0]))
def test_what_is_used_is_never_worse_on_held_out_verdicts(
    verdicts: list[Labelled], threshold: float
) -> None:
    by = measure()
    asked = by.topics.model_copy(
        update={"relevance": by.topics.relevance.model_copy(update={"threshold": threshold})}
    )
    taught, (learnt,) = teach(replace(by, topics=asked), [], verdicts)
    assert bool(taught.taught) == learnt.used
    assert not learnt.used or learnt.right_after >= learnt.right_before
    for one in taught.taught:
        assert np.isfinite(one.weights).all()


def test_a_thousand_verdicts_are_learnt_from_in_seconds() -> None:
    rng = np.random.default_rng(0)
    rows = rounded(rng.normal(size=(2 * MOST, 384)).astype(np.float32))
    verdicts = [
        Labelled(
            frozenset(["Pets"]), bool(n % 2), f"{n}", "", "[]", "[]", f"{n % 30}", Meaning(row, row)
        )
        for n, row in enumerate(rows)
    ]
    begun = time.process_time()
    _, (learnt,) = teach(measure(), [], verdicts)
    assert learnt.yes + learnt.no == MOST
    assert time.process_time() - begun < 10
