"""A DuckDB file that stays open over many transactions."""

from contextlib import suppress
from typing import Final

import duckdb
from typing_extensions import override

from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine
from newsapi_dentsu.warehouse.engines.quoting import quoted_text

LOG: Final = "128MB"
"""How long the file's log gets before what is in it goes into the file. What is only in the log is
in memory as well, or spilled as it is; of millions of articles each batch would read that again."""


class HeldDuckDBEngine(DuckDBEngine):
    """Keeps the file open until `close`, and others out of it: for filling it in many batches.

    Each closing of the file would write its last rows anew, up to 122,880 of a table. What is
    committed is in the file's log meanwhile, and a killed process loses none of it.
    """

    _held: duckdb.DuckDBPyConnection | None = None

    @override
    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        if self._held is None:
            self._held = super()._open(read_only=False)
            self._held.execute(f"SET checkpoint_threshold = '{LOG}'")
            spill = quoted_text(self._path.with_name(f"{self._path.name}.spill"))
            self._held.execute(f"SET temp_directory = {spill}")
        return self._held

    @override
    def _release(self, connection: duckdb.DuckDBPyConnection) -> None:
        """It stays open."""

    @override
    def close(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            # After an error it is closed already.
            with suppress(duckdb.Error):
                super()._release(held)
            held.close()
            self._idle.clear()
