"""DuckDB with one thread for each instance, from the import of this module on.

The quick tests run on all processors at once, on tables so small that a second thread of DuckDB
only waits: starting and stopping it took a third of what DuckDB did.
"""

from functools import wraps
from typing import Any

import duckdb

_connect = duckdb.connect


@wraps(_connect)
def _connected(*arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
    named["config"] = {"threads": 1, **(named.get("config") or {})}
    return _connect(*arguments, **named)


duckdb.connect = _connected
