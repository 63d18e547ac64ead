"""The model of tone reads how a sentence speaks about what is marked in it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.tone import SUBJECTS, Tone
from newsapi_dentsu.errors import ModelError
from newsapi_dentsu.meaning import Passage, ToneModel, tone_model
from newsapi_dentsu.meaning.tone import SHIPPED_TONE


def passage(text: str, subject: str = "brand") -> Passage:
    """The text with what stands in brackets marked."""
    before, rest = text.split("[")
    target, after = rest.split("]")
    return Passage(before + target + after, len(before), len(before) + len(target), subject)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Customers love the new phone by [Brandex], the best they ever had.", "positive"),
        ("Critics call the new phone by [Brandex] a dangerous disaster.", "negative"),
        ("[Brandex] will publish its figures on Thursday.", "neutral"),
        ("Prosecutors accuse [Brandex] of fraud.", "negative"),
    ],
)
def test_plain_sentences_are_read_as_anybody_does(text: str, label: str) -> None:
    (tone,) = tone_model().read([passage(text)])
    assert tone.label == label


def test_a_sentence_may_speak_well_of_one_and_badly_of_another() -> None:
    text = "{} praised {} for its honesty, and condemned {} for lying to customers."
    well, badly = tone_model().read(
        [
            passage(text.format("Regulators", "[Acme]", "Nova")),
            passage(text.format("Regulators", "Acme", "[Nova]")),
        ]
    )
    assert well.score > badly.score


@given(st.lists(st.text(max_size=200), min_size=1, max_size=4), st.integers(0, 50))
def test_any_text_has_a_tone_whatever_stands_beside_it(texts: list[str], start: int) -> None:
    passages = [Passage(text, start, start + 5, "brand") for text in texts]
    together = tone_model().read(passages)
    assert together == [tone_model().read([one])[0] for one in passages]
    assert all(sum(tone) == pytest.approx(1) for tone in together)


def test_what_is_far_from_the_target_is_not_read() -> None:
    text = "word " * 5_000
    sentence = "Critics call Brandex a dangerous disaster."
    at = len(text) + sentence.index("Brandex")
    (one, other) = tone_model().read(
        [
            Passage(text + sentence + " word" * 5_000, at, at + 7, "brand"),
            Passage("word " * 900 + sentence + " word" * 900, 4_500 + 13, 4_500 + 20, "brand"),
        ]
    )
    assert one == other


def test_nothing_is_read_of_nothing() -> None:
    assert tone_model().read([]) == []
    assert isinstance(tone_model().read([Passage("", 0, 0, "brand")])[0], Tone)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model."""
    return shutil.copytree(SHIPPED_TONE, tmp_path / "model")


def change(folder: Path, **fields: Any) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**manifest, **fields}))


def test_another_file_is_refused(folder: Path) -> None:
    hashes = json.loads((folder / "model.json").read_text())["sha256"]
    change(folder, sha256={**hashes, "model.onnx": "0" * 64})

    with pytest.raises(ModelError, match=r"model\.onnx is not the file .* install"):
        ToneModel(folder).read([Passage("text", 0, 4, "brand")])
    assert ToneModel(folder).model != tone_model().model


def test_how_sure_a_model_is_depends_on_what_is_spoken_about(folder: Path) -> None:
    change(folder, temperatures={"brand": 0.5, "org": 1.0, "person": 2.0, "article": 4.0})
    text = "Critics condemn [Brandex], customers don't."

    tones = ToneModel(folder).read([passage(text, subject) for subject in SUBJECTS])

    assert [max(tone) for tone in tones] == sorted([max(tone) for tone in tones], reverse=True)
    assert len({round(max(tone), 3) for tone in tones}) == len(SUBJECTS)
    assert len({tone.index(max(tone)) for tone in tones}) == 1


@pytest.mark.parametrize(
    ("temperatures", "told"),
    [
        (dict.fromkeys(SUBJECTS[1:], 1.0), "one for each of brand, org, person, article"),
        (dict.fromkeys([*SUBJECTS, "product"], 1.0), "one for each of brand"),
        (dict.fromkeys(SUBJECTS, 0), "greater than 0"),
    ],
)
def test_a_model_must_know_how_sure_it_is_of_each_subject(
    folder: Path, temperatures: dict[str, float], told: str
) -> None:
    change(folder, temperatures=temperatures)

    with pytest.raises(ModelError, match=told):
        ToneModel(folder).read([Passage("text", 0, 4, "brand")])


def test_other_probabilities_are_another_version(folder: Path) -> None:
    temperatures = json.loads((folder / "model.json").read_text())["temperatures"]
    change(folder, temperatures={**temperatures, "org": 9.0})

    assert ToneModel(folder).model != tone_model().model
