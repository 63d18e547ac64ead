"""Giving answers again that were worked out before, as long as they are what would be answered now.

The name of an answer holds the revision of everything that is read. The revision is looked up after
the request has come, so a kept answer is never stale; requests that come together share the look.
An answer is kept under the revision that its own transaction saw, whatever the revision was before
or has become. The name of an answer that shows how long ago something was also holds the minute.
"""

import asyncio
import hashlib
import logging
from collections.abc import Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.memory import Now
from newsapi_dentsu.website.answers import Answer, Answers, answer_of
from newsapi_dentsu.website.negotiation import knows

logger = logging.getLogger(__name__)

_MAKING: Final = "newsapi.making"
_MOST_BODY: Final = 20_000
_GIVEN_AGAIN: Final = frozenset({200, 404})
_PAGES: Final = ("/stories", "/search", "/trends", "/source/", "/story/", "/feeds")
_FEEDS: Final = ("/feed.atom", "/feed.json")
_BULK: Final = ("jsonl", "csv", "parquet")
_GRAPHQL: Final = "/graphql"
_REPRESENTED: Final = (b"host", b"accept", b"content-type", b"content-encoding")
"""Headers by which answers to one question differ."""


class Making:
    """What is known of an answer while it is made: when it was asked for, what it is read of."""

    __slots__ = ("known", "now", "revision")

    def __init__(self, now: datetime, known: Now) -> None:
        self.now = now
        self.known = known
        self.revision: str | None = None


def now_of(request: Request) -> datetime:
    """The time that an answer tells ages by, in whole minutes."""
    making: Making | None = request.scope.get(_MAKING)
    return making.now if making else _minute()


def note_revision(request: Request, revision: str | None) -> None:
    """Tell what an answer is read of; without that it isn't kept."""
    making: Making | None = request.scope.get(_MAKING)
    if making:
        making.revision = revision


def is_kept(request: Request) -> bool:
    """Whether the answer to a request may be kept."""
    return _MAKING in request.scope


class AnswerCache:
    """Gives a kept answer where one still holds; otherwise has the answer made, once."""

    def __init__(
        self,
        app: ASGIApp,
        library: Library,
        answers: Answers,
        revisions: "Revisions | None" = None,
    ) -> None:
        self._app = app
        self._near, self._far = answers.near, answers.far
        self._whose = f"{version('newsapi-dentsu')} {library.location} {answers.whose}"
        self._revisions = revisions or Revisions(library)
        self._under_way: dict[Hashable, asyncio.Task[tuple[Answer, str]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        kind = _kind(scope)
        if kind is None:
            await self._app(scope, receive, send)
            return
        body = b""
        if scope["method"] == "POST":
            body, receive, whole = await _taken(receive)
            if not whole:
                await self._app(scope, receive, send)
                return
        now = _minute()
        try:
            known = await self._revisions.now()
        except PipelineError:
            known = None
        if known is None or (revision := known.revision) is None:
            await self._app(scope, receive, send)
            return
        asked = _asked(scope, body, now if kind == "page" else now.date())
        found = self._near.get((revision, asked))
        if found is None:
            found = await self._shared(scope, body, known, asked, now)
        if found.given is not None:
            scope["endpoint"], scope["path_params"] = self, found.given
        await _send(found, scope, send)

    def _name(self, revision: str, asked: Hashable) -> str:
        """The name of an answer among those of all replicas."""
        return hashlib.sha256(f"{self._whose}\n{revision}\n{asked}".encode()).hexdigest()

    async def _shared(
        self, scope: Scope, body: bytes, known: Now, asked: Hashable, now: datetime
    ) -> Answer:
        """The answer for everybody who asks meanwhile; a client that goes away doesn't end it."""
        revision = str(known.revision)
        name = (revision, asked)
        for _ in range(3):
            task = self._under_way.get(name)
            if task is None:
                task = asyncio.create_task(self._brought(scope, body, known, asked, now))
                self._under_way[name] = task
                task.add_done_callback(lambda _: self._under_way.pop(name, None))
                return (await asyncio.shield(task))[0]
            answer, made_of = await asyncio.shield(task)
            if made_of in ("", revision):
                return answer
            # It was made of another revision, which may be one from before this request came.
            if (found := self._near.get(name)) is not None:
                return found
        return (await self._made(scope, body, known, asked, now))[0]

    async def _brought(
        self, scope: Scope, body: bytes, known: Now, asked: Hashable, now: datetime
    ) -> tuple[Answer, str]:
        if self._far is None:
            return await self._made(scope, body, known, asked, now)
        revision = str(known.revision)
        name = self._name(revision, asked)
        found = await self._far.get(name)
        if found is None and not await self._far.may_make(name):
            found = await self._far.awaited(name)
        if found is not None:
            self._near.put((revision, asked), found)
            return found, revision
        try:
            return await self._made(scope, body, known, asked, now)
        finally:
            await self._far.made(name)

    async def _made(
        self, scope: Scope, body: bytes, known: Now, asked: Hashable, now: datetime
    ) -> tuple[Answer, str]:
        """Have an answer made and keep it; also returns its revision, empty where it has none."""
        making = Making(now, known)
        left_out = (b"accept-encoding", b"if-none-match", b"if-modified-since")
        inner = {
            **scope,
            _MAKING: making,
            "headers": [pair for pair in scope["headers"] if pair[0] not in left_out],
        }
        status, headers, pieces = 500, list[tuple[bytes, bytes]](), list[bytes]()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def take(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.extend(
                    pair
                    for pair in message["headers"]
                    if pair[0] not in (b"content-length", b"vary")
                )
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))

        await self._app(inner, receive, take)
        given = None
        if "endpoint" in inner:
            given = {name: str(value) for name, value in inner["path_params"].items()}
        answer = answer_of(status, headers, b"".join(pieces), given)
        if making.revision is None or status not in _GIVEN_AGAIN:
            return answer, ""
        self._near.put((making.revision, asked), answer)
        if self._far is not None:
            await self._far.put(self._name(making.revision, asked), answer)
        return answer, making.revision


class Revisions:
    """What is read, asked for once for all requests that wait for it.

    Each waits for a question that is asked after it has come.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._waiting: list[asyncio.Future[Now]] = []
        self._asking: asyncio.Task[None] | None = None
        # One of its own, lest it waits for those who read much.
        self._thread = ThreadPoolExecutor(1, "newsapi-revision")

    async def now(self) -> Now:
        """What is read at some moment after this call.

        Raises:
            PipelineError: nothing can be read.
        """
        if (at_hand := self._library.now_at_hand()) is not None:
            return at_hand
        waiting: asyncio.Future[Now] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await waiting

    async def _ask(self) -> None:
        """Ask for all who wait, once; and again for those who have come meanwhile."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                try:
                    found: Now | Exception = await self._found()
                except Exception as error:
                    found = error
                for one in waiting:
                    # Whoever has gone away waits no more.
                    if not one.done():
                        if isinstance(found, Exception):
                            one.set_exception(found)
                        else:
                            one.set_result(found)
        finally:
            self._asking = None

    async def _found(self) -> Now:
        if (now := await self._library.now_here()) is not None:
            return now
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._library.now)

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False)


