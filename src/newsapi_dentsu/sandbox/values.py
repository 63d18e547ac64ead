"""Reading the fields of a request, which come from JSON or from a query string."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class NotExecutedError(Exception):
    """The query cannot be executed; the message is what the API answers under `error`."""


def given(value: Any) -> bool:
    """Whether a field holds anything: the API ignores empty ones."""
    return value not in (None, "", [])


def is_on(value: Any) -> bool:
    """Read a switch."""
    return value.lower() in ("true", "1") if isinstance(value, str) else bool(value)


def texts(name: str, raw: Any) -> list[str]:
    """Read a text or a list of texts."""
    values = [raw] if isinstance(raw, str) else raw
    if (
        not isinstance(values, list)
        or not values
        or not all(value and isinstance(value, str) for value in values)
    ):
        raise NotExecutedError(f"{name} must be a text or a list of texts.")
    return values


def one_of(fields: Mapping[str, Any], name: str, allowed: Sequence[str], default: str) -> str:
    """Read a word out of a fixed set."""
    value = fields.get(name) or default
    if value not in allowed:
        raise NotExecutedError(f'{name} "{value}" is not one of {", ".join(allowed)}.')
    return str(value)


def whole(fields: Mapping[str, Any], name: str, default: int, *, at_least: int) -> int:
    """Read a whole number."""
    raw = fields.get(name, default)
    try:
        value = int(raw)
    except (TypeError, ValueError):
        value = at_least - 1
    if value < at_least:
        raise NotExecutedError(
            f"{name} must be a whole number of at least {at_least}, got {raw!r}."
        )
    return value


def day(fields: Mapping[str, Any], name: str) -> date | None:
    """Read a day, if there is one."""
    raw = fields.get(name)
    if not given(raw):
        return None
    try:
        if not isinstance(raw, str) or not _DAY.fullmatch(raw):
            raise ValueError(raw)
        return date.fromisoformat(raw)
    except ValueError:
        raise NotExecutedError(f"{name} must be a day as YYYY-MM-DD, got {raw!r}.") from None
