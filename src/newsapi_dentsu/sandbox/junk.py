"""Records that are no articles: removed pages, empty bodies, cookie walls, impossible dates."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from newsapi_dentsu.sandbox.records import stamp

_COOKIE_WALL = (
    "We value your privacy. We and our 843 partners store and access information on a device, "
    "such as cookies, for personalised advertising and content. Accept all | Manage options"
)


def spoil(record: dict[str, Any], index_time: datetime, rng: random.Random) -> None:
    """Turn a sound record into one of the kinds of junk that the index holds."""
    rng.choice(_WAYS)(record, index_time)


def _removed(record: dict[str, Any], _: datetime) -> None:
    record["title"] = record["body"] = "[Removed]"


def _empty(record: dict[str, Any], _: datetime) -> None:
    record["body"] = ""


def _untitled(record: dict[str, Any], _: datetime) -> None:
    record["title"] = None


def _cookie_wall(record: dict[str, Any], _: datetime) -> None:
    record["body"] = _COOKIE_WALL


def _far_future(record: dict[str, Any], index_time: datetime) -> None:
    record["dateTimePub"] = stamp(index_time + timedelta(days=4_000))


def _long_ago(record: dict[str, Any], index_time: datetime) -> None:
    record["dateTimePub"] = stamp(index_time - timedelta(days=30 * 365))


_WAYS: Sequence[Callable[[dict[str, Any], datetime], None]] = (
    _removed,
    _empty,
    _untitled,
    _cookie_wall,
    _far_future,
    _long_ago,
)
