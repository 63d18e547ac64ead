"""The REST API as clients of any kind meet it: what it takes, refuses and says to programs."""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from newsapi_dentsu.errors import ExpiredError
from newsapi_dentsu.reading import states
from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.website import api, app, connections
from newsapi_dentsu.website.negotiation import accepts, knows, takes_gzip
from support.articles import record
from support.clock import NOON
from support.databases import Databases, DuckDBDatabases, disconnect
from support.examples import costly

from .conftest import HOUR, Site, news, serving

if TYPE_CHECKING:
    from schemathesis import Case


@pytest.fixture
def databases(duckdb_databases: DuckDBDatabases) -> Databases:
    """One engine: what is tested here lies above both."""
    return duckdb_databases


def _problem(answer: requests.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    detail: str = problem["detail"]
    assert len(detail) > 15
    return detail


@pytest.fixture(scope="module")
def kept(duckdb_databases: DuckDBDatabases, scratch: Path) -> Iterator[Site]:
    """A site with a few stories, for tests that only read."""
    folder = scratch / "rest-rules"
    warehouse = duckdb_databases.create().open()
    publish(warehouse, folder)
    with serving(CopyLibrary(folder)) as url:
        site = Site(url, warehouse, folder)
        site.run(*news(), *(record(f"{n:03}", NOON - n * HOUR) for n in range(20)))
        yield site
    disconnect(warehouse)


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_everything_that_the_description_allows_is_answered_as_it_says(
    kept: Site, mode: str
) -> None:
    # Half a second, of which every process that collects the tests would have its own.
    import schemathesis
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    made = schemathesis.GenerationMode(mode)
    # Several texts, each longer than it may be, make an address that is too long.
    refused = {"expected-statuses": ["400", "401", "403", "404", "406", "414", "429", "5xx"]}
    described = schemathesis.openapi.from_url(
        f"{kept.url}/api/v1/openapi.json",
        config=schemathesis.Config.from_dict({"checks": {"negative_data_rejection": refused}}),
    )
    tried = 0
    for found in described.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]

        @given(case=operation.as_strategy(generation_mode=made))
        @settings(
            costly(4),
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            deadline=None,
        )
        def holds(case: "Case[Any]") -> None:
            nonlocal tried
            tried += 1
            # No schema says that since lies before until, or which cursors there are.
            case.call_and_validate(timeout=20, excluded_checks=[positive_data_acceptance])

        try:
            holds()
        except Unsatisfiable:
            assert made is schemathesis.GenerationMode.NEGATIVE
    assert tried >= 30


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "says"),
    [
        ("GET", "/api/v1/nothing", {}, 404, "no such page"),
        ("GET", "/api/v1/articles/none", {}, 404, "nothing of this id"),
        ("POST", "/api/v1/articles", {}, 405, "only read"),
        ("DELETE", "/api/v1/articles/x", {}, 405, "only read"),
        ("GET", "/api/v1/articles", {"Accept": "text/csv"}, 406, "application/json"),
        ("GET", "/api/v1/articles", {"Accept": "application/json;q=0, */*"}, 406, "application"),
        ("GET", "/api/v1/articles.csv", {"Accept": "application/json"}, 406, "text/csv"),
        ("GET", "/api/v1/articles?q=" + "x" * 9000, {}, 414, "8,000"),
        ("GET", "/api/v1/articles", {"X-Much": "x" * 17_000}, 431, "16,000"),
        ("GET", "/api/v1/articles?limits=5", {}, 400, "there are: brand, cursor, lang, limit"),
        ("GET", "/api/v1/articles/x?limit=5", {}, 400, "there are: none"),
        ("GET", "/api/v1/articles?limit=5&limit=6", {}, 400, "twice"),
        ("GET", "/api/v1/articles?limit=", {}, 400, "limit needs a value"),
        ("GET", "/api/v1/articles?since=+2026-11-20", {}, 400, "since needs a value"),
        ("GET", "/api/v1/articles?since=20261120", {}, 400, "such as 2026-11-28"),
        ("GET", "/api/v1/articles.parquet?limit=5", {}, 400, "no parameter"),
        ("GET", "/api/v1/changes?since=2026-11-01", {}, 400, "no parameter"),
        ("GET", "/api/v1/articles?%1b%5b31m=5", {}, 400, "x1b"),
    ],
)
def test_each_kind_of_trouble_is_a_problem(
    kept: Site, method: str, path: str, headers: dict[str, str], status: int, says: str
) -> None:
    answer = requests.request(method, kept.url + path, headers=headers, timeout=30)

    assert says in _problem(answer, status)
    if status == 405:
        assert "GET" in answer.headers["Allow"]


