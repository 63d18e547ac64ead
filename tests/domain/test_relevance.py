"""How much an article is about the topics: what counts, how it adds up, and what must pass."""

import json
import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.relevance import NEAR_WORDS, OPENING_WORDS, Relevance, score
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.sandbox import GeneratedCorpus
from newsapi_dentsu.source import SHIPPED_TOPICS

SHIPPED = parse_topics(SHIPPED_TOPICS.read_text("utf-8"), "topics.yaml")
TOPICS = parse_topics(
    """
    topics:
      - name: Pets
        keywords: [dog]
        concepts: ['http://w.example/Dog']
        categories: [Animals/Pets]
        terms:
          strong: [puppy, guide dog school*]
          clear: [walk*]
          weak: [lead]
          ignored: [hot dog*]
      - name: Trains
        keywords: [train]
        terms: {strong: [locomotive], weak: [track]}
    """,
    "topics.yaml",
)
FILLER = " ".join(["and"] * 100)


def scored(
    title: str = "",
    body: str = "",
    concepts: Sequence[dict[str, Any]] = (),
    categories: Sequence[dict[str, Any]] = (),
    topics: Topics = TOPICS,
) -> Relevance:
    return score(title, body, json.dumps(concepts), json.dumps(categories), topics)


def pets(title: str = "", body: str = "", **tags: Any) -> float:
    return scored(title, body, **tags).topics["Pets"]


def seen(found: Relevance) -> list[tuple[str, str, str]]:
    return [(signal.topic, signal.place, signal.seen) for signal in found.signals]


def test_a_text_without_signs_scores_nothing() -> None:
    assert scored("Nothing", "of the kind") == Relevance(0.0, {"Pets": 0.0, "Trains": 0.0}, ())


def test_an_article_about_one_topic_alone_scores_nothing() -> None:
    assert pets("A puppy") > 0
    assert scored("A puppy").overall == 0


def test_an_article_scores_the_geometric_mean_of_its_topics() -> None:
    found = scored("A puppy", f"{FILLER} track")
    expected = (found.topics["Pets"] * found.topics["Trains"]) ** 0.5
    assert found.overall == pytest.approx(expected, abs=1e-4)


def test_the_title_says_more_than_the_lead_and_the_lead_more_than_the_rest() -> None:
    assert pets("puppy") > pets(body="puppy") > pets(body=f"{FILLER} puppy") > 0


def test_a_strong_term_says_more_than_a_clear_one_and_a_clear_one_more_than_a_weak_one() -> None:
    assert pets("puppy") > pets("walk") > pets("lead") > 0


def test_keywords_are_strong_terms_unless_graded_otherwise() -> None:
    assert pets("dog") == pets("puppy")
    text = "topics: [{name: Pets, keywords: [dog], terms: {weak: [Dog, lead]}}]"
    graded = parse_topics(text, "t")
    assert scored("dog", topics=graded).overall == scored("lead", topics=graded).overall


def test_a_term_repeated_says_more_but_ever_less_so() -> None:
    once, twice, thrice = (pets("puppy " * times) for times in (1, 2, 3))
    assert once < twice < thrice
    assert thrice - twice < twice - once


def test_a_star_stands_for_any_ending_and_nothing_else_does() -> None:
    assert pets("walking") == pets("Walks") == pets("walk")
    assert pets("puppyish") == 0


def test_case_hyphens_and_curly_apostrophes_dont_matter() -> None:
    assert pets("PUPPY") == pets("puppy-like") == pets("puppy")
    topics = parse_topics('topics: [{name: Pets, keywords: ["dog\'s"]}]', "t")
    assert scored("the dog\u2019s bone", topics=topics).overall > 0


def test_longer_terms_take_their_words_from_shorter_ones() -> None:
    assert seen(scored("guide dog schools")) == [("Pets", "title", "guide dog school*")]


def test_ignored_phrases_count_nothing_and_hide_the_terms_within() -> None:
    assert scored("hot dogs").signals == ()
    assert seen(scored("hot dogs and a dog")) == [("Pets", "title", "dog")]


def test_a_term_in_a_long_text_says_less() -> None:
    assert pets(body=f"{FILLER} puppy {FILLER * 5}") < pets(body=f"{FILLER} puppy")


