"""Many connections that ask all the time while articles come: what fails, and what is stale."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from newsapi_dentsu.errors import PipelineError


@dataclass
class Load:
    """What many readers were told."""

    answers: int = 0
    errors: list[str] = field(default_factory=list)
    stale: int = 0
    """Answers of a state from before the last one that was there when they were asked for."""

    waits: list[float] = field(default_factory=list)
    """Seconds that each answer took."""

    published: int = 0


def under_load(
    port: int,
    paths: Sequence[str],
    connections: int,
    seconds: float,
    state: int,
    publish: Callable[[], int],
) -> Load:
    """Ask over so many connections for so long, while something is published again and again.

    Args:
        port: where the server listens.
        paths: what is asked for; answers that are JSON tell their `state`.
        connections: how many.
        seconds: how long.
        state: the number of the last change that readers see.
        publish: publishes something, and tells the number of its last change.

    Returns:
        What came of it.
    """
    told = Load()
    seen = [state]
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            try:
                seen[0] = publish()
                told.published += 1
            except (PipelineError, RuntimeError) as error:
                told.errors.append(str(error))
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        asyncio.run(_ask(told, seen, port, paths, connections, seconds))
    finally:
        ended.set()
        writer.join()
    return told


async def _ask(
    told: Load, seen: list[int], port: int, paths: Sequence[str], connections: int, seconds: float
) -> None:
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(_reader(told, seen, port, paths, number, until) for number in range(connections))
    )


async def _reader(
    told: Load, seen: list[int], port: int, paths: Sequence[str], number: int, until: float
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    try:
        while time.monotonic() < until:
            path, number = paths[number % len(paths)], number + 1
            least, began = seen[0], time.monotonic()
            try:
                status, kind, body = await asyncio.wait_for(_answer(reader, writer, path), 30)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                told.errors.append(f"{path}: {type(error).__name__} {error}")
                return
            told.answers += 1
            told.waits.append(time.monotonic() - began)
            if status != 200:
                told.errors.append(f"{path}: {status} {body[:200]!r}")
            elif kind.startswith("application/json") and _state(body) < least:
                told.stale += 1
    finally:
        writer.close()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
) -> tuple[int, str, bytes]:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(first.split()[1]), headers.get("content-type", ""), body


def _state(body: bytes) -> int:
    """The number of the last change that an answer of REST or GraphQL knows."""
    answer = json.loads(body)
    told = answer["data"]["articles"] if "data" in answer else answer
    return int(told["state"])
