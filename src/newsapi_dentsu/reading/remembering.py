"""A library that reads again from memory what it has read of the same revision before."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

from typing_extensions import override

from newsapi_dentsu.errors import WarehouseAwayError, WarehouseError
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.memory import Memory, Now, OtherRevisionError, RememberedSession
from newsapi_dentsu.warehouse.engines.base import Session

T = TypeVar("T")


class RememberingLibrary(Library):
    """Another library, with memory of what was read of it.

    A transaction is opened only for what isn't in memory, and only if it shows the revision that
    the work has begun with; otherwise the work begins again in a transaction.
    """

    def __init__(self, library: Library, memory: Memory | None = None) -> None:
        self.library = library
        """The other library, for whoever reads much and nothing twice."""

        self._memory = memory or Memory()
        self.location = library.location

    @override
    def session(self) -> AbstractContextManager[Session]:
        return self.library.session()

    @override
    def read(self, work: Callable[[Session], T], known: Now | None = None) -> T:
        if known is not None and known.revision is not None:
            with ExitStack() as stack:
                opened: list[Session] = []

                def open_it() -> Session:
                    if not opened:
                        try:
                            session = stack.enter_context(self.library.session())
                            found = self.library.now_of(session)
                        except WarehouseError as error:
                            raise OtherRevisionError from error
                        if found != known:
                            raise OtherRevisionError
                        opened.append(session)
                    return opened[0]

                try:
                    return work(self._remembered(known, open_it))
                except (OtherRevisionError, WarehouseAwayError):
                    pass
        return self.library.read(lambda session: work(self._of(session)))

    def read_from_memory(self, work: Callable[[Session], T], now: Now) -> T:
        """Do work that only reads, if all that it needs is in memory; waits for nothing.

        Raises:
            OtherRevisionError: something isn't.
        """

        def refuse(_: object = None) -> Any:
            raise OtherRevisionError

        return work(RememberedSession(self._memory, now, refuse, refuse))

    def _of(self, session: Session) -> Session:
        now = self.library.now_of(session)
        return session if now.revision is None else self._remembered(now, lambda: session)

    def _remembered(self, now: Now, opened: Callable[[], Session]) -> RememberedSession:
        return RememberedSession(self._memory, now, opened, self.library.look)

    @override
    def revision(self) -> str | None:
        return self.library.revision()

    @override
    def revision_at_hand(self) -> str | None:
        return self.library.revision_at_hand()

    @override
    def now(self) -> Now:
        return self.library.now()

    @override
    def now_at_hand(self) -> Now | None:
        return self.library.now_at_hand()

    @override
    async def now_here(self) -> Now | None:
        return await self.library.now_here()

    @override
    def now_of(self, session: Session) -> Now:
        return self.library.now_of(session)

    @override
    def server_of(self, session: Session) -> str | None:
        return self.library.server_of(session)

    @override
    def close(self) -> None:
        self.library.close()
