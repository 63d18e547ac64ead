"""An HTTP exchange ends in time and within its size, whatever the other side sends."""

import gzip
import logging
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.servers import make_certificate
from newsapi_dentsu.http import (
    Answer,
    HttpError,
    HttpTimeoutError,
    HttpTooLargeError,
    exchange,
    new_tls_context,
    read_moment,
    retry_after,
)
from support.http import FLOODS, GZIP, OK, WITHOUT_END, Behaviour, answering, dripping, raw_server

SECONDS = 1.0
MOST = 1 << 20
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def ask(behave: Behaviour, *, seconds: float = 5, path: str = "/") -> Answer:
    with raw_server(behave) as url:
        return exchange("POST", url + path, json={"a": 1}, seconds=seconds, most=MOST)


def packed(body: bytes, encoding: str = "gzip") -> Behaviour:
    head = f"{OK}Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return answering(head.encode() + body)


def test_no_answer_without_end_lasts_longer_than_the_time_given() -> None:
    def took(behave: Behaviour) -> float:
        with raw_server(behave) as url:
            started = time.monotonic()
            with pytest.raises(HttpError):
                exchange("POST", url, json={}, seconds=SECONDS, most=MOST)
            return time.monotonic() - started

    before = threading.active_count()
    with ThreadPoolExecutor(len(WITHOUT_END)) as pool:
        times = dict(zip(WITHOUT_END, pool.map(took, WITHOUT_END.values()), strict=True))
    assert {kind: seconds for kind, seconds in times.items() if seconds > SECONDS + 2} == {}
    # The threads end with their connections: nothing goes on behind the caller's back.
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_ends_by_its_size_long_before_its_time(kind: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(HttpError) as raised:
            ask(WITHOUT_END[kind], seconds=30)
        assert tracemalloc.get_traced_memory()[1] < 8 * MOST
    finally:
        tracemalloc.stop()
    assert not isinstance(raised.value, HttpTimeoutError)


def test_the_connection_is_closed_when_the_time_is_over_and_not_when_a_read_is() -> None:
    closed: list[float] = []

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        stop.wait(0.4)
        connection.sendall(b"HTTP/1.1 2")
        connection.recv(1)
        closed.append(time.monotonic())

    with raw_server(behave) as url:
        started = time.monotonic()
        with pytest.raises(HttpTimeoutError):
            exchange("GET", url, seconds=1)
        time.sleep(0.2)
        assert [one for one in closed if one - started < 1.3]


def test_a_redirect_is_neither_read_nor_followed() -> None:
    head = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
    started = time.monotonic()
    answer = ask(dripping(head, b"x", 0.05))
    assert time.monotonic() - started < 2
    assert (answer.status, answer.body) == (302, b"")


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x03\x40\x00"], ids=["silent", "dripping"])
def test_a_tls_handshake_that_stalls_is_left(begun: bytes) -> None:
    with raw_server(dripping(begun, b"\x02" if begun else b"", 0.05), reads=False) as url:
        started = time.monotonic()
        with pytest.raises(HttpTimeoutError):
            exchange("GET", url.replace("http:", "https:"), seconds=0.5)
        assert time.monotonic() - started < 2


def test_a_name_that_is_never_resolved_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: over.wait(30))
    started = time.monotonic()
    with pytest.raises(HttpTimeoutError):
        exchange("GET", "http://news.example/", seconds=0.3)
    assert time.monotonic() - started < 2
    over.set()


def test_a_server_that_reads_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(HttpTimeoutError):
            exchange("POST", url, body=bytes(30_000_000), seconds=0.5)
        assert time.monotonic() - started < 2


def test_each_exchange_has_a_connection_of_its_own_so_none_can_have_fallen_silent() -> None:
    answered = f"{OK}Content-Length: 2\r\nConnection: keep-alive\r\n\r\n{{}}".encode()

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(answered)
        stop.wait(30)

    with raw_server(behave) as url:
        answers = [exchange("GET", url, seconds=2).body for _ in range(3)]
    assert answers == [b"{}"] * 3


