"""Text from outside, made fit to be shown: nothing in it acts on a terminal or forges a line.

News, sources, servers' answers and names of files may hold any characters. Those that a terminal
obeys rather than shows are written as Python writes them (`\\x1b`), so that they can be seen.
"""

import io
import re
from typing import Final, TextIO

from typing_extensions import override

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


class Shown(io.TextIOBase):
    """A stream that writes out what would act on a terminal."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    @override
    def write(self, text: str, /) -> int:
        self.raw.write(visible(text))
        return len(text)

    @override
    def flush(self) -> None:
        self.raw.flush()

    @override
    def isatty(self) -> bool:
        return self.raw.isatty()

    @override
    def fileno(self) -> int:
        return self.raw.fileno()

    @override
    def writable(self) -> bool:
        return True

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How the stream behind it treats what it can't encode."""
        return self.raw.errors

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream behind it."""
        return self.raw.encoding


def raw(stream: TextIO) -> TextIO:
    """The stream behind a guarded one, for what the program itself means a terminal to obey."""
    return stream.raw if isinstance(stream, Shown) else stream
