"""The `newsapi` program: the command, in a process of its own."""

import atexit
import gc
import os
import signal
import sys
import threading

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.errors import INTERRUPTS

_COLLECT_AFTER = 50_000
"""Objects between two collections: Dagster's import makes hundreds of thousands that stay."""

_AGAIN_SECONDS = 0.1
"""After which a lost interrupt is sent again; what lost it has long ended by then."""


def program() -> None:
    """Execute the command and end the process with its exit code."""
    # SIGTERM acts like Ctrl-C; process 1 of a container ignores signals that it has no handler for.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _keep_interrupts()
    gc.set_threshold(_COLLECT_AFTER, 20, 100)
    # An interpreter that ends looks for garbage among all objects, for half a second once Dagster
    # is imported; frozen ones it passes over.
    atexit.register(gc.freeze)
    main()


def _keep_interrupts() -> None:
    """Send an interrupt again that comes while Python forgets an object.

    What is raised then, in a finalizer or a callback of a weak reference, is told and ignored.
    """
    tell = sys.unraisablehook

    def told(lost: "sys.UnraisableHookArgs") -> None:
        if lost.exc_type.__name__ not in INTERRUPTS:
            tell(lost)
            return
        # What a shell starts in the background ignores SIGINT.
        again = threading.Timer(_AGAIN_SECONDS, os.kill, [os.getpid(), signal.SIGTERM])
        again.daemon = True
        again.start()

    sys.unraisablehook = told
