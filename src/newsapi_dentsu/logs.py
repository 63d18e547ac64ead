"""Logs of every process: JSON lines or text, through structlog, with the secrets masked.

Code logs with the standard library and gives an event's own fields as `extra`:
`logger.info("The news API answered", extra={"event": "api_response", "seconds": 0.4})`.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace, TracebackType
from typing import Any, TextIO

from typing_extensions import override

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.masking import known_secrets, mask
from newsapi_dentsu.settings import load_settings

PLATFORM_MARKS = ("CONTAINER_APP_NAME", "CONTAINER_APP_JOB_NAME", "KUBERNETES_SERVICE_HOST")
"""Variables by which a platform that collects its containers' output tells that it is there."""

API_RESPONSE, RUN_FINISHED, DAEMON_HEARTBEAT = "api_response", "run_finished", "daemon_heartbeat"
"""Events that queries over the logs look for."""

_OURS = "newsapi_dentsu"
_DAGSTERS = ("dagster", "dagit", "dagster-webserver")
_LONGEST_STACK = 50

_run_handler: logging.Handler | None = None


def writes_json(stream: TextIO | None = None) -> bool:
    """Tell whether logs are JSON: as `LOG_FORMAT` says; by default on a container platform."""
    try:
        chosen = load_settings().log_format
    except PipelineError:
        given = os.environ.get("LOG_FORMAT", "")
        chosen = "json" if given == "json" else "auto"
    if chosen != "auto":
        return chosen == "json"
    return not (stream or sys.stdout).isatty() and any(
        mark in os.environ for mark in PLATFORM_MARKS
    )


def without_secrets(text: str) -> str:
    """The text with every secret of the settings masked."""
    try:
        return mask(text, known_secrets(load_settings()))
    except PipelineError:
        # Settings that can't be read give no secrets away: their errors don't repeat values.
        return text


def without_secrets_in(value: Any) -> Any:
    """A JSON-like value with the secrets masked in all its texts, but not in its keys."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {key: without_secrets_in(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets_in(item) for item in value]
    return value


def configure_command() -> None:
    """Log to stderr, which a command's result doesn't share: in text, warnings and worse."""
    _install(sys.stderr, brief=True)


def configure_service() -> None:
    """Log to stdout, Dagster's lines included, from INFO on: for whatever has no other output."""
    _install(sys.stdout, brief=False)


def configured() -> bool:
    """Whether this process has its logging set up."""
    return bool(_own_handlers())


def _own_handlers() -> list[logging.Handler]:
    return [one for one in logging.root.handlers if isinstance(one.formatter, LogFormatter)]


