"""Embedding texts with a sentence model that lies in a folder."""

import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import PositiveInt
from typing_extensions import override

from newsapi_dentsu.meaning.folder import CHARACTERS_OF_TOKEN, Manifest, ModelFolder
from newsapi_dentsu.meaning.threads import in_threads
from newsapi_dentsu.settings import Settings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from newsapi_dentsu.domain.vectors import Vectors

SHIPPED = Path(__file__).with_name("minilm")
"""The folder of the model that comes with the program."""

_ADVICE = "install newsapi-dentsu again, or set SENTENCE_MODEL to the folder of another model"

_UNKNOWN, _MARKS = "[UNK]", ("[CLS]", "[SEP]")
_LATIN = re.compile("(?:##)?[a-z]{2,}")
_FEW_PIECES = 8
"""Of fewer, such as a title's, a name or two may be all that the model doesn't know."""

_KNOWN_WORDS = 0.1
"""Share of a text's pieces that are whole words, above which the model reads it.

English openings have 0.29 or more (of 1,481), German, French and Spanish ones 0.15 or more, random
letters at most 0.05, other scripts none.
"""


class Embedder(Protocol):
    """Makes vectors of texts."""

    @property
    def model(self) -> str:
        """The model's name and version: other vectors come of another one."""
        ...

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        ...

    def reads(self, text: str) -> bool:
        """Whether the model can tell what a text says; of emoji, say, one may know nothing."""
        return bool(text)

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """A vector of length 1 for each text, rounded as databases keep it.

        The same text gives the same vector, whatever texts stand beside it.

        Raises:
            ModelError: the model can't be used.
        """
        ...


class _Manifest(Manifest):
    dimensions: PositiveInt


class SentenceModel(Embedder):
    """A model that ONNX Runtime executes; each text by itself, several at once in threads.

    A network in 8 bits rounds by what is computed at once. Texts of one batch would change each
    other's vectors, so each is computed by itself, which takes no longer.
    """

    def __init__(self, folder: Path) -> None:
        self._files = ModelFolder(folder, _Manifest, _ADVICE)

    @override
    def __reduce__(self) -> tuple[Callable[[Path], "SentenceModel"], tuple[Path]]:
        """Another process loads the model itself."""
        return sentence_model, (self._files.folder,)

    @property
    @override
    def model(self) -> str:
        return self._files.manifest.version

    @property
    @override
    def dimensions(self) -> int:
        return self._files.manifest.dimensions

    @override
    def reads(self, text: str) -> bool:
        words: list[list[str]] = []
        for piece in self._tokenizer.encode(self._cut(text)).tokens:
            if piece.startswith("##") and words:
                words[-1].append(piece)
            elif piece == _UNKNOWN or (piece not in _MARKS and any(map(str.isalnum, piece))):
                words.append([piece])
        count = sum(map(len, words))
        latin = sum(bool(_LATIN.fullmatch(piece)) for word in words for piece in word)
        known = sum(len(word) == 1 and bool(_LATIN.fullmatch(word[0])) for word in words)
        return latin > 0 and (count < _FEW_PIECES or known >= _KNOWN_WORDS * count)

    @override
    def embed(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        from newsapi_dentsu.domain.vectors import rounded

        # Loaded here, in one thread, before several ask for it.
        _ = self._tokenizer, self._network

        def vector_of(text: str) -> object:
            ids = self._tokenizer.encode(self._cut(text)).ids
            return self._network.run(None, {"ids": np.array(ids, np.int64)})[0]

        vectors = in_threads(vector_of, texts)
        return rounded(np.array(vectors, np.float32).reshape(len(texts), self.dimensions))

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        return self._files.tokenizer(truncated=True)

    @cached_property
    def _network(self) -> "InferenceSession":
        return self._files.network(["ids"], self.dimensions)

    def _cut(self, text: str) -> str:
        return text[: self._files.manifest.tokens * CHARACTERS_OF_TOKEN]


@cache
def sentence_model(folder: Path = SHIPPED) -> SentenceModel:
    """The model in a folder, which each process loads once, with the first text."""
    return SentenceModel(folder)


def open_embedder(settings: Settings) -> Embedder:
    """The model that the settings name; nothing is loaded yet."""
    return sentence_model(settings.sentence_model or SHIPPED)
