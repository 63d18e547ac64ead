"""Setting up the logging of a process: where lines go, and from which level on."""

import logging
import sys
import threading
from types import TracebackType
from typing import TextIO

from newsapi_dentsu.logs.lines import LogFormatter, writes_json
from newsapi_dentsu.visible import raw

_OURS = "newsapi_dentsu"

_run_handler: logging.Handler | None = None


def configure_command() -> None:
    """Log to stderr, which a command's result doesn't share: in text, warnings and worse."""
    _install(raw(sys.stderr), brief=True)


def configure_service() -> None:
    """Log to stdout, Dagster's lines included, from INFO on: for whatever has no other output."""
    _install(raw(sys.stdout), brief=False)


def configured() -> bool:
    """Whether this process has its logging set up."""
    return bool(own_handlers())


def own_handlers() -> list[logging.Handler]:
    """The handlers that this module has set up: one where the process is configured."""
    return [one for one in logging.root.handlers if isinstance(one.formatter, LogFormatter)]


def run_handlers() -> list[logging.Handler]:
    """Who prints the lines of a run: everything that Dagster's log managers handle."""
    return [_run_handler] if _run_handler else []


def _install(stream: TextIO, *, brief: bool) -> None:
    global _run_handler
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogFormatter(stream, brief=brief))
    quiet = brief and not writes_json(stream)
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    for earlier in own_handlers():
        logging.root.removeHandler(earlier)
    logging.root.addHandler(handler)
    # Libraries speak when something is wrong; SQLAlchemy would print every statement at INFO.
    logging.root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(logging.WARNING if quiet else logging.INFO)
    # Each answer of the imitation is logged by the client that asked.
    logging.getLogger(f"{_OURS}.sandbox").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    if quiet:
        _run_handler = None
    else:
        _run_handler = logging.StreamHandler(stream)
        _run_handler.setFormatter(handler.formatter)
        _run_handler.setLevel(logging.INFO)
        # Lines with this mark were printed by the log manager of their run.
        handler.addFilter(lambda record: not hasattr(record, "dagster_meta"))


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(_OURS).critical(
        "The process ends by an unexpected error", exc_info=(kind, error, trace)
    )


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        logging.getLogger(_OURS).critical(
            "A thread ends by an unexpected error",
            exc_info=(arguments.exc_type, arguments.exc_value, arguments.exc_traceback),
        )
