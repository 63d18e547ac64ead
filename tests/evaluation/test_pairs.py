"""Labelled pairs: enough of each kind, the same each time, and each what its kind says."""

import random
import re
from collections import Counter
from difflib import SequenceMatcher
from functools import cache

import pytest
from evaluation.duplicates.copies import COPIES, DISTANT
from evaluation.duplicates.pairs import Pair, all_pairs, make_pairs
from evaluation.parts import PARTS

from newsapi_dentsu.domain.text import clean_text

DIFFERENT = {
    "follow_up",
    "quotation",
    "same_event",
    "same_frame",
    "same_statement",
    "same_topic",
    "short_boilerplate",
    "template_other_name",
    "template_same_name",
    "unrelated",
}


@cache
def pairs() -> list[Pair]:
    """All of them, made by the first test that asks."""
    return all_pairs()


def of(kind: str) -> list[Pair]:
    found = [pair for pair in pairs() if pair.kind == kind]
    assert found
    return found


def words(text: str) -> list[str]:
    return text.split()


def plain(text: str) -> str:
    return " ".join(text.split())


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def test_pairs_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    assert make_pairs("tuning") == [pair for pair in pairs() if pair.part == "tuning"]
    assert make_pairs("tuning", seed=1) != make_pairs("tuning", seed=2)


def test_there_are_enough_pairs_of_every_truth_and_kind_in_both_parts() -> None:
    assert len(pairs()) >= 2_400
    truths = Counter(pair.truth for pair in pairs())
    assert truths["copy"] >= 900
    assert truths["different"] >= 900
    assert truths["rewrite"] >= 200
    kinds = {*COPIES, *DISTANT, *DIFFERENT, "two_copies", "template_copy", "short_copy"}
    kinds |= {"rewrite", "update"}
    for part in PARTS:
        assert {pair.kind for pair in pairs() if pair.part == part} == kinds
    for language in ("eng", "deu", "spa", "fra"):
        assert sum(1 for pair in pairs() if pair.language == language) >= 200


def test_a_kind_has_one_truth() -> None:
    truth_of = {(pair.kind, pair.truth) for pair in pairs()}
    assert len(truth_of) == len({kind for kind, _ in truth_of})
    assert {kind for kind, truth in truth_of if truth == "different"} == DIFFERENT


def test_no_text_is_in_both_parts() -> None:
    sources = {part: set[str]() for part in PARTS}
    bodies = {part: set[str]() for part in PARTS}
    for pair in pairs():
        sources[pair.part] |= pair.sources
        bodies[pair.part] |= {pair.one.body, pair.other.body}
    assert not sources["tuning"] & sources["reported"]
    assert not bodies["tuning"] & bodies["reported"]


def test_ids_are_unique() -> None:
    assert len({pair.id for pair in pairs()}) == len(pairs())


def test_only_url_twins_share_a_url() -> None:
    for pair in pairs():
        assert (pair.one.url == pair.other.url) == (pair.kind == "url_twin")


@pytest.mark.parametrize("kind", ["exact", "url_twin", "retitled"])
def test_the_body_of_an_exact_copy_is_the_same(kind: str) -> None:
    assert all(pair.one.body == pair.other.body for pair in of(kind))


def test_a_retitled_copy_has_another_title() -> None:
    assert all(pair.one.title != pair.other.title for pair in of("retitled"))


@pytest.mark.parametrize(
    "kind",
    ["byline", "agency_credit", "footer", "intro", "captions", "read_more", "in_a_frame"],
)
def test_a_copy_with_additions_holds_every_paragraph_of_the_text(kind: str) -> None:
    for pair in of(kind):
        assert len(words(pair.other.body)) > len(words(pair.one.body))
        at = 0
        for paragraph in pair.one.body.split("\n\n"):
            at = pair.other.body.index(paragraph, at) + len(paragraph)


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("cut_60", 0.55, 0.65), ("cut_40", 0.35, 0.45), ("cut_30", 0.25, 0.35)],
)
def test_a_cut_copy_is_the_beginning_of_the_text(kind: str, least: float, most: float) -> None:
    for pair in of(kind):
        kept = pair.other.body.removesuffix(" …")
        assert pair.one.body.startswith(kept)
        assert least <= len(words(kept)) / len(words(pair.one.body)) <= most


def test_a_copy_without_its_last_paragraph_or_lead_has_all_others() -> None:
    for pair in of("last_paragraph_cut"):
        assert pair.one.body.split("\n\n")[:-1] == pair.other.body.split("\n\n")
    for pair in of("lead_cut"):
        assert pair.one.body.split("\n\n")[1:] == pair.other.body.split("\n\n")


def test_a_copy_with_another_lead_has_all_other_paragraphs() -> None:
    for pair in of("lead_replaced"):
        own, *rest = pair.other.body.split("\n\n")
        assert own not in pair.one.body
        assert rest == pair.one.body.split("\n\n")[1:]


