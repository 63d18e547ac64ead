"""The texts that pairs are made of: two parts which share nothing, stories that hold together."""

import random

import pytest
from evaluation.duplicates.base_texts import BaseText, base_texts
from evaluation.duplicates.template_news import short_texts, templates
from evaluation.parts import PARTS, Part


@pytest.fixture(scope="module")
def texts() -> list[BaseText]:
    return [text for part in PARTS for text in base_texts(part)]


def test_no_text_and_no_template_is_in_both_parts(texts: list[BaseText]) -> None:
    for names in (
        [text.id for text in texts],
        [text.body for text in texts],
        [text.story for text in texts if text.story == text.id],
        [template.id for part in PARTS for template in templates(part)],
        [text.body for part in PARTS for text in short_texts(part)],
    ):
        assert len(names) == len(set(names))
    tuning, reported = ({text.story for text in base_texts(part)} for part in PARTS)
    assert not tuning & reported


def test_the_texts_are_in_four_languages_and_of_many_lengths(texts: list[BaseText]) -> None:
    languages = [text.language for text in texts]
    assert languages.count("eng") >= 80
    assert all(languages.count(language) >= 10 for language in ("deu", "spa", "fra"))
    lengths = sorted(text.words for text in texts)
    assert lengths[0] < 100
    assert lengths[-1] > 700
    assert len(texts) >= 110


def test_twenty_events_are_told_by_several_reports(texts: list[BaseText]) -> None:
    events = [text.event for text in texts if text.event]
    assert len({event for event in events if events.count(event) >= 2}) >= 20


def _later(part: Part) -> list[tuple[BaseText, BaseText]]:
    by_id = {text.id: text for text in base_texts(part)}
    return [
        (by_id[earlier], text)
        for text in base_texts(part)
        if (earlier := text.follows or text.rewrites or text.updates)
    ]


@pytest.mark.parametrize("part", PARTS)
def test_a_later_text_names_an_earlier_one_of_its_own_part_and_language(part: Part) -> None:
    for earlier, text in _later(part):
        assert earlier.language == text.language
        assert earlier.story == text.story


@pytest.mark.parametrize("part", PARTS)
def test_there_are_follow_ups_rewrites_and_updates_in_each_part(part: Part) -> None:
    texts = base_texts(part)
    assert sum(1 for text in texts if text.follows) >= 3
    assert sum(1 for text in texts if text.rewrites) >= 3
    assert sum(1 for text in texts if text.updates) >= 2


@pytest.mark.parametrize("part", PARTS)
def test_every_template_says_something_else_each_time(part: Part) -> None:
    for template in templates(part):
        bodies = {template.fill(0, random.Random(at))[1] for at in range(20)}
        assert len(bodies) == 20
    assert len(templates(part)) >= 8
