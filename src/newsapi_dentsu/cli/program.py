"""The `newsapi` program: the command, in a process that ends with it."""

import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from newsapi_dentsu.cli.main import main

_COLLECT_AFTER = 50_000
"""Objects between two collections: Dagster's import makes hundreds of thousands that stay."""


def program() -> NoReturn:
    """Execute the command and end the process.

    Taking Dagster's modules apart takes a third of a second that nobody needs; so once threads
    have ended and what was registered for the exit is done, the process just goes.
    """
    # Told to stop is as Ctrl-C; and process 1 of a container ignores what it has no handler for.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    gc.set_threshold(_COLLECT_AFTER, 20, 100)
    code: int | str | None = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    # As the interpreter does: tells executors to end, waits for threads, does what was registered.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201  as the interpreter does
        code = 1
    for stream in (sys.stdout, sys.stderr):
        # A reader that has gone away is no reason to fail.
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or 0)