def test_a_copy_without_lead_and_end_is_a_middle_part_of_the_text() -> None:
    for pair in of("lead_and_end_cut"):
        kept = pair.other.body.removesuffix(" …")
        assert kept in pair.one.body
        assert not pair.one.body.startswith(kept)
        assert not pair.one.body.endswith(kept)
        assert 0.4 <= len(words(kept)) / len(words(pair.one.body)) <= 0.75


def test_a_copy_without_some_sentences_adds_nothing() -> None:
    for pair in of("sentences_cut"):
        assert not Counter(words(pair.other.body)) - Counter(words(pair.one.body))
        assert 0.6 < len(words(pair.other.body)) / len(words(pair.one.body)) < 1


@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        ("edited_2", 0.02),
        ("edited_5", 0.05),
        ("edited_8", 0.08),
        ("edited_10", 0.10),
        ("edited_18", 0.18),
        ("edited_25", 0.25),
        ("edited_35", 0.35),
    ],
)
def test_as_many_words_are_edited_as_the_kind_says(kind: str, rate: float) -> None:
    shares = []
    for pair in random.Random(kind).sample(of(kind), 15):
        one, other = words(pair.one.body), words(pair.other.body)
        changes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
        edited = sum(max(b - a, d - c) for tag, a, b, c, d in changes if tag != "equal")
        shares.append(edited / len(one))
    assert 0.8 * rate <= sum(shares) / len(shares) <= 1.35 * rate


@pytest.mark.parametrize("kind", ["edited_2", "edited_10", "edited_35", "house_style"])
def test_an_edited_text_keeps_its_numbers(kind: str) -> None:
    for pair in of(kind):
        assert sorted(numbers(pair.one.body)) == sorted(numbers(pair.other.body))


def test_a_reordered_copy_has_the_same_paragraphs_with_the_first_one_first() -> None:
    for pair in of("reordered"):
        one, other = pair.one.body.split("\n\n"), pair.other.body.split("\n\n")
        assert one != other
        assert one[0] == other[0]
        assert sorted(one) == sorted(other)


def test_rejoined_sentences_have_the_same_words() -> None:
    def letters(text: str) -> Counter[str]:
        return Counter(re.findall(r"\w+", text.lower()))

    for pair in of("rejoined"):
        assert pair.one.body != pair.other.body
        assert letters(pair.one.body) == letters(pair.other.body)


def test_house_style_changes_some_words_only() -> None:
    changed = [pair for pair in of("house_style") if pair.one.body != pair.other.body]
    assert len(changed) >= 0.7 * len(of("house_style"))
    for pair in changed:
        same = Counter(words(pair.one.body)) & Counter(words(pair.other.body))
        assert sum(same.values()) > 0.8 * len(words(pair.one.body))


def test_noise_damages_some_words_and_leaves_the_rest() -> None:
    for pair in of("noise"):
        kept = Counter(words(pair.one.body)) & Counter(words(pair.other.body))
        assert 0.85 < sum(kept.values()) / len(words(pair.one.body)) < 1


def test_markup_goes_away_with_cleaning_but_for_scraps_of_scripts() -> None:
    for pair in of("markup"):
        assert "<p>" in pair.other.body
        cleaned = plain(clean_text(pair.other.body))
        assert "<p>" not in cleaned
        for paragraph in pair.one.body.split("\n\n"):
            assert plain(paragraph) in cleaned


def test_a_quotation_takes_less_than_half_of_the_earlier_text() -> None:
    for pair in of("quotation"):
        quoted = pair.other.body.split("\n\n")[-1]
        assert len(words(quoted)) <= 0.48 * len(words(pair.one.body))


def test_reports_with_the_same_statement_share_at_most_a_third_of_their_words() -> None:
    for pair in of("same_statement"):
        one, other = pair.one.body.split("\n\n")[-1], pair.other.body.split("\n\n")[-1]
        assert one == other
        assert len(words(one)) <= 0.34 * pair.words


def test_hand_written_rewrites_keep_many_words_and_few_runs_of_them() -> None:
    for pair in of("rewrite"):
        one, other = words(pair.one.body.lower()), words(pair.other.body.lower())
        common = Counter(one) & Counter(other)
        assert sum(common.values()) >= 0.5 * min(len(one), len(other))
        assert len(set(zip(one, one[1:], one[2:], strict=False))) > 0


def test_news_from_one_template_differ_in_names_or_numbers() -> None:
    for kind in ("template_other_name", "template_same_name"):
        for pair in of(kind):
            assert pair.one.body != pair.other.body
        with_other_numbers = [
            pair for pair in of(kind) if numbers(pair.one.body) != numbers(pair.other.body)
        ]
        assert len(with_other_numbers) > 0.9 * len(of(kind))


def test_short_texts_share_more_words_than_they_own() -> None:
    for pair in of("short_boilerplate"):
        one, other = pair.one.body.split("\n\n"), pair.other.body.split("\n\n")
        assert one[-1] == other[-1]
        assert one[0] != other[0]
        assert pair.words < 90
