"""An interrupt ends a statement of DuckDB's, and is told as an interrupt."""

import os
import signal
import threading

import pytest

from newsapi_dentsu.errors import INTERRUPTED_QUERY
from newsapi_dentsu.warehouse.tables import positions
from support.databases import DuckDBDatabase, DuckDBDatabases

_LONG = "SELECT sum(a.i * b.i) FROM range(100_000_000) AS a(i), range(1_000) AS b(i)"


@pytest.fixture
def database(duckdb_databases: DuckDBDatabases) -> DuckDBDatabase:
    """A file with empty tables."""
    return duckdb_databases.create()


@pytest.mark.parametrize("kept", [False, True], ids=["for itself", "among others"])
def test_a_statement_ends_and_the_next_one_works(database: DuckDBDatabase, kept: bool) -> None:
    warehouse = database.open()

    def interrupted() -> None:
        interrupt = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
        with warehouse.transaction() as session:
            positions.set_position(session, "noted", 1)
            interrupt.start()
            session.rows(_LONG)

    if kept:
        with pytest.raises(KeyboardInterrupt), warehouse.kept_open():
            interrupted()
    else:
        with pytest.raises(KeyboardInterrupt):
            interrupted()

    assert warehouse.read(lambda session: positions.position(session, "noted")) == 0
    warehouse.write(lambda session: positions.set_position(session, "noted", 2))
    assert warehouse.read(lambda session: positions.position(session, "noted")) == 2


def test_closing_the_file_ends_and_the_next_transaction_opens_it(
    database: DuckDBDatabase,
) -> None:
    warehouse = database.open(wait=1)

    class Interrupted:
        """A connection whose statements an interrupt ends."""

        def __init__(self, connection: object) -> None:
            self.connection = connection

        def execute(self, _: str) -> None:
            raise RuntimeError(INTERRUPTED_QUERY)

        def close(self) -> None:
            self.connection.close()  # type: ignore[attr-defined]

    with warehouse.kept_open():
        warehouse.write(lambda session: positions.set_position(session, "noted", 1))
        kept = warehouse.engine._keeping  # type: ignore[attr-defined]
        kept.connection = Interrupted(kept.connection)
        with pytest.raises(KeyboardInterrupt):
            warehouse.release()

    assert warehouse.read(lambda session: positions.position(session, "noted")) == 1