def test_a_mistake_of_the_program_is_told_without_what_it_is(
    kept: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password hunter2")

    monkeypatch.setattr(states, "articles_page", broken)
    answer = kept.get("/api/v1/articles?q=private+since:2026-11-19")

    assert "its log says more" in _problem(answer, 500)
    assert "hunter2" not in answer.text
    assert answer.headers["Content-Security-Policy"]
    assert "hunter2" in caplog.text
    assert "private" not in caplog.text


def test_the_head_of_an_answer_is_asked_without_its_body(kept: Site) -> None:
    for path in ("articles", "articles.jsonl", "articles.csv", "articles.parquet", "openapi.json"):
        whole = kept.get(f"/api/v1/{path}")
        head = requests.head(f"{kept.url}/api/v1/{path}", timeout=30)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
        assert head.headers.get("ETag") == whole.headers.get("ETag")


def test_what_is_known_already_is_not_sent_again(filled: Site) -> None:
    for path in ("articles?limit=2", "articles.csv", "articles.jsonl", "stories", "changes"):
        tag = filled.get(f"/api/v1/{path}").headers["ETag"]
        strong = tag.removeprefix("W/")
        for known in (tag, strong, f'"other", {tag}', f'W/"a,b",{strong}', "*"):
            again = filled.get(f"/api/v1/{path}", headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), (path, known)
            assert again.headers["ETag"] == tag
        for other in ('"other"', "", tag.replace('"', ""), "W/"):
            asked = filled.get(f"/api/v1/{path}", headers={"If-None-Match": other})
            assert asked.status_code == 200, (path, other)
    there_is_none = filled.get("/api/v1/articles/x", headers={"If-None-Match": "*"})
    assert there_is_none.status_code == 404
    filled.run(record("new", NOON), now=NOON + HOUR)
    assert filled.get("/api/v1/stories", headers={"If-None-Match": tag}).status_code == 200


def test_answers_are_compressed_for_whoever_takes_that(kept: Site) -> None:
    def asked(encoding: str) -> tuple[str | None, bytes]:
        answer = requests.get(
            f"{kept.url}/api/v1/articles",
            headers={"Accept-Encoding": encoding},
            timeout=30,
            stream=True,
        )
        assert "Accept-Encoding" in answer.headers["Vary"]
        return answer.headers.get("Content-Encoding"), answer.raw.read(decode_content=False)

    kind, body = asked("gzip, br")
    assert kind == "gzip"
    plain = asked("identity")
    assert plain == (None, gzip.decompress(body))
    assert asked("gzip;q=0, *")[0] is None
    assert asked("br")[0] is None


def test_parquet_holds_what_the_pages_hold(kept: Site) -> None:
    lines = [json.loads(line) for line in kept.get("/api/v1/articles.jsonl").iter_lines()]
    content = kept.get("/api/v1/articles.parquet?lang=eng").content

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        path = kept.folder / "got.parquet"
        path.write_bytes(content)
        found = connection.execute(f"SELECT * FROM '{path}'").fetchall()
        types = dict(
            connection.execute(
                f"SELECT column_name, column_type FROM (DESCRIBE FROM '{path}')"
            ).fetchall()
        )
    rows = [dict(zip(types, row, strict=True)) for row in found]
    assert [api.as_json(row) for row in rows] == [api.as_json(line) for line in lines]
    assert types["published_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["authors"] == "VARCHAR[]"
    assert len(rows) == 24
    empty = kept.get("/api/v1/articles.parquet?topic=Nothing").content
    assert empty[:4] == empty[-4:] == b"PAR1"


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_bulk_that_fails_midway_never_looks_whole(
    kept: Site, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    page, turns = states.articles_page, iter(range(3))

    def fails_at_the_third(*arguments: Any, **named: Any) -> Any:
        if next(turns) == 2:
            raise ExpiredError("the state is gone")
        return page(*arguments, **named)

    monkeypatch.setattr(api, "_BULK_ROWS", 5)
    monkeypatch.setattr(states, "articles_page", fails_at_the_third)

    cut_off = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)
    with suppress(*cut_off):
        assert kept.get(f"/api/v1/articles.{kind}").status_code == 500


def test_a_bulk_answer_is_one_state_while_a_run_writes(
    filled: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.run(*(record(f"{n:03}", NOON - n * HOUR) for n in range(12)))
    before = {kind: filled.get(f"/api/v1/articles.{kind}").content for kind in ("jsonl", "csv")}
    page, written = states.articles_page, list[int]()

    def with_runs_between(*arguments: Any, **named: Any) -> Any:
        if len(written) < 3:
            written.append(1)
            at = NOON + len(written) * HOUR
            filled.run(
                record(f"new-{at:%H}", at),
                record("003", NOON - 3 * HOUR, title=f"Moved {at:%H}"),
                now=at,
            )
        return page(*arguments, **named)

    monkeypatch.setattr(api, "_BULK_ROWS", 3)
    monkeypatch.setattr(states, "articles_page", with_runs_between)
    assert filled.get("/api/v1/articles.jsonl").content == before["jsonl"]
    assert len(written) == 3


def test_readers_of_everything_who_go_away_make_room_for_others(
    kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(app.MOST_BULK + 3):
        for kind in ("parquet", "jsonl"):
            with requests.get(
                f"{kept.url}/api/v1/articles.{kind}", timeout=30, stream=True
            ) as answer:
                assert answer.status_code == 200

    deadline = time.monotonic() + 20
    while kept.get("/api/v1/articles.csv").status_code != 200:
        assert time.monotonic() < deadline


def test_too_many_readers_of_everything_are_told_to_come_again(
    kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def for_ever(*_: object) -> Iterator[bytes]:
        while True:
            yield b"x" * 100_000

    monkeypatch.setattr(api, "bulk", for_ever)
    address = f"{kept.url}/api/v1/articles.csv"
    readers = [requests.get(address, timeout=30, stream=True) for _ in range(app.MOST_BULK)]
    one_more = requests.get(address, timeout=30, stream=True)

    assert "come again" in _problem(one_more, 503)
    assert int(one_more.headers["Retry-After"]) > 0
    assert kept.get("/api/v1/articles?limit=1").status_code == 200
    for reader in readers:
        reader.close()


def _raw(site: Site) -> socket.socket:
    host, port = site.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_half_open_requests_and_those_who_do_not_read_are_dropped(
    kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(connections, name, 0.3)
    monkeypatch.setattr(connections.BoundedConnection, "look_seconds", 0.05)

    def dropped(sent: bytes, *, drip: bytes = b"") -> None:
        with _raw(kept) as connection:
            connection.sendall(sent)
            for _ in range(100):
                try:
                    if drip:
                        connection.sendall(drip)
                    connection.settimeout(0.1)
                    if not connection.recv(100_000):
                        return
                except TimeoutError:
                    continue
                except OSError:
                    return
        raise AssertionError("still connected")

    dropped(b"")
    dropped(b"GET / HTTP/1.1\r\nHost: local")
    dropped(b"GET / HTTP/1.1\r\nHost: localhost\r\n", drip=b"X-A: b\r\n")
    dropped(b"POST /feed.atom HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n", drip=b"x")


def test_who_ends_half_of_a_connection_is_not_waited_for(
    kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections.BoundedConnection, "look_seconds", 0.05)
    with _raw(kept) as connection:
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert connection.recv(10) == b""


def test_who_does_not_read_holds_nothing_for_long(
    kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[float] = []

    def for_ever(*_: object) -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            ended.append(time.monotonic())

    monkeypatch.setattr(connections, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(connections.BoundedConnection, "look_seconds", 0.05)
    monkeypatch.setattr(api, "bulk", for_ever)
    with _raw(kept) as connection:
        connection.sendall(b"GET /api/v1/articles.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        deadline = time.monotonic() + 20
        while not ended:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_connections_in_use_are_kept(kept: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(connections.BoundedConnection, "look_seconds", 0.05)
    with requests.Session() as session:
        began = time.monotonic()
        session.get(f"{kept.url}/style.css", timeout=20)
        pools: Any = session.adapters["http://"]
        connection = next(iter(pools.poolmanager.pools._container.values()))
        while time.monotonic() - began < 1.2:
            session.get(f"{kept.url}/style.css", timeout=20)
        assert connection.num_connections == 1


def test_a_head_without_end_is_refused(kept: Site) -> None:
    with _raw(kept) as connection:
        got = b""
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            for _ in range(200):
                connection.sendall(b"X-Much: " + b"x" * 2000 + b"\r\n")
        except OSError:
            pass
        try:
            got = connection.recv(1000)
        except OSError:
            got = b"HTTP/1.1 431"
    assert got.split()[1] in (b"431", b"400")


@pytest.mark.parametrize(
    ("header", "kind", "taken"),
    [
        ("", "text/csv; charset=utf-8", True),
        ("*/*", "application/json", True),
        ("text/*;q=0.1", "text/csv; charset=utf-8", True),
        ("text/html", "application/json", False),
        ("application/json;q=0", "application/json", False),
        ("*/*;q=0, application/json", "application/json", True),
        ("Application/JSON ; charset=utf-8", "application/json", True),
        ("application/json;q=nan", "application/json", True),
        (";;,,q", "application/json", False),
    ],
)
def test_kinds_that_are_taken(header: str, kind: str, taken: bool) -> None:
    assert accepts(header, kind) is taken


def test_compression_and_tags_are_read_as_http_says() -> None:
    assert [takes_gzip(each) for each in ("gzip", "*", "gzip;q=0", "gzip;q=0.0, *", "", "br")] == [
        *(True, True, False, False, False, False),
    ]
    assert knows('"a", W/"b"', 'W/"b"')
    assert knows("*", 'W/"b"')
    assert not knows('"a b"', 'W/"b"')
    assert not knows("b", 'W/"b"')
