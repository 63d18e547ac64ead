"""The `newsapi` program: the command, in a process of its own."""

import atexit
import gc
import signal

from newsapi_dentsu.cli.main import main

_COLLECT_AFTER = 50_000
"""Objects between two collections: Dagster's import makes hundreds of thousands that stay."""


def program() -> None:
    """Execute the command and end the process with its exit code."""
    # SIGTERM acts like Ctrl-C; process 1 of a container ignores signals that it has no handler for.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    gc.set_threshold(_COLLECT_AFTER, 20, 100)
    # An interpreter that ends looks for garbage among all objects, for half a second once Dagster
    # is imported; frozen ones it passes over.
    atexit.register(gc.freeze)
    main()
