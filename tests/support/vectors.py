"""Vectors that one command of the tests has computed, for those that read the same texts later.

Most commands read the sandbox's news of the same days, and a text's vector takes longer than all
else that happens to the article. The vectors are the model's own; they are computed once.
"""

import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsapi_dentsu.meaning import SentenceModel

from .sharing import of_this_run

if TYPE_CHECKING:
    from newsapi_dentsu.domain.vectors import Vectors

_Known = dict[tuple[str, str], "Vectors"]


@cache
def shared() -> Path:
    """The folder for the vectors of all tests of a run."""
    folder = of_this_run() / "vectors" / "whole"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def remembered(folder: Path) -> Iterator[None]:
    """Look each text up in a folder, and leave there what had to be computed."""
    known: _Known = {}
    for path in folder.iterdir():
        known |= pickle.loads(path.read_bytes())  # noqa: S301
    new: _Known = {}
    compute = SentenceModel.embed

    def embed(self: SentenceModel, texts: Sequence[str]) -> "Vectors":
        if len(texts) != 1:
            return compute(self, texts)
        key = self.model, texts[0]
        if key not in known:
            known[key] = new[key] = compute(self, texts)
        return known[key].copy()

    SentenceModel.embed = embed  # type: ignore[method-assign]
    try:
        yield
    finally:
        SentenceModel.embed = compute  # type: ignore[method-assign]
        if new:
            number, name = tempfile.mkstemp(dir=folder.parent)
            with os.fdopen(number, "wb") as file:
                pickle.dump(new, file)
            # Whole or not there: another command may be reading.
            Path(name).rename(folder / Path(name).name)
