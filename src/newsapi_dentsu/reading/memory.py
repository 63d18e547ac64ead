"""What was read of a revision lately, kept in memory so that it needn't be asked for again.

The same revision, the same rows: so what is kept never becomes untrue, nothing has to be deleted
when the news change, and what belongs to former revisions is forgotten in time.
"""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeVar

from typing_extensions import override

from newsapi_dentsu.reading.hits import Index
from newsapi_dentsu.reading.index import IndexedSession
from newsapi_dentsu.warehouse.engines.base import Row, Session

T = TypeVar("T")

MOST_BYTES: Final = 48_000_000
"""Memory that a process takes for it, about."""

_MOST_OF_ONE: Final = 4_000_000
_OVERHEAD: Final = 1_000
_OF_ROW: Final = 64
"""Bytes that a value of a row takes besides its text."""


class Now(NamedTuple):
    """What is read at some moment: what names it, and the server that told, where there are two.

    `revision` is None where nothing names what is read.
    """

    revision: str | None
    server: str | None = None


class OtherRevisionError(Exception):
    """What is to be read belongs to another revision than what is in memory."""


class Memory:
    """Values under names that say all they depend on; those that were used last, up to a size."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._all: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Hashable) -> Any:
        """The value of this name; None where there is none."""
        with self._lock:
            found = self._all.get(name)
            if found is None:
                return None
            self._all.move_to_end(name)
            return found[0]

    def get_each(self, names: Sequence[Hashable]) -> list[Any]:
        """The value of each of these names."""
        with self._lock:
            found = [self._all.get(name) for name in names]
            for name, one in zip(names, found, strict=True):
                if one is not None:
                    self._all.move_to_end(name)
        return [one and one[0] for one in found]

    def put(self, name: Hashable, value: Any, size: int) -> None:
        """Keep a value of about so many bytes, and let go of those unused for longest."""
        size += _OVERHEAD
        with self._lock:
            _, former = self._all.pop(name, (None, 0))
            self.bytes -= former
            if size > min(_MOST_OF_ONE, self.most_bytes):
                return
            self._all[name] = value, size
            self.bytes += size
            while self.bytes > self.most_bytes:
                _, (_, freed) = self._all.popitem(last=False)
                self.bytes -= freed


class RememberedSession(IndexedSession):
    """A session on one revision, which asks the database only for what isn't in memory.

    Whoever reads by it gets what one transaction would have given.

    Args:
        memory: what is kept, of whichever revision.
        now: the revision.
        opened: gives the transaction, opened where it isn't yet.
        look: gives the index of searches.

    Raises (by `opened` and `look`):
        OtherRevisionError: there is another revision by now: the work has to begin again.
    """

    def __init__(
        self,
        memory: Memory,
        now: Now,
        opened: Callable[[], Session],
        look: Callable[["RememberedSession"], Index],
    ) -> None:
        self.now = now
        self._memory = memory
        self._opened = opened
        self._look = look

    @override
    def rows(self, sql: str, *parameters: object) -> list[Row]:
        asked = tuple(tuple(one) if isinstance(one, list) else one for one in parameters)
        found: list[Row] | None = self.kept((sql, asked))
        if found is None:
            found = self._opened().rows(sql, *parameters)
            # What was asked is kept with it, and may be longer.
            self.keep((sql, asked), found, len(sql) + size_of([asked, *found]))
        return list(found)

    def database(self) -> Session:
        """The transaction itself, for what is kept in other ways than as rows of statements."""
        return self._opened()

    def kept(self, name: Hashable) -> Any:
        """What is kept of this revision under a name; None where nothing is."""
        return self._memory.get((self.now, name))

    def kept_each(self, names: Sequence[Hashable]) -> list[Any]:
        """What is kept of this revision under each of these names."""
        return self._memory.get_each([(self.now, name) for name in names])

    def keep(self, name: Hashable, value: Any, size: int) -> None:
        """Keep a value of this revision, of about so many bytes."""
        self._memory.put((self.now, name), value, size)

    def kept_of_others(self, name: Hashable) -> Any:
        """What was kept last under a name, of whichever revision; None where nothing is."""
        return self._memory.get((None, name))

    def keep_for_others(self, name: Hashable, value: Any, size: int) -> None:
        """Keep a value, which says itself what it belongs to, for other revisions."""
        self._memory.put((None, name), value, size)

    @override
    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        return self._opened().stream(sql, *parameters)

    @override
    def execute(self, sql: str, *parameters: object) -> None:
        self._opened().execute(sql, *parameters)

    @cached_property
    @override
    def index(self) -> Index:
        return self._look(self)


def remembered(
    session: Session, name: Hashable, make: Callable[[], T], size: Callable[[T], int]
) -> T:
    """What was made before under this name of what a session reads; else it is made now.

    It is made anew each time where the session has no memory.
    """
    if not isinstance(session, RememberedSession):
        return make()
    found: T | None = session.kept(name)
    if found is None:
        found = make()
        session.keep(name, found, size(found))
    return found


def remembered_each(
    session: Session,
    names: Sequence[Hashable],
    make: Callable[[int], T],
    size: Callable[[T], int],
) -> list[T]:
    """The same for several names, which are made by their places."""
    if not isinstance(session, RememberedSession):
        return [make(number) for number in range(len(names))]
    found: list[T | None] = session.kept_each(names)
    told: list[T] = []
    for number, (name, one) in enumerate(zip(names, found, strict=True)):
        if one is None:
            one = make(number)
            session.keep(name, one, size(one))
        told.append(one)
    return told


def size_of(rows: Sequence[Row]) -> int:
    """About how much memory rows take."""
    size = 0
    for row in rows:
        size += _OF_ROW * len(row)
        # What a value takes beyond that: most of it is texts and vectors.
        for value in row:
            kind = type(value)
            if kind is str or kind is bytes:
                # One character beyond the usual ones makes all of a text four times as large.
                size += sys.getsizeof(value)
            elif kind is list or kind is tuple:
                size += _OF_ROW * len(value) + sum(map(sys.getsizeof, value))
    return size