def test_terms_of_all_topics_close_together_say_more() -> None:
    near, far = ("puppy " + "and " * words + "train" for words in (NEAR_WORDS, NEAR_WORDS + 1))
    assert ("Pets", "together", "puppy") in seen(scored(near))
    assert ("Trains", "together", "train") in seen(scored(near))
    assert scored(near).overall > scored(far).overall


def test_closeness_counts_in_the_opening_of_the_body_but_not_after_it() -> None:
    assert ("Pets", "together", "puppy") in seen(scored(body="puppy train"))
    late = "and " * OPENING_WORDS + "puppy train"
    assert not any(place == "together" for _, place, _ in seen(scored(body=late)))


def test_terms_that_are_not_strong_are_never_together() -> None:
    assert not any(place == "together" for _, place, _ in seen(scored("walk lead track")))


def test_a_topic_alone_has_nothing_to_be_close_to() -> None:
    alone = parse_topics("topics: [{name: Pets, keywords: [dog]}]", "t")
    assert seen(scored("dog", topics=alone)) == [("Pets", "title", "dog")]


def test_a_concept_counts_when_named_by_the_topic_or_by_one_of_its_terms() -> None:
    named = pets(concepts=[{"uri": "http://w.example/Dog", "score": 5}])
    by_term = pets(concepts=[{"uri": "http://w.example/Puppy_%28film%29", "score": 5}])
    assert named == by_term == TOPICS.relevance.concepts
    assert pets(concepts=[{"uri": "http://w.example/Walking", "score": 5}]) < by_term
    assert pets(concepts=[{"uri": "http://w.example/Cat", "score": 5}]) == 0


def test_a_tag_counts_by_its_place_on_the_scale_of_the_index() -> None:
    top, low = (pets(concepts=[{"uri": "http://w.example/Dog", "score": n}]) for n in (5, 1))
    assert low == pytest.approx(top / 5)
    top, low = (pets(categories=[{"uri": "Animals/Pets/Dogs", "wgt": n}]) for n in (100, 10))
    assert low == pytest.approx(top / 10)


def test_of_several_categories_the_one_that_says_most_counts() -> None:
    one = [{"uri": "Animals/Pets/Dogs", "wgt": 90}]
    both = [*one, {"uri": "Animals/Pets", "wgt": 60}]
    assert pets(categories=both) == pets(categories=one)


def test_the_signals_are_the_whole_reason_for_a_score() -> None:
    found = scored("puppy walk", "dog on a train", [{"uri": "http://w.example/Dog", "score": 3}])
    for topic, value in found.topics.items():
        rest = 1.0
        for signal in found.signals:
            if signal.topic == topic:
                rest *= 1 - signal.weight
        assert value == pytest.approx(1 - rest, abs=1e-4)


WORDS = st.lists(
    st.sampled_from(["puppy", "dog", "hot", "walking", "lead", "train", "track", "and", "the"])
)
TAGS = st.lists(
    st.fixed_dictionaries(
        {
            "uri": st.sampled_from(
                [f"http://w.example/{name}" for name in ("Dog", "Cat", "Train")]
            ),
            "score": st.integers(1, 5),
        }
    )
)


@given(WORDS, WORDS, TAGS)
def test_scores_are_between_0_and_1(title: list[str], body: list[str], tags: list[Any]) -> None:
    found = scored(" ".join(title), " ".join(body), tags)
    weights = [signal.weight for signal in found.signals]
    assert all(0 <= value <= 1 for value in (found.overall, *found.topics.values(), *weights))


@given(WORDS, WORDS, TAGS, st.sampled_from(["puppy", "walks", "locomotive", "track"]))
def test_another_term_never_lowers_a_score(
    title: list[str], body: list[str], tags: list[Any], term: str
) -> None:
    words = " ".join(body)
    before = scored(" ".join(title), words, tags)
    for after in (
        scored(" ".join([*title, "and", term]), words, tags),
        scored(" ".join(title), f"{words} and {term}", tags),
    ):
        assert after.overall >= before.overall
        assert all(after.topics[name] >= value for name, value in before.topics.items())


