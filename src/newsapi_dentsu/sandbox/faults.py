"""Scripted trouble: what goes wrong with which request."""

import shlex
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from newsapi_dentsu.sandbox.articles import SandboxArticle

Kind = Literal[
    "status",
    "error",
    "truncated",
    "html",
    "hang",
    "drop",
    "invalid_json",
    "arrive",
    "tokens",
]
Path = Literal["search", "usage"]
_KINDS: tuple[str, ...] = get_args(Kind)
_PATHS: tuple[str, ...] = get_args(Path)
_EVENTS = ("arrive", "tokens")


@dataclass(frozen=True)
class Fault:
    """One piece of scripted trouble.

    `on_request` counts the requests of `path` from 1 (None: the next one); the fault then lasts
    for `times` requests in a row (None: for good). `arrive` and `tokens` are events that happen
    once and leave the answer alone: `arrive` makes `articles` visible `when` the request is
    answered (so the default, "after", puts them between two pages), `tokens` leaves the account
    with `tokens` tokens before it. A failed answer costs nothing unless `charge` is set.
    """

    kind: Kind
    status: int = 500
    retry_after: float | None = None
    body: str | None = None
    message: str = "The query could not be executed."
    seconds: float = 60.0
    tokens: int = 0
    articles: tuple[SandboxArticle, ...] = ()
    when: Literal["before", "after"] = "after"
    on_request: int | None = None
    times: int | None = 1
    charge: bool = False
    path: Path = "search"

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: use one of {', '.join(_KINDS)}")
        if self.path not in _PATHS:
            raise ValueError(f"path must be one of {', '.join(_PATHS)}, got {self.path!r}")
        if not 100 <= self.status <= 599:
            raise ValueError(f"status must be from 100 to 599, got {self.status}")
        for name in ("on_request", "times"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        for name in ("seconds", "tokens", "retry_after"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative, got {value}")

    @property
    def is_event(self) -> bool:
        """Whether it only changes the state of the server and leaves the answer alone."""
        return self.kind in _EVENTS

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read the text form, the fault before its options: `status=503 on=3 times=2`."""
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ValueError(f"cannot read the fault {text!r}: {error}") from None
        if not words:
            raise ValueError(f"an empty fault: start with one of {', '.join(_TEXT_KINDS)}")
        kind, _, value = words[0].partition("=")
        if kind not in _TEXT_KINDS:
            raise ValueError(f"unknown fault {kind!r}: start with one of {', '.join(_TEXT_KINDS)}")
        fields: dict[str, Any] = {"kind": kind}
        field = _TEXT_KINDS[kind]
        if field is None and value:
            raise ValueError(f"{kind} takes no value, got {value!r}")
        if field is not None:
            if not value:
                raise ValueError(f"{kind} needs a value, as in {kind}={_EXAMPLES[kind]}")
            fields[field] = _read(kind, value)
        for word in words[1:]:
            name, _, value = word.partition("=")
            if name not in _OPTIONS or not value:
                raise ValueError(
                    f"unknown option {word!r}: use {', '.join(f'{o}=…' for o in _OPTIONS)}"
                )
            fields[_OPTIONS[name]] = _read(name, value)
        return cls(**fields)


# The first word of the text form, and the field that its value sets.
_TEXT_KINDS: dict[str, str | None] = {
    "status": "status",
    "error": "message",
    "truncated": None,
    "html": None,
    "hang": "seconds",
    "drop": None,
    "invalid_json": None,
    "tokens": "tokens",
}
_EXAMPLES = {"status": "503", "error": "'Invalid concept'", "hang": "30", "tokens": "2"}
_OPTIONS = {
    "on": "on_request",
    "times": "times",
    "retry_after": "retry_after",
    "body": "body",
    "charge": "charge",
    "path": "path",
}
_WHOLE = ("status", "tokens", "on", "times")
_SECONDS = ("hang", "retry_after")


def _read(name: str, value: str) -> Any:
    if name == "times" and value == "always":
        return None
    if name == "charge":
        if value not in ("yes", "no"):
            raise ValueError(f"charge must be yes or no, got {value!r}")
        return value == "yes"
    try:
        if name in _WHOLE:
            return int(value)
        if name in _SECONDS:
            return float(value)
    except ValueError:
        wanted = "a whole number" if name in _WHOLE else "a number of seconds"
        also = " or always" if name == "times" else ""
        raise ValueError(f"{name} must be {wanted}{also}, got {value!r}") from None
    return value


class FaultScript:
    """The faults of a server, and how often each has happened; safe to use from many threads."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(_PATHS, 0)
        self._pending: list[tuple[Fault, int | None]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Add one fault to the script."""
        with self._lock:
            self._pending.append((fault, 1 if fault.is_event else fault.times))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._pending.clear()

    def next(self, path: Path) -> list[Fault]:
        """Count one request of `path`; return its events and at most one fault of its answer."""
        with self._lock:
            self._counts[path] += 1
            due: list[Fault] = []
            kept: list[tuple[Fault, int | None]] = []
            for fault, left in self._pending:
                is_due = fault.path == path and self._counts[path] >= (fault.on_request or 1)
                taken = any(not other.is_event for other in due) and not fault.is_event
                if not is_due or taken:
                    kept.append((fault, left))
                    continue
                due.append(fault)
                if left is None:
                    kept.append((fault, None))
                elif left > 1:
                    kept.append((fault, left - 1))
            self._pending = kept
            return due
