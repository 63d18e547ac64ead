"""The warehouse: an engine with the pipeline's schema on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.base import Engine, Session, retry_while_unavailable
from newsapi_dentsu.warehouse.engines.opening import (
    open_engine,
    open_postgres_for_people,
    open_postgres_to_read,
)
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.tables import raw

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse.engines.postgres_replica import ReplicaState

T = TypeVar("T")


class Warehouse:
    """Transactions on the pipeline's tables, whichever engine holds them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def location(self) -> str:
        """Where the data is, for people; without secrets."""
        return self.engine.location

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction for writing: all of it or nothing."""
        with self.engine.transaction() as session:
            yield session

    def write(self, work: Callable[[Session], T]) -> T:
        """Do work in a transaction, again from its start where the server went away meanwhile.

        The server may have stored the transaction although its answer was lost. So `work` must
        be such that doing it twice leaves the tables as doing it once does; only what it returns
        may differ.

        Raises:
            WarehouseAwayError: the server did not come back within `POSTGRES_RECONNECT_SECONDS`.
            WarehouseBusyError: it did, but another run has taken the run lock.
        """

        def attempt() -> T:
            with self.transaction() as session:
                return work(session)

        return retry_while_unavailable(self.engine, attempt)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do work on a snapshot, again where the server went away meanwhile.

        Raises:
            WarehouseAwayError: the server did not come back within `POSTGRES_RECONNECT_SECONDS`.
            WarehouseError: as `snapshot` does.
        """

        def attempt() -> T:
            with self.snapshot() as session:
                return work(session)

        return retry_while_unavailable(self.engine, attempt)

    def inspect(self, work: Callable[[Session], T]) -> T:
        """Do work on a snapshot of whatever there is, tables or none, of any version.

        Raises:
            WarehouseError: there is no database, or it can't be reached.
        """

        def attempt() -> T:
            with self.engine.snapshot() as session:
                return work(session)

        return retry_while_unavailable(self.engine, attempt)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a read-only transaction on one consistent state.

        Raises:
            WarehouseError: there are no tables yet, or of a version that this program can't
                work on.
        """
        with self.engine.snapshot() as session:
            if steps := history.pending(self.engine, session):
                version = history.applied_version(self.engine, session)
                if version == 0:
                    raise WarehouseError(
                        f"{self.location} has no tables yet: run `newsapi run` first"
                    )
                raise WarehouseError(
                    f"{self.location} has schema version {version}, this program needs "
                    f"{steps[-1].version}: run `newsapi run`"
                )
            yield session

    def replica(self) -> "ReplicaState | None":
        """What is known of the replica that is read; None where none is."""
        if self.engine.name != "PostgreSQL":
            return None
        from newsapi_dentsu.warehouse.engines.postgres_replica import ReadingEngine

        return self.engine.replica_state() if isinstance(self.engine, ReadingEngine) else None

    def is_behind(self) -> bool:
        """Tell whether `upgrade` has anything to do.

        Raises:
            WarehouseError: the tables are newer than this program.
        """
        return self.write(lambda session: history.behind(self.engine, session))

    def closing_the_way_back(self) -> list[history.Migration]:
        """The steps of an upgrade after which the program before it would refuse the tables.

        Raises:
            WarehouseError: the tables are newer than this program.
        """
        return self.inspect(lambda session: history.closing_the_way_back(self.engine, session))

    def upgrade(self) -> list[history.Migration]:
        """Create or upgrade the tables; does nothing where they are up to date.

        Two processes may do so at once: the second finds the first's work done.

        Raises:
            WarehouseError: the role may not, or the tables are newer than this program.
        """
        if not self.is_behind():
            return []
        engine, now = self.engine, datetime.now(UTC)
        with engine.upgrade_lock():
            self.write(lambda session: history.drop_indexes(engine, session))
            try:
                return self.write(lambda session: history.apply(engine, session, now))
            finally:
                # Of a step that failed, nothing is left; whatever ends this, the next call goes on.
                if self.inspect(lambda session: history.applied_version(engine, session)):
                    self.write(lambda session: history.create_derived(engine, session))

    def close(self) -> None:
        """Let go of the connections that are kept between transactions."""
        self.engine.close()

    @contextmanager
    def rehearsal(self) -> Iterator["Warehouse"]:
        """A warehouse in which all is as in this one, and nothing of what is done stays.

        On DuckDB it is a copy beside the file, on PostgreSQL a transaction that is rolled back. The
        caller holds the run lock.

        Raises:
            WarehouseError: there is no room for the copy.
        """
        with self.engine.rehearsal() as engine:
            yield Warehouse(engine)

    def kept_open(self) -> AbstractContextManager[None]:
        """Let transactions that follow each other at once share what opening costs."""
        return self.engine.kept_open()

    def release(self) -> None:
        """Keep nobody out of the database until the next transaction."""
        self.engine.release()

    @contextmanager
    def run_lock(self, holder: str, wait: float) -> Iterator[None]:
        """Keep other pipeline runs out while this one lasts.

        Raises:
            WarehouseBusyError: another run held the lock for longer than `wait` seconds.
        """
        with self.engine.run_lock(holder, wait):
            yield

    @contextmanager
    def fetch_lock(
        self, holder: str, part: int, places: int, wait: float
    ) -> Iterator[Callable[[], None]]:
        """Keep runs out together with others who only fetch; see `Engine.fetch_lock`.

        Raises:
            WarehouseBusyError: somebody else fetches this part, or the wait was in vain.
        """
        with self.engine.fetch_lock(holder, part, places, wait) as give_way:
            yield give_way

    @contextmanager
    def together(self, work: int) -> Iterator[Callable[[], bool]]:
        """Be known as one of those who do the same work; see `Engine.together`.

        Raises:
            WarehouseBusyError: others who end it don't come to an end.
        """
        with self.engine.together(work) as ends_last:
            yield ends_last

    def discard_sandbox(self) -> None:
        """Empty all tables when what they hold is the sandbox's.

        Raises:
            WarehouseError: there are real articles, which this never deletes.
        """
        self.upgrade()
        self.write(self._discard_sandbox)

    def _discard_sandbox(self, session: Session) -> None:
        if raw.stored_origin(session) not in (raw.SANDBOX, None):
            raise WarehouseError(
                f"{self.location} holds real articles, not the sandbox's: nothing was deleted"
            )
        for table in (*history.tables(), *history.CACHES):
            session.execute(f"DELETE FROM {table}")


def open_warehouse(settings: Settings) -> Warehouse:
    """Make the warehouse that the settings name; nothing is opened yet."""
    return Warehouse(open_engine(settings))


def open_to_examine(settings: Settings) -> Warehouse:
    """Make the warehouse for somebody who looks at it in several ways and waits for the answers.

    A server that is silent is waited for once.
    """
    if settings.use_postgres:
        return Warehouse(open_postgres_for_people(settings))
    return open_warehouse(settings)


def open_to_read(settings: Settings) -> Warehouse:
    """Make the warehouse for a command that only reads; it sees what was written before it.

    Where PostgreSQL has a replica, that is read (see `warehouse.engines.postgres_replica`).
    """
    if settings.use_postgres:
        return Warehouse(open_postgres_to_read(settings, own_writes=True))
    return open_warehouse(settings)
