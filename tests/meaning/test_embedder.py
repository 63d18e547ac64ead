"""Texts that mean much the same get vectors that point much the same way."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.errors import ModelError
from newsapi_dentsu.meaning import SHIPPED, SentenceModel, sentence_model

SENTENCES = (
    "A cat sleeps on the sofa.",
    "A kitten naps on the couch.",
    "The central bank raised interest rates.",
    "Brands let algorithms write their advertisements.",
    "Artificial intelligence in marketing",
)
COSINES = (
    (1.0, 0.7629, -0.0318, -0.0252, -0.004),
    (0.7629, 1.0, -0.0515, -0.0501, -0.0334),
    (-0.0318, -0.0515, 1.0, 0.1132, 0.1006),
    (-0.0252, -0.0501, 0.1132, 1.0, 0.4309),
    (-0.004, -0.0334, 0.1006, 0.4309, 1.0),
)
"""What PyTorch makes of the published weights, unrounded, for these sentences."""


def test_vectors_are_those_of_the_published_model() -> None:
    vectors = sentence_model().embed(SENTENCES)
    assert vectors.shape == (len(SENTENCES), sentence_model().dimensions)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert vectors @ vectors.T == pytest.approx(np.array(COSINES), abs=0.03)


@given(st.lists(st.text(max_size=200) | st.sampled_from(SENTENCES), min_size=1, max_size=4))
def test_a_text_has_its_vector_whatever_stands_beside_it(texts: list[str]) -> None:
    together = sentence_model().embed(texts)
    backwards = sentence_model().embed(texts[::-1])[::-1]
    alone = np.concatenate([sentence_model().embed([text]) for text in texts])
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)


def test_no_text_is_no_vector() -> None:
    assert sentence_model().embed([]).shape == (0, sentence_model().dimensions)


def test_only_the_beginning_of_a_long_text_counts() -> None:
    beginning = "word " * 126
    one, other, longest = sentence_model().embed(
        [beginning, beginning + "and what nobody reads", beginning + "x" * 10_000_000]
    )
    assert np.array_equal(one, other)
    assert np.array_equal(one, longest)


def test_what_looks_like_a_mark_of_the_model_is_text() -> None:
    with_mark, without = sentence_model().embed(["One [SEP] two", "One two"])
    tokens = sentence_model()._tokenizer.encode("One [SEP] two").ids
    assert 102 not in tokens[1:-1]
    assert not np.array_equal(with_mark, without)


@pytest.mark.parametrize("name", ["model.json", "model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(model_folder: Path, name: str) -> None:
    (model_folder / name).unlink()
    with pytest.raises(ModelError, match=rf"{name} can't be read .* set SENTENCE_MODEL"):
        SentenceModel(model_folder).embed(["text"])


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_not_used(model_folder: Path, name: str) -> None:
    data = bytearray((model_folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (model_folder / name).write_bytes(data)
    with pytest.raises(ModelError, match=f"{name} is not the file that model.json names"):
        SentenceModel(model_folder).embed(["text"])


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_of_another_kind_is_told(model_folder: Path, name: str) -> None:
    (model_folder / name).write_bytes(b"{}")
    claim(model_folder, name)
    with pytest.raises(ModelError, match=rf"{name} can't be used \(.+\): install"):
        SentenceModel(model_folder).embed(["text"])


def test_a_manifest_must_describe_the_model(model_folder: Path) -> None:
    rewrite(model_folder, tokens=-1)
    with pytest.raises(ModelError, match=r"model.json doesn't describe a model \(tokens: .+\)"):
        SentenceModel(model_folder).embed(["text"])


def test_a_model_of_other_vectors_than_it_says_is_told(model_folder: Path) -> None:
    rewrite(model_folder, dimensions=512)
    with pytest.raises(ModelError, match=r"gives \[\[384\]\] instead .* one vector of 512"):
        SentenceModel(model_folder).embed(["text"])


def test_a_model_is_another_one_with_another_file_or_length(model_folder: Path) -> None:
    same = SentenceModel(model_folder).model
    rewrite(model_folder, tokens=64)
    shorter = SentenceModel(model_folder).model
    rewrite(model_folder, tokens=128)
    (model_folder / "model.onnx").write_bytes(b"another")
    claim(model_folder, "model.onnx")
    other = SentenceModel(model_folder).model
    assert same == sentence_model().model
    assert len({same, shorter, other}) == 3


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A copy of the shipped model."""
    return shutil.copytree(SHIPPED, tmp_path / "model")


def rewrite(folder: Path, **values: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def claim(folder: Path, name: str) -> None:
    """Let the manifest name a file as it is now."""
    digests = json.loads((folder / "model.json").read_text())["sha256"]
    digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    rewrite(folder, sha256=digests)