def run_handlers() -> list[logging.Handler]:
    """Who prints the lines of a run: everything that Dagster's log managers handle."""
    return [_run_handler] if _run_handler else []


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Add fields to every line that is logged meanwhile by this thread."""
    from structlog.contextvars import bound_contextvars

    with bound_contextvars(**fields):
        yield


class LogFormatter(logging.Formatter):
    """Formats a record through structlog, which is imported with the first record."""

    def __init__(self, stream: TextIO, *, brief: bool) -> None:
        super().__init__()
        self._stream = stream
        self._brief = brief
        self._formatter: logging.Formatter | None = None

    @override
    def format(self, record: logging.LogRecord) -> str:
        if self._formatter is None:
            self._formatter = self._made()
        return self._formatter.format(record)

    def _made(self) -> logging.Formatter:
        from structlog.contextvars import merge_contextvars
        from structlog.dev import ConsoleRenderer
        from structlog.processors import JSONRenderer
        from structlog.stdlib import ProcessorFormatter

        render: Any
        if writes_json(self._stream):
            render = JSONRenderer(ensure_ascii=False)
        elif self._brief:
            render = _brief_text
        else:
            render = ConsoleRenderer(
                colors=self._stream.isatty(),
                event_key="message",
                timestamp_key="time",
                sort_keys=False,
                pad_event_to=0,
            )
            render = _text_with_exception(render)
        return ProcessorFormatter(
            foreign_pre_chain=[merge_contextvars, _fields_of_record],
            processors=[ProcessorFormatter.remove_processors_meta, _masked, render],
        )


def _install(stream: TextIO, *, brief: bool) -> None:
    global _run_handler
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogFormatter(stream, brief=brief))
    quiet = brief and not writes_json(stream)
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    for earlier in _own_handlers():
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
        # Of a run's lines, the handler of its log manager has printed those with this mark.
        handler.addFilter(lambda record: not hasattr(record, "dagster_meta"))


def take_over_dagster() -> None:
    """Print through this module what Dagster and its web server print on consoles of their own.

    For a process that is configured: whatever Dagster sets up before or after this.
    """
    import dagster._utils.log as consoles

    (handler,) = _own_handlers()
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
    vars(consoles)["coloredlogs"] = stand_in
    if writes_json(sys.stdout):
        # The code server that this process may start says a line before it makes an instance.
        os.environ.setdefault("DAGSTER_CLI_API_GRPC_LOG_FORMAT", "json")
    if "uvicorn.config" in sys.modules:
        from uvicorn.config import LOGGING_CONFIG

        for name in ("default", "access"):
            LOGGING_CONFIG["formatters"][name] = {"()": lambda: formatter}
            LOGGING_CONFIG["handlers"][name]["stream"] = "ext://sys.stdout"


def _fields_of_record(_logger: object, _method: str, event: Any) -> dict[str, Any]:
    """The fields of a line: what all lines have, then a run's, then the event's own."""
    record: logging.LogRecord = event["_record"]
    run = getattr(record, "dagster_meta", None) or {}
    moment = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, Any] = {
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": run.get("orig_message", event["event"]),
    }
    fields |= {
        key: value
        for key, value in event.items()
        if key not in ("event", "exc_info", "stack_info") and not key.startswith("_")
    }
    fields |= _fields_of_run(run)
    fields |= {
        key: value
        for key, value in record.__dict__.items()
        if key not in _STANDARD and not key.startswith("dagster_")
    }
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields["exception"] = _chain(error)
    fields["_record"] = record
    fields["_from_structlog"] = False
    return fields


_STANDARD = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "_logger", "_name", "taskName"}
)


def _fields_of_run(run: Mapping[str, Any]) -> dict[str, Any]:
    if not run:
        return {}
    fields = {"run_id": run.get("run_id"), "job": run.get("job_name")}
    happened = run.get("dagster_event")
    if happened is not None:
        fields["dagster_event"] = happened.event_type_value
        error = getattr(happened.event_specific_data, "error", None)
        if error is not None:
            fields["exception"] = _serialized_chain(error)
    return {name: value for name, value in fields.items() if value is not None}


def _chain(error: BaseException) -> list[dict[str, Any]]:
    """An exception and what caused it, outermost first; never with local variables."""
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        stack = traceback.format_tb(current.__traceback__, limit=-_LONGEST_STACK)
        found.append({"type": type(current).__qualname__, "message": str(current), "stack": stack})
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
    return found


def _serialized_chain(error: Any) -> list[dict[str, Any]]:
    """The same of an error as Dagster stores it."""
    found: list[dict[str, Any]] = []
    while error is not None:
        # It begins with the class, in full.
        message = error.message.strip().partition(f"{error.cls_name}: ")[2] or error.message.strip()
        found.append({"type": error.cls_name, "message": message, "stack": list(error.stack)})
        error = error.cause or error.context
    return found


def _masked(_logger: object, _method: str, event: Any) -> dict[str, Any]:
    masked: dict[str, Any] = without_secrets_in(event)
    return masked


def _brief_text(_logger: object, _method: str, event: Any) -> str:
    text = f"{event['level']}: {event['message']}"
    return "\n".join([text, *_exception_lines(event.get("exception", []))])


def _text_with_exception(render: Any) -> Any:
    def rendered(logger: object, method: str, event: Any) -> str:
        chain = event.pop("exception", [])
        event["level"] = event["level"].lower()
        return "\n".join([render(logger, method, event), *_exception_lines(chain)])

    return rendered


def _exception_lines(chain: list[dict[str, Any]]) -> Iterator[str]:
    for item in chain:
        yield f"{item['type']}: {item['message']}"
        yield from ("".join(item["stack"]).rstrip().splitlines())


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
