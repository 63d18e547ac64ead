"""How much an article is about the topics: what counts, how it adds up, and what must pass."""

import json
import math
import time
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.calibration import calibration
from newsapi_dentsu.domain.passages import passages
from newsapi_dentsu.domain.relevance import Meaning, Relevance, Yardstick, score, texts, yardstick
from newsapi_dentsu.domain.topics import RelevanceRules, Topics, parse_topics
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.source import SHIPPED_TOPICS

SHIPPED = parse_topics(SHIPPED_TOPICS.read_text("utf-8"), "topics.yaml")
PETS = """
      - name: Pets
        description: Dogs, cats and other animals that people keep at home.
        keywords: [puppy, guide dog]
        concepts: ['http://w.example/Dog']
        categories: [Animals/Pets]
"""
TRAINS = """
      - name: Trains
        description: Railways, stations and journeys by train.
        keywords: [train, locomotive]
"""
BOTH = parse_topics(f"topics:\n{PETS}{TRAINS}", "topics.yaml")
ALONE = parse_topics(f"topics:\n{PETS}", "topics.yaml")

PETS_ON_TRAINS = (
    "Dogs may travel free on all local trains",
    "From next month passengers can take a puppy or a grown dog on every train of the railway "
    "without a ticket, the operator said. Cats must stay in a basket.",
)
PETS_AT_HOME = (
    "Why your puppy chews the sofa",
    "Young dogs explore the home with their teeth. A vet explains what owners can do about it.",
)
RATES = (
    "Central bank leaves rates where they are",
    "The bank kept its main rate at two per cent as inflation fell more slowly than expected.",
)


@cache
def measure(topics: Topics) -> Yardstick:
    model = sentence_model()
    return yardstick(topics, model.model, model.embed(texts(topics)))


def scored(
    title: str = "",
    body: str = "",
    concepts: Sequence[dict[str, Any]] = (),
    categories: Sequence[dict[str, Any]] = (),
    topics: Topics = BOTH,
    lang: str | None = "eng",
    known: bool = True,
) -> Relevance:
    parts = sentence_model().embed(passages(title, body) if known else ())
    meaning = Meaning(parts[0], parts[-1]) if len(parts) else None
    tags = json.dumps(concepts), json.dumps(categories)
    return score(title, body, *tags, measure(topics), meaning, lang)


def test_an_article_about_all_topics_scores_more_than_one_about_some() -> None:
    both, one, none = (scored(*text).overall for text in (PETS_ON_TRAINS, PETS_AT_HOME, RATES))
    assert both >= BOTH.relevance.threshold > one > none


def test_each_topic_has_its_own_score() -> None:
    found = scored(*PETS_AT_HOME).topics
    assert found["Pets"] >= BOTH.relevance.threshold > found["Trains"]


def test_a_topic_alone_is_enough_where_nothing_else_is_asked_for() -> None:
    threshold = ALONE.relevance.threshold
    assert scored(*PETS_AT_HOME, topics=ALONE).overall >= threshold
    assert scored(*RATES, topics=ALONE).overall < threshold


def test_keywords_stand_for_a_topic_without_a_description() -> None:
    bare = parse_topics("topics: [{name: Pets, keywords: [dogs, cats, puppy, pet owners]}]", "t")
    assert scored(*PETS_AT_HOME, topics=bare).overall >= bare.relevance.threshold
    assert scored(*RATES, topics=bare).overall < bare.relevance.threshold


def test_tags_stand_for_keywords_where_there_are_none() -> None:
    text = "topics: [{name: Pets, concepts: ['http://w.example/Pet_dogs'], categories: [A/Cats]}]"
    assert "Pet dogs" in texts(parse_topics(text, "t"))


def test_what_is_named_in_title_or_opening_counts_and_further_down_it_doesnt() -> None:
    filler = "and " * 120
    near = scored("On the way", f"The locomotive stood. {filler}")
    far = scored("On the way", f"Everything stood. {filler} locomotive")
    assert any("opening names locomotive" in one.said for one in near.signals)
    assert not any("names" in one.said for one in far.signals)


def test_a_tag_counts_by_its_place_on_the_scale_of_the_index() -> None:
    def overall(value: int) -> float:
        return scored(*RATES, [{"uri": "http://w.example/Dog", "score": value}]).overall

    assert overall(5) > overall(2) > scored(*RATES).overall
    below = scored(*RATES, categories=[{"uri": "Animals/Pets/Dogs", "wgt": 100}])
    assert below.overall == overall(5)
    other = scored(*RATES, categories=[{"uri": "Animals/Pet", "wgt": 100}])
    assert other.overall == scored(*RATES).overall


