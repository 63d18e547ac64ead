"""Reading how a sentence speaks about a target, with a model that lies in a folder."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol

from pydantic import AfterValidator, PositiveFloat
from typing_extensions import override

from newsapi_dentsu.domain.tone import SUBJECTS, Tone, tone_of
from newsapi_dentsu.domain.windows import window
from newsapi_dentsu.meaning.folder import CHARACTERS_OF_TOKEN, Manifest, ModelFolder
from newsapi_dentsu.meaning.threads import in_threads

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

SHIPPED_TONE = Path(__file__).with_name("tone_minilm")
"""The folder of the model that comes with the program."""

_ADVICE = "install newsapi-dentsu again"


class Passage(NamedTuple):
    """A text, where in it what is spoken about stands, and what that is, one of `SUBJECTS`."""

    text: str
    start: int
    end: int
    subject: str


class ToneReader(Protocol):
    """Reads how texts speak about what is marked in them."""

    @property
    def model(self) -> str:
        """The model's name and version: other figures come of another one.

        Raises:
            ModelError: the model can't be used.
        """
        ...

    def read(self, passages: Sequence[Passage]) -> list[Tone]:
        """The tone of each passage. A passage's figures don't depend on what else is read.

        Raises:
            ModelError: the model can't be used.
        """
        ...


def _of_each_subject(temperatures: Mapping[str, float]) -> Mapping[str, float]:
    if set(temperatures) != set(SUBJECTS):
        raise ValueError(f"there must be one for each of {', '.join(SUBJECTS)}")
    return temperatures


class _Manifest(Manifest):
    temperatures: Annotated[Mapping[str, PositiveFloat], AfterValidator(_of_each_subject)]
    """By subject, what the network's figures are divided by before they become probabilities."""

    @property
    @override
    def told(self) -> list[object]:
        return [*super().told, *sorted(self.temperatures.items())]


class ToneModel(ToneReader):
    """A model that ONNX Runtime executes; each text by itself, several at once in threads."""

    def __init__(self, folder: Path) -> None:
        self._files = ModelFolder(folder, _Manifest, _ADVICE)

    @override
    def __reduce__(self) -> tuple[Callable[[Path], "ToneModel"], tuple[Path]]:
        """Another process loads the model itself."""
        return tone_model, (self._files.folder,)

    @property
    @override
    def model(self) -> str:
        return self._files.manifest.version

    @override
    def read(self, passages: Sequence[Passage]) -> list[Tone]:
        # Loaded here, in one thread, before several ask for it.
        _ = self._tokenizer, self._network
        return in_threads(self._read_one, passages)

    def _read_one(self, passage: Passage) -> Tone:
        import numpy as np

        text, start, end, subject = passage
        size = self._files.manifest.tokens
        # What is far from the target is cut before it is taken apart, so that no text is too long.
        around = size * CHARACTERS_OF_TOKEN
        cut = max(0, start - around)
        text, start, end = text[cut : end + around], start - cut, end - cut
        encoding = self._tokenizer.encode(text)
        marked = [
            int(since < end and until > max(start, since)) for since, until in encoding.offsets
        ]
        read = window(marked, size)
        ids = np.array(encoding.ids, np.int64)[read]
        kinds = np.array(marked, np.int64)[read]
        (logits,) = self._network.run(None, {"ids": ids, "kinds": kinds})
        return tone_of(logits.tolist(), self._files.manifest.temperatures[subject])

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        return self._files.tokenizer(truncated=False)

    @cached_property
    def _network(self) -> "InferenceSession":
        return self._files.network(["ids", "kinds"], len(Tone._fields))


@cache
def tone_model(folder: Path = SHIPPED_TONE) -> ToneModel:
    """The model in a folder, which each process loads once, with the first text."""
    return ToneModel(folder)
