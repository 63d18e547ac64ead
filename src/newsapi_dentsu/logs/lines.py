"""What a line of the logs holds, and how it is written: JSON or text, with the secrets masked."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from typing_extensions import override

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.logs.secrets import without_secrets_in
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.visible import visible

PLATFORM_MARKS = ("CONTAINER_APP_NAME", "CONTAINER_APP_JOB_NAME", "KUBERNETES_SERVICE_HOST")
"""Variables by which a platform that collects its containers' output tells that it is there."""

API_RESPONSE, RUN_FINISHED, DAEMON_HEARTBEAT = "api_response", "run_finished", "daemon_heartbeat"
"""Events that queries over the logs look for."""

_LONGEST_STACK = 50


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
            processors=[ProcessorFormatter.remove_processors_meta, _masked, _shown, render],
        )


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
        # Dagster's message begins with the full name of the class.
        message = error.message.strip().partition(f"{error.cls_name}: ")[2] or error.message.strip()
        found.append({"type": error.cls_name, "message": message, "stack": list(error.stack)})
        error = error.cause or error.context
    return found


def _masked(_logger: object, _method: str, event: Any) -> dict[str, Any]:
    masked: dict[str, Any] = without_secrets_in(event)
    return masked


def _shown(_logger: object, _method: str, event: Any) -> dict[str, Any]:
    """A text without what acts on a terminal; colours, which do act on it, are added later."""
    shown: dict[str, Any] = _each_text(event)
    return shown


def _each_text(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {name: _each_text(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(item) for item in value]
    return value


def _brief_text(_logger: object, _method: str, event: Any) -> str:
    text = f"{event['level']}: {_indented(event['message'])}"
    return "\n".join([text, *_exception_lines(event.get("exception", []))])


def _text_with_exception(render: Any) -> Any:
    def rendered(logger: object, method: str, event: Any) -> str:
        chain = event.pop("exception", [])
        event["level"] = event["level"].lower()
        event["message"] = _indented(event["message"])
        return "\n".join([render(logger, method, event), *_exception_lines(chain)])

    return rendered


def _indented(message: object) -> str:
    """A message whose further lines can't be taken for lines of the log."""
    return str(message).replace("\n", "\n  ")


def _exception_lines(chain: list[dict[str, Any]]) -> Iterator[str]:
    for item in chain:
        yield f"{item['type']}: {item['message']}"
        yield from ("".join(item["stack"]).rstrip().splitlines())