def test_a_concept_counts_whose_name_holds_a_keyword() -> None:
    named = scored(*RATES, [{"uri": "http://w.example/Steam_locomotive", "score": 5}])
    assert any("tags it Steam locomotive (100% of the scale)" in one.said for one in named.signals)


def test_capitals_hyphens_and_curly_apostrophes_dont_matter() -> None:
    said = {
        tuple(one.said.casefold() for one in found.signals if "names" in one.said)
        for found in (scored("Guide-dog"), scored("a GUIDE  dog"), scored("guide dog"))
    }
    assert said == {("its title names guide dog",)}
    assert not any("names" in one.said for one in scored("guide dogs").signals)


@pytest.mark.parametrize(
    ("keyword", "text", "names"),
    [
        ("IT", "How the IT department saves power", True),
        ("IT", "Why it takes so long", False),
        ("it", "Why it takes so long", True),
        ("AI", "Dieci consigli ai genitori", False),
        ("AI", "AI-made pictures", True),
        ("GDPR", "What gdpr asks for", True),
    ],
)
def test_a_short_acronym_is_no_word_in_small_letters(keyword: str, text: str, names: bool) -> None:
    topics = parse_topics(f"topics: [{{name: Own, keywords: [{keyword}]}}]", "topics.yaml")
    said = [one.said for one in scored(text, text, topics=topics).signals]
    assert any("names" in one for one in said) == names


def test_the_signals_are_the_whole_reason_for_a_score() -> None:
    for topics in (BOTH, ALONE, SHIPPED):
        found = scored(*PETS_ON_TRAINS, topics=topics)
        logit = found.constant + sum(one.weight for one in found.signals)
        assert found.overall == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-4)


def test_the_signals_quote_what_was_judged() -> None:
    found = scored(*PETS_ON_TRAINS)
    assert any("“From next month passengers can" in one.said for one in found.signals)


def test_the_lesson_of_the_labelled_articles_belongs_to_the_shipped_descriptions() -> None:
    labelled = "labelled articles"
    assert any(labelled in one.said for one in scored(*RATES, topics=SHIPPED).signals)
    assert not any(labelled in one.said for one in scored(*RATES).signals)
    first, second = SHIPPED.topics
    turned = SHIPPED.model_copy(update={"topics": [second, first]})
    assert any(labelled in one.said for one in scored(*RATES, topics=turned).signals)
    edited = first.model_copy(update={"description": "Robots."})
    other = SHIPPED.model_copy(update={"topics": [edited, second]})
    assert not any(labelled in one.said for one in scored(*RATES, topics=other).signals)


def test_the_figures_belong_to_the_shipped_model() -> None:
    assert calibration().model == sentence_model().model
    assert calibration().lesson.is_about(SHIPPED)


def test_without_its_meaning_an_article_is_judged_by_keywords_and_tags() -> None:
    named = scored(*PETS_ON_TRAINS, known=False)
    assert named.by == "words"
    assert named.overall >= BOTH.relevance.threshold
    assert all("meaning of its text is unknown" in one.said for one in named.signals)
    assert scored(*PETS_AT_HOME, known=False).overall == 0
    in_passing = ("A day out", "and " * 120 + "puppy train")
    assert 0 < scored(*in_passing, known=False).overall < BOTH.relevance.threshold


def test_in_another_language_keywords_and_tags_are_enough() -> None:
    text = ("Le puppy et le train", "Il pleut sur la gare depuis ce matin.")
    concepts = [{"uri": "http://w.example/Dog", "score": 5}]
    found = scored(*text, concepts, lang="fra")
    assert found.overall >= BOTH.relevance.threshold
    taxes = (
        "La banque et le budget",
        "Le ministre des finances dit que la dette et les impôts montent, que la banque centrale "
        "garde son taux: un train et un puppy n'y changent rien.",
    )
    by_words = scored(*taxes, lang="fra")
    assert by_words.by == "words"
    assert all("it isn't in English" in one.said for one in by_words.signals)


SENTENCES = st.lists(
    st.sampled_from(
        [
            "The puppy waits at the station.",
            "A train left at noon.",
            "Banks raised their rates.",
            "He wrote a novel about the sea.",
            "and",
        ]
    ),
    max_size=6,
).map(" ".join)
TAGS = st.lists(
    st.fixed_dictionaries(
        {
            "uri": st.sampled_from(
                [f"http://w.example/{name}" for name in ("Dog", "Cat", "Train")]
            ),
            "score": st.integers(1, 5),
        }
    ),
    max_size=3,
)


@given(SENTENCES, SENTENCES, TAGS, st.booleans())
def test_scores_are_between_0_and_1(title: str, body: str, tags: list[Any], known: bool) -> None:
    found = scored(title, body, tags, known=known)
    assert all(0 <= value <= 1 for value in (found.overall, *found.topics.values()))
    assert all(math.isfinite(one.weight) for one in found.signals)


