"""Who is let in: keys where others can ask, what they are for, how often, and what is noted."""

import base64
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from newsapi_dentsu.access.keys import SCOPES, Key, digest, new_key
from newsapi_dentsu.access.store import FilePlace, KeyStore, Use
from newsapi_dentsu.access.uses import Uses
from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.website import gate
from newsapi_dentsu.website.gate import Access
from support.databases import DuckDBDatabases, disconnect

from .conftest import Site, news, serving

ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def library(duckdb_databases: DuckDBDatabases, scratch: Path) -> Iterator[CopyLibrary]:
    folder = scratch / "gate"
    warehouse = duckdb_databases.create().open()
    publish(warehouse, folder)
    Site("", warehouse, folder).run(*news())
    yield CopyLibrary(folder)
    disconnect(warehouse)


@dataclass
class Served:
    url: str
    store: KeyStore

    def get(self, path: str, key: str | None = None, **headers: str) -> requests.Response:
        given = {"Authorization": f"Bearer {key}"} if key else {}
        return requests.get(self.url + path, headers=given | headers, timeout=30)

    def key(self, *scopes: str, per_minute: int = 600) -> str:
        key_id, secret = new_key()
        among = frozenset(scopes or SCOPES)
        now = datetime.now(UTC)
        self.store.add(Key(key_id, key_id, digest(secret), among, per_minute, now))
        return secret


@contextmanager
def served(
    library: CopyLibrary, folder: Path, *, closed: bool, alone: bool = False
) -> Iterator[Served]:
    store = KeyStore(FilePlace(folder / "access.sqlite"))
    access = Access(store, store, Uses(store, timedelta(days=90)), closed=closed, alone=alone)
    with serving(library, access=access, origins=(ORIGIN,)) as url:
        yield Served(url, store)


@pytest.fixture
def closed(library: CopyLibrary, tmp_path: Path) -> Iterator[Served]:
    """A server that others can reach."""
    with served(library, tmp_path, closed=True) as made:
        yield made


ADDRESSES = {
    "/": "pages", "/stories": "pages", "/style.css": "pages", "/feeds": "pages",
    "/feed.atom": "feeds", "/feed.json": "feeds",
    "/api/v1/articles": "api", "/api/v1": "api", "/api/v1/openapi.json": "api",
    "/api/v1/articles.csv": "bulk", "/api/v1/articles.parquet": "bulk",
}  # fmt: skip


def test_without_a_key_nothing_is_told_but_that_the_server_lives(closed: Served) -> None:
    for path in (*ADDRESSES, "/nothing", "/api/v1/nothing"):
        answer = closed.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith(
            "Bearer" if path.startswith("/api/") else "Basic"
        )
        assert "Carried" not in answer.text
    assert closed.get("/health").status_code == 200


def test_a_key_opens_what_it_is_for(closed: Served) -> None:
    whole, some = closed.key(), {scope: closed.key(scope) for scope in ("pages", "feeds", "bulk")}
    for path, scope in ADDRESSES.items():
        assert closed.get(path, whole).status_code in (200, 404), path
        for other, key in some.items():
            answer = closed.get(path, key)
            assert (answer.status_code == 403) is (other != scope), (path, other)
            if other != scope:
                assert scope in answer.json()["detail"]


def test_keys_come_as_browsers_and_feed_readers_can_send_them(closed: Served) -> None:
    key = closed.key()
    login = "Basic " + base64.b64encode(f"anybody:{key}".encode()).decode()

    assert closed.get("/", Authorization=login).status_code == 200
    feed = closed.get(f"/feed.atom?topic=AI&key={key}")
    assert feed.status_code == 200
    assert key not in feed.text
    assert "topic=AI" in feed.text
    assert closed.get(f"/feed.atom?%6bey={key}").status_code == 200
    refused = closed.get(f"/api/v1/articles?key={key}")
    assert refused.status_code == 400
    assert "Bearer" in refused.json()["detail"]


@pytest.mark.parametrize(
    "given",
    [
        *("newsapi_", "newsapi_00000000_" + "0" * 56, "other", "", "newsapi_\xe9", "x" * 5000),
        *("Basic !!", "Basic bmV3c2FwaV8="),
    ],
)
def test_what_is_no_key_lets_nobody_in(closed: Served, given: str) -> None:
    closed.key()
    header = given if given.startswith("Basic") else f"Bearer {given}"
    answer = closed.get(
        "/api/v1/articles", Authorization=header.encode("latin-1").decode("latin-1")
    )

    assert answer.status_code == 401


def test_a_revoked_key_is_refused_from_the_next_request_on(closed: Served) -> None:
    key = closed.key()
    assert closed.get("/api/v1/articles", key).status_code == 200
    closed.store.revoke(key.split("_")[1], datetime.now(UTC))
    assert closed.get("/api/v1/articles", key).status_code == 401


