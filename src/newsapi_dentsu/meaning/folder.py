"""A model in a folder: its manifest, its tokenizer and its network, each checked before use."""

import hashlib
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from newsapi_dentsu.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MANIFEST, NETWORK, TOKENIZER = "model.json", "model.onnx", "tokenizer.json"
CHARACTERS_OF_TOKEN = 100
"""More than any token that a model knows has; what is longer than so many tokens is cut."""


class Manifest(BaseModel):
    """What `model.json` tells of a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[\w.-]{1,60}$")
    tokens: int = Field(ge=3, le=8192)
    """How many of a text are read, with the two that mark its ends."""

    sha256: Mapping[str, str]

    @property
    def version(self) -> str:
        """The model's name and version: another file is another version."""
        return f"{self.name}@{hashlib.sha256(repr(self.told).encode()).hexdigest()[:8]}"

    @property
    def told(self) -> list[object]:
        """What makes another version of it."""
        return [*sorted(self.sha256.items()), self.tokens]


Kind = TypeVar("Kind", bound=Manifest)


class ModelFolder(Generic[Kind]):
    """The files of a model, which are loaded when they are first asked for.

    Args:
        folder: where they are.
        kind: what the manifest must be.
        advice: what to do when they can't be used.
    """

    def __init__(self, folder: Path, kind: type[Kind], advice: str) -> None:
        self.folder = folder
        self._kind = kind
        self._advice = advice

    @cached_property
    def manifest(self) -> Kind:
        """What the manifest tells.

        Raises:
            ModelError: it can't be read, or tells of no such model.
        """
        path = self.folder / MANIFEST
        try:
            return self._kind.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ModelError(f"{path} can't be read ({error.strerror}): {self._advice}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise ModelError(
                f"{path} doesn't describe a model ({where}: {first['msg']}): {self._advice}"
            ) from None

    def tokenizer(self, *, truncated: bool) -> "Tokenizer":
        """The model's tokenizer; what texts hold is text, even where it looks like a mark.

        Args:
            truncated: whether it cuts texts to what the model reads.

        Raises:
            ModelError: it can't be used.
        """
        from tokenizers import Tokenizer

        path = self.file(TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(path)
        except Exception as error:  # The library raises nothing narrower.
            raise self._unusable(TOKENIZER, error) from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        if truncated:
            tokenizer.enable_truncation(self.manifest.tokens)
        tokenizer.encode_special_tokens = True
        return tokenizer

    def network(self, takes: list[str], gives: int) -> "InferenceSession":
        """The network, executed in one thread.

        Args:
            takes: the names of its inputs.
            gives: how many figures its only output has.

        Raises:
            ModelError: it can't be used.
        """
        # Before the import, with which it would write an identifier of this machine to the home
        # folder, and begin to send figures to its makers.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        path = self.file(NETWORK)
        try:
            network = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        except Exception as error:  # The library's own errors have no common base.
            raise self._unusable(NETWORK, error) from error
        inputs = [one.name for one in network.get_inputs()]
        outputs = [one.shape for one in network.get_outputs()]
        if (inputs, outputs) != (takes, [[gives]]):
            raise ModelError(
                f"{self.folder / NETWORK} takes {', '.join(inputs)} and gives {outputs} instead of "
                f"taking {', '.join(takes)} and giving one vector of {gives}: {self._advice}"
            )
        return network

    def file(self, name: str) -> str:
        """Where a file of the model is, if it is the one that the manifest names.

        Raises:
            ModelError: it can't be read, or is another one.
        """
        path = self.folder / name
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"{path} can't be read ({error.strerror}): {self._advice}") from None
        if digest != self.manifest.sha256.get(name):
            raise ModelError(f"{path} is not the file that {MANIFEST} names: {self._advice}")
        return str(path)

    def _unusable(self, name: str, error: Exception) -> ModelError:
        told = " ".join(str(error).split())[:200]
        return ModelError(f"{self.folder / name} can't be used ({told}): {self._advice}")
