"""Text from outside, made fit to be shown: nothing in it acts on a terminal or forges a line.

News, sources, servers' answers and names of files may hold any characters. Those that a terminal
obeys rather than shows are written as Python writes them (`\\x1b`), so that they can be seen.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO, cast

from typing_extensions import override

from newsapi_dentsu.errors import OutputError

_ACTING: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # C0 without tab and line feed: escape sequences, carriage return
    "\x80-\x9f"  # C1: the same in one character
    "\u2028\u2029"  # line breaks for some who read logs
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing: shows other than it is
    "\ud800-\udfff"  # halves of characters, which can't be encoded
    "\U000e0000-\U000e007f"  # tags: text that nobody sees
    "]"
)


def visible(text: str) -> str:
    """The text with all that acts on a terminal written out."""
    return _ACTING.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


def inert(text: str) -> str:
    """The text on one line, without what acts where it is shown, for readers of mail and chat."""
    return " ".join(_ACTING.sub(lambda found: " " if found[0] < "\u0600" else "", text).split())


class Output(io.TextIOBase):
    """A stream of this process's output, which tells what keeps it from being written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @override
    def write(self, text: str, /) -> int:
        with _trouble_told():
            self._stream.write(text)
        return len(text)

    @override
    def flush(self) -> None:
        with _trouble_told():
            self._stream.flush()

    @override
    def isatty(self) -> bool:
        return self._stream.isatty()

    @override
    def fileno(self) -> int:
        return self._stream.fileno()

    @override
    def writable(self) -> bool:
        return True

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How the stream behind it treats what it can't encode."""
        return self._stream.errors

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream behind it."""
        return self._stream.encoding


class Shown(Output):
    """One that writes out what would act on a terminal; `raw` is one that doesn't."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.raw = Output(stream)

    @override
    def write(self, text: str, /) -> int:
        super().write(visible(text))
        return len(text)


def raw(stream: TextIO) -> TextIO:
    """The stream behind one that shows, for what this program itself means a terminal to obey."""
    return cast("TextIO", stream.raw) if isinstance(stream, Shown) else stream


@contextmanager
def _trouble_told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"the output can't be written: {error.strerror or error}") from error
