"""Dagster's own lines, printed as the pipeline's are."""

import logging
import os
import sys
from types import SimpleNamespace
from typing import Any

from newsapi_dentsu import dagster_private, logs

_DAGSTERS = ("dagster", "dagit", "dagster-webserver")


def take_over_dagster() -> None:
    """Print as `logs` does what Dagster and its web server print on consoles of their own.

    For a process that is configured: whatever Dagster sets up before or after this.
    """
    (handler,) = logs.own_handlers()
    for name in _DAGSTERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(handler.level)
    formatter = handler.formatter
    # `configure_loggers` asks for a formatter; a run's console logger for a handler, which it
    # doesn't need: `run_handlers` print the run, with the names of the loggers.
    stand_in: Any = SimpleNamespace(
        ColoredFormatter=lambda *_args, **_options: formatter,
        install=lambda *, logger, **_options: logger.addHandler(logging.NullHandler()),
    )
    dagster_private.print_with(stand_in)
    if logs.writes_json(sys.stdout):
        # The code server that this process may start says a line before it makes an instance.
        os.environ.setdefault("DAGSTER_CLI_API_GRPC_LOG_FORMAT", "json")
    if "uvicorn.config" in sys.modules:
        from uvicorn.config import LOGGING_CONFIG

        for name in ("default", "access"):
            LOGGING_CONFIG["formatters"][name] = {"()": lambda: formatter}
            LOGGING_CONFIG["handlers"][name]["stream"] = "ext://sys.stdout"