@given(WORDS, TAGS, st.integers(1, 5))
def test_another_tag_never_lowers_a_score(title: list[str], tags: list[Any], value: int) -> None:
    added = [*tags, {"uri": "http://w.example/Train", "score": value}]
    before, after = (scored(" ".join(title), concepts=concepts) for concepts in (tags, added))
    assert after.overall >= before.overall


@given(st.permutations([("Dog", 5), ("Puppy", 2), ("Train", 3), ("Dog", 1)]))
def test_the_order_of_tags_doesnt_matter(tags: list[tuple[str, int]]) -> None:
    concepts = [{"uri": f"http://w.example/{name}", "score": value} for name, value in tags]
    found = scored(concepts=concepts)
    same = scored(concepts=sorted(concepts, key=str))
    assert found.topics == same.topics
    assert sorted(map(str, found.signals)) == sorted(map(str, same.signals))


def test_one_sentence_on_both_topics_is_enough_in_a_text_of_noise() -> None:
    body = "How artificial intelligence changes marketing, told in story 7. " + "bace dufe " * 60
    assert scored("Story 7", body, topics=SHIPPED).overall >= SHIPPED.relevance.threshold


def test_a_title_on_both_topics_with_their_concepts_is_enough() -> None:
    concepts = [
        {"uri": f"http://en.wikipedia.org/wiki/{name}", "score": 3}
        for name in ("Artificial_intelligence", "Marketing")
    ]
    found = scored("Generative AI in marketing, report 7", "bace dufe " * 60, concepts, (), SHIPPED)
    assert found.overall >= SHIPPED.relevance.threshold


def test_the_sandbox_s_stories_are_relevant_and_its_other_articles_are_not() -> None:
    articles = GeneratedCorpus(seed=7, articles_per_day=40).articles(
        date(2026, 11, 1), date(2026, 11, 14)
    )
    relevant: dict[str, list[bool]] = {}
    for article in articles:
        record = article.record
        if article.kind in ("story", "ai_only", "marketing_only", "neither"):
            title, body = clean_title(record["title"]), clean_text(record["body"])
            found = scored(title, body, record["concepts"], record["categories"], SHIPPED)
            verdict = found.overall >= SHIPPED.relevance.threshold
            relevant.setdefault(article.kind, []).append(verdict)
    stories = relevant.pop("story")
    assert len(stories) > 200
    assert sum(stories) / len(stories) >= 0.97
    assert set(relevant) == {"ai_only", "marketing_only", "neither"}
    assert not any(verdict for verdicts in relevant.values() for verdict in verdicts)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Coalition ahead as election campaign ends", "A government agency counts the votes."),
        ("Ai Weiwei fills the hall", "A brand new arch of bicycles by Ai Weiwei."),
        ("Tickets for the football match", "The club sells the last seats by email."),
    ],
)
def test_words_with_another_meaning_are_not_enough(title: str, body: str) -> None:
    assert scored(title, body, topics=SHIPPED).overall < SHIPPED.relevance.threshold


def test_an_article_is_scored_in_about_a_millisecond() -> None:
    body = "The shop lets a model choose which offers its customers see in the weekly email. " * 27
    scored("A title", body, topics=SHIPPED)
    times = []
    for _ in range(20):
        started = time.perf_counter()
        scored("A model picks the offers", body, topics=SHIPPED)
        times.append(time.perf_counter() - started)
    # Ten times what it takes: the machine may be busy with something else.
    assert min(times) < 0.01


def test_the_example_of_the_documentation_adds_up() -> None:
    body = "A neural network decides which voucher each customer gets."
    found = scored("The offer that knows you", body, topics=SHIPPED)
    assert found.topics == pytest.approx({"AI": 0.76, "Marketing": 0.82}, abs=0.005)
    assert found.overall == pytest.approx(0.79, abs=0.005)


@pytest.mark.parametrize("place", ["title", "body"])
@pytest.mark.parametrize(
    "text",
    [
        "dog " * 60_000 + "and " * 10 + "train " * 60_000,
        "guide dog " * 60_000,
        "dog train " * 60_000,
        "a" * 600_000,
        "dog'" * 150_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_long_text_costs_no_more_than_its_length(place: str, text: str) -> None:
    started = time.process_time()
    scored(title=text) if place == "title" else scored(body=text)
    assert time.process_time() - started < 1.5