def test_three_megabytes_that_unpack_to_gigabytes_take_little_memory() -> None:
    deflater = zlib.compressobj(9, wbits=31)
    begun = deflater.compress(b"[") + deflater.flush(zlib.Z_FULL_FLUSH)
    zeros = deflater.compress(bytes(1 << 24)) + deflater.flush(zlib.Z_FULL_FLUSH)
    bomb = begun + 160 * zeros + deflater.flush()
    assert 2_500_000 < len(bomb) < 3_500_000
    tracemalloc.start()
    try:
        with pytest.raises(HttpTooLargeError):
            ask(packed(bomb))
        assert tracemalloc.get_traced_memory()[1] < 8 * MOST
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [MOST - 1, MOST, MOST + 1])
@pytest.mark.parametrize("pack", [False, True])
def test_the_limit_is_exact(size: int, pack: bool) -> None:
    body = b"x" * size
    behave = packed(gzip.compress(body)) if pack else packed(body, "identity")
    if size <= MOST:
        assert ask(behave).body == body
        return
    with pytest.raises(HttpTooLargeError) as raised:
        ask(behave)
    assert raised.value.answer == Answer(200, raised.value.answer.headers, body[:MOST])


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


PLAIN = b'{"title": "caf\xc3\xa9"}'


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", _gzip(PLAIN)),
        ("GZIP", _gzip(PLAIN)),
        ("x-gzip", _gzip(PLAIN)),
        ("deflate", zlib.compress(PLAIN)),
        ("identity", PLAIN),
        ("", PLAIN),
        ("identity, gzip", _gzip(PLAIN)),
        ("gzip", _gzip(PLAIN[:5]) + _gzip(b"") + _gzip(PLAIN[5:])),
    ],
)
def test_packed_answers_are_unpacked(encoding: str, body: bytes) -> None:
    assert ask(packed(body, encoding)).body == PLAIN


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"\x0b\x02\x80{}\x03"),
        ("zstd", b"(\xb5/\xfd"),
        ("rubbish", PLAIN),
        ("gzip, gzip, gzip", _gzip(_gzip(_gzip(PLAIN)))),
        ("gzip, br", PLAIN),
        ("gzip", PLAIN),
        ("gzip", _gzip(PLAIN)[:-3]),
        ("gzip", _gzip(PLAIN)[:12]),
        ("gzip", _gzip(PLAIN)[:-8] + bytes(8)),
        ("deflate", b"\0\1\2"),
    ],
)
def test_what_can_not_be_unpacked_is_an_error_of_that_answer(encoding: str, body: bytes) -> None:
    with pytest.raises(HttpError, match="an answer"):
        ask(packed(body, encoding))


def test_an_empty_answer_may_claim_to_be_packed() -> None:
    assert ask(answering("HTTP/1.1 204 None\r\nContent-Encoding: gzip\r\n\r\n")).body == b""
    assert ask(answering(f"{GZIP}")).body == b""


def test_interim_answers_are_passed_over() -> None:
    interim = "HTTP/1.1 103 Early Hints\r\nLink: </>\r\nContent-Length: 7\r\n\r\n"
    more = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    answer = ask(answering(f"{interim}{more}{OK}Content-Length: 2\r\n\r\nhi"))
    assert (answer.status, answer.body) == (200, b"hi")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SMTP 220 hello\r\n\r\n",
        "HTTP/9 key\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi",
        "HTTP/1.1 200 OK\r\n" + "A: b\r\n" * 101 + "\r\n",
        "HTTP/1.1 200 OK\r\nA: " + "b" * 70_000 + "\r\n\r\n",
    ],
)
def test_what_is_no_whole_answer_is_one_kind_of_error_that_tells_nothing_secret(text: str) -> None:
    with pytest.raises(HttpError) as raised:
        ask(answering(text), path="/secret")
    for told in (str(raised.value), repr(raised.value.__context__), repr(raised.value.__cause__)):
        assert "secret" not in told
        assert "key" not in told


def test_headers_of_any_bytes_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    head = OK.encode() + b"Location: \xff\xfe\r\nDate: \xff\r\nSet-Cookie: \0=\xff; expires=x\r\n"
    bad = b"\xff\xff: x\r\nno colon\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}"
    with caplog.at_level(logging.DEBUG):
        answer = ask(answering(head + bad), path="/secret")
    assert (answer.status, answer.body) == (200, b"{}")
    assert "secret" not in caplog.text


