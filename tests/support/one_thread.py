"""DuckDB with one thread for each instance, and numpy with one, from the import of this module on.

The quick tests run on all processors at once, on tables so small that a second thread of DuckDB
only waits: starting and stopping it took a third of what DuckDB did. The threads of numpy's linear
algebra even wait busily: where others have the processors, they took 25 times as long.
"""

import os
from functools import wraps
from typing import Any

import duckdb

# Read when numpy is imported, which is later, and in the processes that start from here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
_connect = duckdb.connect


@wraps(_connect)
def _connected(*arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
    named["config"] = {"threads": 1, **(named.get("config") or {})}
    return _connect(*arguments, **named)


duckdb.connect = _connected