async def known_of(request: Request, revisions: Revisions) -> Now | None:
    """What is read, told after a request has come; None where nothing can be."""
    making: Making | None = request.scope.get(_MAKING)
    if making:
        return making.known
    try:
        return await revisions.now()
    except PipelineError:
        return None


def _minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def _kind(scope: Scope) -> str | None:
    """What a request asks for: a page, data, or None for what is never kept."""
    if scope["type"] != "http":
        return None
    path, method = scope["path"], scope["method"]
    if path == _GRAPHQL:
        return "data" if method == "POST" or (method == "GET" and scope["query_string"]) else None
    if method != "GET":
        return None
    if path.startswith("/api/v1/"):
        return None if path.rpartition(".")[2] in (*_BULK, "json") else "data"
    if path in _FEEDS:
        return "data"
    return "page" if path == "/" or path.startswith(_PAGES) else None


def _asked(scope: Scope, body: bytes, at: Hashable) -> Hashable:
    """A question in one form: where it came in, what for, in which representation, at what time."""
    represented = tuple(pair for pair in scope["headers"] if pair[0] in _REPRESENTED)
    where = (scope["method"], scope["scheme"], scope["path"], represented)
    return where, _in_order(scope["query_string"]), body, at


@lru_cache(maxsize=1_024)
def _in_order(query: bytes) -> tuple[tuple[str, str], ...]:
    """The parameters of an address by name; of those of one name the last counts."""
    parsed = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return tuple(sorted(parsed, key=lambda pair: pair[0]))


async def _taken(receive: Receive) -> tuple[bytes, Receive, bool]:
    """A request's body, what gives it again, and whether it is all and not too long."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or size > _MOST_BODY or not message.get("more_body"):
            break
    waiting = iter(list(messages))

    async def again() -> Message:
        return next(waiting, None) or await receive()

    whole = message["type"] == "http.request" and not message.get("more_body", False)
    return (
        b"".join(one.get("body", b"") for one in messages),
        again,
        whole and size <= _MOST_BODY,
    )


async def _send(answer: Answer, scope: Scope, send: Send) -> None:
    """Send an answer to somebody who may know it, or take it compressed."""
    known, packs = _takes(scope["headers"])
    tag = answer.tag
    if known and tag and answer.status == 200 and knows(known, tag):
        await send({"type": "http.response.start", "status": 304, "headers": answer.unchanged})
        await send({"type": "http.response.body", "body": b""})
        return
    headers, body = answer.shorter if packs else answer.whole
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _takes(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, bool]:
    """The tags that somebody knows, and whether compressed answers are taken."""
    known, packs = "", False
    for name, value in headers:
        if name == b"if-none-match":
            known = value.decode("latin-1")
        elif name == b"accept-encoding":
            # Whoever doesn't take it doesn't name it any more here (see `_suited`).
            packs = b"gzip" in value.lower()
    return known, packs