@given(SENTENCES, SENTENCES, TAGS)
def test_the_order_of_topics_and_tags_doesnt_matter(title: str, body: str, tags: list[Any]) -> None:
    turned = BOTH.model_copy(update={"topics": BOTH.topics[::-1]})
    one, other = scored(title, body, tags), scored(title, body, tags[::-1], topics=turned)
    assert other.overall == pytest.approx(one.overall, abs=2e-4)
    assert other.topics == one.topics


@given(SENTENCES, SENTENCES, SENTENCES)
def test_what_follows_the_opening_changes_no_score(title: str, body: str, rest: str) -> None:
    opening = " ".join([*islice(f"{body} {body}".split(), 90), *(["and"] * 90)][:90])
    short, long = scored(title, opening), scored(title, f"{opening} {rest} {rest * 50}")
    assert (long.overall, long.topics) == (short.overall, short.topics)


@given(SENTENCES, SENTENCES, TAGS, st.integers(1, 5))
def test_another_tag_never_lowers_a_score(
    title: str, body: str, tags: list[Any], value: int
) -> None:
    added = [*tags, {"uri": "http://w.example/Dog", "score": value}]
    for known in (True, False):
        before = scored(title, body, tags, known=known)
        assert scored(title, body, added, known=known).overall >= before.overall


def test_the_smallest_change_of_a_vector_changes_no_verdict() -> None:
    parts = sentence_model().embed(passages(*PETS_ON_TRAINS))
    rng = np.random.default_rng(1)
    found = {
        score("", "", "", "", measure(SHIPPED), Meaning(opening, opening)).overall
        for opening in (parts[0] + rng.normal(0, 1e-8, (5, parts.shape[1]))).astype(np.float32)
    }
    assert max(found) - min(found) <= 2e-4


def test_an_article_is_scored_in_less_than_a_millisecond() -> None:
    body = "The shop lets a model choose which offers its customers see in the weekly email. " * 27
    parts = sentence_model().embed(passages("A title", body))
    meaning = Meaning(parts[0], parts[-1])
    times = []
    for _ in range(20):
        started = time.perf_counter()
        score("A model picks the offers", body, "[]", "[]", measure(SHIPPED), meaning)
        times.append(time.perf_counter() - started)
    # Ten times what it takes: the machine may be busy with something else.
    assert min(times) < 0.01


@pytest.mark.parametrize("place", ["title", "body"])
@pytest.mark.parametrize(
    "text",
    [
        "puppy " * 60_000 + "and " * 10 + "train " * 60_000,
        "guide " * 60_000,
        "guide-" * 60_000,
        "a" * 600_000,
        "dog'" * 150_000,
        "guide" + " " * 600_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_long_text_costs_no_more_than_its_length(place: str, text: str) -> None:
    started = time.process_time()
    title, body = (text, "") if place == "title" else ("", text)
    score(title, body, "[]", "[]", measure(BOTH))
    assert time.process_time() - started < 1.5


def test_a_keyword_that_is_written_twice_counts_once() -> None:
    twice = parse_topics(
        f"topics:\n{PETS.replace('[puppy, ', '[puppy, Puppy, PUPPY, puppy, ')}", "topics.yaml"
    )
    assert texts(twice) == texts(ALONE)


@pytest.mark.parametrize(
    ("score", "threshold", "told"),
    [
        (0.4955, 0.5, "0.4955 of 0.50"),
        (0.4944, 0.5, "0.49 of 0.50"),
        (0.5, 0.5, "0.50 of 0.50"),
        (0.504, 0.505, "0.50 of 0.505"),
        (0.5051, 0.505, "0.51 of 0.505"),
        (0.9999, 1, "0.9999 of 1.00"),
        (0.0, 0, "0.00 of 0.00"),
    ],
)
def test_a_score_is_told_on_its_side_of_the_threshold(
    score: float, threshold: float, told: str
) -> None:
    rules = RelevanceRules(threshold=threshold)
    assert f"{rules.beside(score)} of {rules.asked}" == told


def test_the_order_of_keywords_and_topics_changes_no_score() -> None:
    turned = parse_topics(
        f"topics:\n{TRAINS.replace('train, locomotive', 'locomotive, train')}"
        f"{PETS.replace('puppy, guide dog', 'guide dog, puppy, guide dog')}",
        "topics.yaml",
    )
    for text in (PETS_ON_TRAINS, PETS_AT_HOME, RATES):
        one, other = scored(*text), scored(*text, topics=turned)
        assert (one.overall, dict(one.topics)) == (other.overall, dict(other.topics))
