"""Embedding texts with a sentence model that lies in a folder."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from typing_extensions import override

from newsapi_dentsu.errors import ModelError
from newsapi_dentsu.settings import Settings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from newsapi_dentsu.domain.vectors import Vectors

SHIPPED = Path(__file__).with_name("minilm")
"""The folder of the model that comes with the program."""

_MANIFEST, _NETWORK, _TOKENIZER = "model.json", "model.onnx", "tokenizer.json"
_ADVICE = "install newsapi-dentsu again, or set SENTENCE_MODEL to the folder of another model"
_CHARACTERS_OF_TOKEN = 100
"""More than any token that the model knows has; what is longer than so many tokens is cut."""

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


class _Manifest(BaseModel):
    """What `model.json` tells of a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[\w.-]{1,60}$")
    dimensions: PositiveInt
    tokens: int = Field(ge=3, le=8192)
    """How many of a text are read, with the two that mark its ends."""

    sha256: Mapping[str, str]


class SentenceModel(Embedder):
    """A model that ONNX Runtime executes, one text at a time, in one thread.

    A network in 8 bits rounds by what is computed at once. Texts of one batch would change each
    other's vectors, so each is computed by itself, which takes no longer.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    def __reduce__(self) -> tuple[Callable[[Path], "SentenceModel"], tuple[Path]]:
        """Another process loads the model itself."""
        return sentence_model, (self._folder,)

    @property
    @override
    def model(self) -> str:
        manifest = self._manifest
        told = [*sorted(manifest.sha256.items()), manifest.tokens]
        return f"{manifest.name}@{hashlib.sha256(repr(told).encode()).hexdigest()[:8]}"

    @property
    @override
    def dimensions(self) -> int:
        return self._manifest.dimensions

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

        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            ids = self._tokenizer.encode(self._cut(text)).ids
            (row[:],) = self._network.run(None, {"ids": np.array(ids, np.int64)})
        return rounded(vectors)

    @cached_property
    def _manifest(self) -> _Manifest:
        path = self._folder / _MANIFEST
        try:
            return _Manifest.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ModelError(f"{path} can't be read ({error.strerror}): {_ADVICE}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise ModelError(
                f"{path} doesn't describe a model ({where}: {first['msg']}): {_ADVICE}"
            ) from None

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        path = self._file(_TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(path)
        except Exception as error:  # The library raises nothing narrower.
            raise self._unusable(_TOKENIZER, error) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._manifest.tokens)
        # What an article writes is text, even where it looks like a mark of the model.
        tokenizer.encode_special_tokens = True
        return tokenizer

    @cached_property
    def _network(self) -> "InferenceSession":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        path = self._file(_NETWORK)
        try:
            network = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        except Exception as error:  # The library's own errors have no common base.
            raise self._unusable(_NETWORK, error) from error
        inputs = [one.name for one in network.get_inputs()]
        outputs = [one.shape for one in network.get_outputs()]
        if (inputs, outputs) != (["ids"], [[self.dimensions]]):
            raise ModelError(
                f"{self._folder / _NETWORK} takes {inputs} and gives {outputs} instead of taking "
                f"ids and giving one vector of {self.dimensions}: {_ADVICE}"
            )
        return network

    def _cut(self, text: str) -> str:
        return text[: self._manifest.tokens * _CHARACTERS_OF_TOKEN]

    def _file(self, name: str) -> str:
        """Where a file of the model is, if it is the one that the manifest names."""
        path = self._folder / name
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"{path} can't be read ({error.strerror}): {_ADVICE}") from None
        if digest != self._manifest.sha256.get(name):
            raise ModelError(f"{path} is not the file that {_MANIFEST} names: {_ADVICE}")
        return str(path)

    def _unusable(self, name: str, error: Exception) -> ModelError:
        told = " ".join(str(error).split())[:200]
        return ModelError(f"{self._folder / name} can't be used ({told}): {_ADVICE}")


@cache
def sentence_model(folder: Path = SHIPPED) -> SentenceModel:
    """The model in a folder, which each process loads once, with the first text."""
    return SentenceModel(folder)


def open_embedder(settings: Settings) -> Embedder:
    """The model that the settings name; nothing is loaded yet."""
    return sentence_model(settings.sentence_model or SHIPPED)
