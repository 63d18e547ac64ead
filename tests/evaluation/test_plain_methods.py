"""The methods beside the pipeline do what their names say."""

from functools import cache

import pytest
from evaluation.duplicates.pairs import Pair, make_pairs
from evaluation.judgements import PIPELINE
from evaluation.labelled_articles import LabelledArticle, labelled_articles
from evaluation.parts import PARTS
from evaluation.scores import scores_of

from evaluation import copy_detection, relevance_scoring


@cache
def pairs() -> list[Pair]:
    return make_pairs("tuning")


def found(method: copy_detection.Method, kinds: set[str]) -> list[bool]:
    chosen = [pair for pair in pairs() if pair.kind in kinds]
    assert chosen
    return [method(pair.one, pair.other).said for pair in chosen]


def test_the_exact_url_finds_url_twins_and_nothing_else() -> None:
    assert all(found(copy_detection.by_url, {"url_twin"}))
    others = {pair.kind for pair in pairs()} - {"url_twin"}
    assert not any(found(copy_detection.by_url, others))


def test_the_exact_text_finds_copies_with_the_same_body_only() -> None:
    assert all(found(copy_detection.by_exact_text, {"exact", "url_twin", "retitled"}))
    assert not any(found(copy_detection.by_exact_text, {"edited_2", "byline", "cut_60"}))
    for pair in pairs():
        if copy_detection.by_exact_text(pair.one, pair.other).said:
            assert pair.truth == "copy"


@pytest.mark.parametrize("method", [copy_detection.by_minhash, copy_detection.by_simhash])
def test_sketches_find_exact_copies_and_tell_unrelated_texts_apart(
    method: copy_detection.Method,
) -> None:
    assert all(found(method, {"exact"}))
    assert not any(found(method, {"unrelated", "same_event"}))


def test_minhash_finds_light_edits_and_misses_cut_texts() -> None:
    assert all(found(copy_detection.by_minhash, {"edited_2"}))
    assert not any(found(copy_detection.by_minhash, {"cut_40"}))


def test_the_pipeline_is_ahead_of_every_plain_method() -> None:
    sample = pairs()[::8]
    f1 = {
        name: scores_of(
            (pair.truth == "copy", method(pair.one, pair.other).said) for pair in sample
        ).f1
        for name, method in copy_detection.METHODS.items()
    }
    ours = f1.pop(PIPELINE)
    assert all(ours > plain for plain in f1.values())


def article(title: str, body: str = "", concepts: tuple[str, ...] = ()) -> LabelledArticle:
    return LabelledArticle(
        id="x",
        part="tuning",
        kind="made up",
        relevant=True,
        title=title,
        body=body,
        concepts=[{"uri": uri, "score": 3} for uri in concepts],
        categories=[],
    )


AI = "http://en.wikipedia.org/wiki/Artificial_intelligence"
MARKETING = "http://en.wikipedia.org/wiki/Marketing"


def test_keywords_must_come_from_both_topics() -> None:
    both = article("Machine learning", "changes Advertising")
    assert relevance_scoring.by_keywords(both).said
    assert not relevance_scoring.by_keywords(article("Machine learning", "and cats")).said


def test_tags_must_come_from_both_topics() -> None:
    assert relevance_scoring.by_tags(article("", concepts=(AI, MARKETING))).said
    assert not relevance_scoring.by_tags(article("", concepts=(AI,))).said


def test_the_search_finds_a_keyword_of_one_topic_and_a_tag_of_the_other() -> None:
    mixed = article("Machine learning", concepts=(MARKETING,))
    assert relevance_scoring.by_search(mixed).said
    assert not relevance_scoring.by_keywords(mixed).said
    assert not relevance_scoring.by_tags(mixed).said


def test_no_labelled_article_is_in_both_parts() -> None:
    tuning, reported = (labelled_articles(part) for part in PARTS)
    assert not {one.id for one in tuning} & {one.id for one in reported}
    assert not {one.body for one in tuning} & {one.body for one in reported}
    assert len(tuning) + len(reported) >= 500