def test_a_certificate_of_nobody_is_not_trusted_unless_asked_to(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    certificate, key = make_certificate(tmp_path_factory.mktemp("certificate"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def behave(connection: socket.socket, _stop: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(f"{OK}Content-Length: 2\r\n\r\nhi".encode())

    with raw_server(behave, reads=False) as url:
        secure = url.replace("http:", "https:")
        with pytest.raises(HttpError, match="certificate can't be trusted"):
            exchange("GET", secure, seconds=5)
        trusting = new_tls_context(str(certificate))
        assert exchange("GET", secure, seconds=5, tls=trusting).body == b"hi"


def test_a_file_of_certificates_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(HttpError, match=r"/nowhere\.pem can't be read"):
        new_tls_context()


def test_proxies_of_the_environment_are_used_but_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    def proxy(connection: socket.socket, _stop: threading.Event) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(f"{OK}Content-Length: 5\r\n\r\nproxy".encode())

    monkeypatch.delenv("NO_PROXY", raising=False)
    with raw_server(proxy, reads=False) as url:
        for name in ("HTTP_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, url.replace("//", "//user:pass@"))
        assert exchange("GET", "http://news.example/a", seconds=5).body == b"proxy"
        with pytest.raises(HttpError):
            exchange("GET", "https://news.example/a", seconds=5)
        assert ask(answering(f"{OK}Content-Length: 2\r\n\r\nhi")).body == b"hi"
    assert [one.split(b"\r\n")[0] for one in asked] == [
        b"GET http://news.example/a HTTP/1.1",
        b"CONNECT news.example:443 HTTP/1.0",
    ]
    assert all(b"authorization: Basic dXNlcjpwYXNz" in one.replace(b"A", b"a", 1) for one in asked)


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Tue, 10 Nov 2026 12:00:00 GMT", NOON),
        ("Tue, 10 Nov 2026 13:00:00 +0100", NOON),
        ("Tuesday, 10-Nov-26 12:00:00 GMT", NOON),
        ("Tue Nov 10 12:00:00 2026", NOON),
        ("Tue, 10 Nov 2026 12:00:00", NOON),
        ("Tue, 10 Nov 2026 12:00:00 +99999999999999", None),
        ("Tue, 10 Nov 9999999999 12:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("Tue, 10 Nov 2026 99:99:99 GMT", None),
        ("\xff\xfe", None),
        ("9" * 5000, None),
        ("", None),
        (None, None),
    ],
)
def test_moments_in_headers(header: str | None, moment: datetime | None) -> None:
    assert read_moment(header) == moment


@given(
    st.one_of(
        st.text(),
        st.from_regex(
            r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,12} [0-9:.]{0,12} [+-]?[0-9]{0,15}"
        ),
        st.from_regex(
            r"[0-9]{1,3}[ -](Jan|feb|Dec)[ -][0-9]{0,12} [0-9:]{0,9} ?[+-]?[A-Z0-9]{0,15}"
        ),
    )
)
def test_no_header_breaks_the_reading(header: str) -> None:
    read_moment(header)
    wait = retry_after({"Retry-After": header, "Date": header}, NOON)
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        (" 17 ", 17),
        ("0", 0),
        ("1.5", 1.5),
        (format_datetime(NOON + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOON - timedelta(minutes=2), usegmt=True), 0),
        ("Tue, 10 Nov 2026 12:00:00 +99999999999999", None),
        ("-3", None),
        ("1e3", None),
        ("²", None),
        ("120s", None),
        ("9" * 5000, None),
        ("5, 5", None),
        ("soon", None),
    ],
)
def test_the_wait_that_is_asked_for(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOON) == seconds


def test_a_date_to_wait_for_is_compared_with_the_servers_own_clock() -> None:
    headers = {
        "Retry-After": format_datetime(NOON + timedelta(seconds=30), usegmt=True),
        "Date": format_datetime(NOON, usegmt=True),
    }
    assert retry_after(headers, NOON - timedelta(days=40)) == 30


def test_a_date_without_a_zone_is_not_in_this_machines_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    try:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "Asia/Tokyo")
            time.tzset()
            assert read_moment("Tue Nov 10 12:00:00 2026") == NOON
    finally:
        time.tzset()