def test_a_rate_is_told_and_holds(closed: Served) -> None:
    key = closed.key(per_minute=3)
    answers = [closed.get("/api/v1/articles?limit=1", key) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert answers[0].headers["RateLimit"] == '"key";r=2;t=20'
    refused = answers[3]
    assert refused.headers["RateLimit"].startswith('"key";r=0;t=')
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert refused.json()["type"].endswith("quota-exceeded")
    assert closed.get("/api/v1/articles", closed.key()).status_code == 200


def test_guessing_keys_is_slowed_down(closed: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REFUSED_RATE", 3)
    tries = [closed.get("/api/v1/articles", new_key()[1]).status_code for _ in range(5)]

    assert tries == [401, 401, 401, 429, 429]
    assert closed.get("/api/v1/articles", closed.key()).status_code == 200


def test_on_this_machine_nobody_needs_a_key(library: CopyLibrary, tmp_path: Path) -> None:
    with served(library, tmp_path, closed=False, alone=True) as local:
        answer = local.get("/api/v1/articles")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == f'"local";q={gate.OPEN_RATE};w=60'
        # The login of something that stands before the server is none of its affairs.
        assert local.get("/api/v1/articles", "eyJhbGciOi").status_code == 200
        assert local.get("/api/v1/articles", new_key()[1]).status_code == 401
        assert local.get("/api/v1/articles", local.key("pages")).status_code == 403


def test_others_without_a_key_have_a_rate_where_they_are_let_in(
    library: CopyLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "ADDRESS_RATE", 2)
    with served(library, tmp_path, closed=False) as opened:
        assert [opened.get("/").status_code for _ in range(3)] == [200, 200, 429]


def test_use_is_noted_without_what_was_asked(closed: Served, library: CopyLibrary) -> None:
    key = closed.key(per_minute=5)
    for path in (
        *("/api/v1/articles?q=private+since:2026-11-19", "/api/v1/articles/secret-id"),
        *(f"/feed.atom?key={key}", "/api/v1/secret-path", "/style.css", "/style.css"),
    ):
        closed.get(path, None if "key=" in path else key)
    closed.get("/api/v1/articles")

    uses = _noted(closed, 6)
    key_id = key.split("_")[1]
    assert {(use.key_id, use.route, use.status) for use, _ in uses} == {
        (key_id, "/api/v1/articles", 200),
        (key_id, "/api/v1/articles/{id}", 404),
        (key_id, "/feed.atom", 200),
        (key_id, "-", 404),
        (key_id, "/style.css", 200),
        (key_id, "-", 429),
        ("-", "-", 401),
    }
    assert {use.address for use, _ in uses} == {"127.0.0.1"}
    assert "private" not in str(uses)
    assert "secret" not in str(uses)
    (known,) = closed.store.all()
    assert known.last_used_at is not None


def _noted(closed: Served, least: int) -> list[tuple[Use, int]]:
    deadline = time.monotonic() + 20
    while len(found := closed.store.uses()) < least:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_a_key_reaches_no_log(
    closed: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = closed.key()

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("newsapi_dentsu.website.feeds.atom", broken)
    with caplog.at_level(logging.DEBUG):
        assert closed.get(f"/feed.atom?key={key}").status_code == 500
        assert closed.get("/feed.atom", key).status_code == 500
        assert closed.get("/feed.atom?key=newsapi_wrong").status_code == 401
    assert "broken" in caplog.text
    # What urllib3 logs of the test's own requests aside.
    told = [one for one in caplog.records if not one.name.startswith("urllib3")]
    assert told
    assert all(key not in f"{one.getMessage()} {one.exc_text}" for one in told)


def test_keys_that_can_not_be_checked_let_nobody_in(closed: Served, tmp_path: Path) -> None:
    key = closed.key()
    (tmp_path / "access.sqlite").write_bytes(b"not a database, but long enough to be read" * 100)
    for wal in tmp_path.glob("access.sqlite-*"):
        wal.unlink()

    assert closed.get("/api/v1/articles", key).status_code in (401, 503)


def test_other_sites_read_only_where_they_are_named(closed: Served) -> None:
    key = closed.key()

    def asked(origin: str, method: str = "GET") -> requests.Response:
        headers = {"Origin": origin}
        if method == "OPTIONS":
            headers["Access-Control-Request-Method"] = "GET"
            headers["Access-Control-Request-Headers"] = "authorization"
        else:
            headers["Authorization"] = f"Bearer {key}"
        return requests.request(
            method, f"{closed.url}/api/v1/articles", headers=headers, timeout=30
        )

    before = asked(ORIGIN, "OPTIONS")
    assert (before.status_code, before.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert "authorization" in before.headers["Access-Control-Allow-Headers"].lower()
    assert asked(ORIGIN).headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "RateLimit" in asked(ORIGIN).headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in asked("https://evil.example").headers
    assert asked("https://evil.example", "OPTIONS").status_code == 400
    refused = requests.get(f"{closed.url}/api/v1/articles", headers={"Origin": ORIGIN}, timeout=30)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, ORIGIN)
