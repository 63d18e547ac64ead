"""One HTTP exchange, bounded in time and size whatever the other side sends.

Every HTTP request that the product makes goes through `exchange`; those of Azure's libraries are
their own. The time limits of HTTP libraries hold for each read: a server that sends a byte now and
then is never late. A status line, a header, a chunk's size or trailer that drips, `100 Continue`
without end, a TLS handshake that stalls, name resolution, and bytes that unpack to nothing are all
waits that no such limit ends. So an exchange runs in a thread of its own; the caller waits as long
as it has time, then cuts the connection from outside and goes on. That holds for whatever the
thread is doing, known or not.

urllib3 does what it does well: connections, TLS, proxies, the protocol. Its conveniences are left
out, for each of them reads or unpacks on its own: redirects, retries, decoding, reuse of
connections (a connection serves one exchange, so that none can fall silent between two). Sizes
are counted where bytes come from the socket, so that nothing is outside the count: heads, framing
and trailers are in it. What is unpacked is unpacked piece by piece, under the same limit.
"""

import functools
import http.client
import io
import json as json_format
import logging
import os
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from typing_extensions import override
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from newsapi_dentsu.deadline import within
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.loopback import is_loopback

# Its lines repeat what the errors say, and tell whole addresses, which may be secrets.
logging.getLogger("urllib3").setLevel(logging.ERROR)

MOST_HEAD = 1 << 16
"""Bytes of everything before an answer's body: interim answers, status line, headers."""

MOST_BODY = 1 << 24
"""Bytes of a body by default, both as sent and unpacked: a page of 100 articles takes about one
MiB."""

_HEADERS = {"User-Agent": "newsapi-dentsu", "Accept-Encoding": "gzip", "Connection": "close"}
"""What every exchange sends."""

_PIECE = 1 << 16
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_EITHER_HEADER = zlib.MAX_WBITS | 32
"""Makes zlib take gzip's format and its own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answered.

    Headers are found under their names in any case. The body is unpacked; that of a redirect is
    not read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpError(PipelineError):
    """There was no whole answer; the text names neither the address nor what came."""

    transient = True


class HttpTimeoutError(HttpError):
    """There was no whole answer in time."""


class HttpTooLargeError(HttpError):
    """The body is larger than what may be read; `answer` holds the part that was."""

    transient = False

    def __init__(self, most: int, answer: Answer) -> None:
        super().__init__(f"an answer of more than {most:,} bytes")
        self.answer = answer


def exchange(
    method: str,
    url: str,
    *,
    seconds: float,
    json: object = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    most: int = MOST_BODY,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send a request and return the answer, whatever its status; redirects are not followed.

    The environment's proxies are used (`HTTPS_PROXY`, `NO_PROXY` ...), except for this machine's
    own loopback.

    Args:
        method: such as POST.
        url: whole address.
        seconds: the time that everything together may take, from the name's resolution to the
            last byte.
        json: what to send, as JSON.
        body: what to send, as it is, if not `json`.
        headers: what to send beside those that an exchange always has.
        most: bytes that the answer's body may have, both as sent and unpacked.
        tls: whom to trust, if not those of `tls_context`.

    Raises:
        HttpTimeoutError: the time is over.
        HttpTooLargeError: the body is larger.
        HttpError: there was no whole answer for another reason.
    """
    if seconds <= 0:
        raise HttpTimeoutError("no time to ask")
    sent = urllib3.HTTPHeaderDict(headers)
    sent.update(_HEADERS)
    if json is not None:
        body = json_format.dumps(json, allow_nan=False).encode()
        sent["Content-Type"] = "application/json"
    wire = _Wire(most)

    def work() -> Answer:
        _current_wire.set(wire)
        with wire.closed_at_the_end(), _manager(url, tls) as manager:
            response = manager.urlopen(
                method,
                url,
                body=body,
                headers=sent,
                timeout=urllib3.Timeout(connect=seconds, read=seconds),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                return _read(response, most)
            finally:
                response.close()

    try:
        return within(seconds, work, abandon=wire.cut)
    except HttpError:
        raise
    except Exception as error:
        # The bytes that reach the libraries are the other side's: they raise what they please.
        trouble = _worded(error)
    # Raised out here, so that it doesn't carry the original along, which may quote what came.
    raise trouble


@functools.cache
def tls_context(bundle: str | None = None) -> ssl.SSLContext:
    """How to speak TLS, and whose certificates to trust; one for all, made once.

    Args and errors are those of `new_tls_context`.
    """
    return new_tls_context(bundle)


def new_tls_context(bundle: str | None = None) -> ssl.SSLContext:
    """A context of one's own, to which a certificate may be added.

    Args:
        bundle: a file or folder of authorities to trust; by default that of `REQUESTS_CA_BUNDLE`,
            else the usual ones.

    Raises:
        HttpError: it can't be read.
    """
    bundle = bundle or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    trusted = bundle or DEFAULT_CA_BUNDLE_PATH
    kind = "capath" if Path(trusted).is_dir() else "cafile"
    context = create_urllib3_context()
    try:
        context.load_verify_locations(**{kind: trusted})
    except OSError:
        raise HttpError(f"the trusted certificates in {trusted} can't be read") from None
    return context


def read_moment(header: str | None) -> datetime | None:
    """The moment that a header such as `Date` names, in any form that is in use; None if it can't
    be read.

    A date without a zone is in UTC (RFC 9110, section 5.6.7).
    """
    if not header:
        return None
    try:
        moment = parsedate_to_datetime(header)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait by the header `Retry-After`, from either of its forms (RFC 9110, section
    10.2.3); None where there is none, or none that can be read.

    A date is compared with the answer's own `Date`, so that this machine's clock may be wrong.

    Args:
        headers: the answer's.
        now: this machine's time.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return float(value)
    moment = read_moment(value)
    if moment is None:
        return None
    return max(0.0, (moment - (read_moment(headers.get("Date")) or now)).total_seconds())


class _TooMuchError(Exception):
    """More bytes came from the socket than may be read."""


class _Wire:
    """What an exchange reads from its sockets: counted, and cut from outside."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = MOST_HEAD
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    def watch(self, connected: socket.socket) -> None:
        """Be able to cut this connection."""
        # A duplicate, for wrapping a socket in TLS takes its descriptor away.
        duplicate = connected.dup()
        with self._lock:
            self._sockets.append(duplicate)
            if self._is_cut:
                _shut_down(duplicate)

    def cut(self) -> None:
        """End whatever reads from or writes to a connection, now and later."""
        with self._lock:
            self._is_cut = True
            for one in self._sockets:
                _shut_down(one)

    @contextmanager
    def closed_at_the_end(self) -> Iterator[None]:
        """Forget the connections when the exchange is over."""
        try:
            yield
        finally:
            with self._lock:
                while self._sockets:
                    self._sockets.pop().close()

    def count(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            _TooMuchError: they are too many, or nobody waits for them any more.
        """
        self._left -= size
        if self._left < 0 or self._is_cut:
            raise _TooMuchError

    def let_body_come(self) -> None:
        """The head has ended."""
        self._left = self._most + MOST_HEAD


_current_wire: ContextVar[_Wire] = ContextVar("_current_wire")


class _Counted(io.RawIOBase):
    """A socket's bytes, counted on their way."""

    def __init__(self, raw: io.RawIOBase, wire: _Wire) -> None:
        self._raw = raw
        self._wire = wire

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        size: int | None = self._raw.readinto(buffer)
        self._wire.count(size or 0)
        return size

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self._wire = _current_wire.get()
        self.fp = io.BufferedReader(_Counted(self.fp.detach(), self._wire))

    @override
    def begin(self) -> None:
        super().begin()
        # Of the interim answers, the base class knows `100 Continue` alone.
        while 100 <= self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        self._wire.let_body_come()


class _PlainConnection(HTTPConnection):
    response_class = _Response

    @override
    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _current_wire.get().watch(connected)
        return connected


class _TlsConnection(_PlainConnection, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _manager(url: str, tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    host, tls = urlsplit(url).hostname or "", tls or tls_context()
    proxies = {} if is_loopback(host) else get_environ_proxies(url)
    proxy = select_proxy(url, proxies)
    if proxy:
        parts = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        login = urllib3.make_headers(proxy_basic_auth=parts.auth) if parts.auth else None
        manager: urllib3.PoolManager = urllib3.ProxyManager(
            parts.url, proxy_headers=login, proxy_ssl_context=tls, ssl_context=tls
        )
    else:
        manager = urllib3.PoolManager(ssl_context=tls)
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return manager


def _read(response: urllib3.BaseHTTPResponse, most: int) -> Answer:
    def answer(body: bytes) -> Answer:
        return Answer(response.status, response.headers, body)

    if 300 <= response.status < 400:
        return answer(b"")
    body = _Body(response.headers.get("Content-Encoding", ""), most)
    try:
        for piece in response.stream(_PIECE):
            body.add(piece)
    except _TooMuchError:
        raise HttpTooLargeError(most, answer(bytes(body.content[:most]))) from None
    body.end()
    return answer(bytes(body.content))


class _Body:
    """What a body holds, unpacked as it comes.

    Encodings on top of each other are refused: nobody asked for them, and each multiplies what
    the one below has multiplied.
    """

    def __init__(self, encodings: str, most: int) -> None:
        named = [one for part in encodings.split(",") if (one := part.strip().lower())]
        named = [one for one in named if one != "identity"]
        if len(named) > 1 or not _PACKED.issuperset(named):
            raise HttpError("an answer packed in a way that was not asked for")
        self.content = bytearray()
        self._most = most
        self._inflater = zlib.decompressobj(_EITHER_HEADER) if named else None
        self._whole = True

    def add(self, piece: bytes) -> None:
        """Add a piece as it was sent.

        Raises:
            _TooMuchError: the content is too large; hardly more than that was unpacked.
        """
        if self._inflater is None:
            self.content += piece
        while self._inflater is not None and piece and len(self.content) <= self._most:
            if self._inflater.eof:
                # Files in gzip's format may follow each other, and make up one content.
                self._inflater = zlib.decompressobj(_EITHER_HEADER)
            room = self._most + 1 - len(self.content)
            self.content += self._inflater.decompress(piece, room)
            piece, self._whole = self._inflater.unused_data, self._inflater.eof
        if len(self.content) > self._most:
            raise _TooMuchError

    def end(self) -> None:
        """Check that the body is whole."""
        if not self._whole:
            raise HttpError("an answer that was cut off")


def _worded(error: Exception) -> HttpError:
    """The reason in few words of ours: those of libraries tell the address, or what came."""
    chain = _chain(error)
    kind, text = next(
        ((kind, text) for kind, text in _REASONS if any(isinstance(one, kind) for one in chain)),
        (Exception, f"an answer that can't be read ({type(chain[-1]).__name__})"),
    )
    if kind is exceptions.TimeoutError or kind is TimeoutError:
        return HttpTimeoutError(text)
    details = [
        getattr(one, "verify_message", None) or getattr(one, "strerror", None) for one in chain
    ]
    detail = next((one for one in details if one), None)
    return HttpError(f"{text} ({detail})" if detail else text)


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (_TooMuchError, f"a head of more than {MOST_HEAD:,} bytes"),
    (zlib.error, "an answer that can't be unpacked"),
    (socket.gaierror, "the host's name can't be resolved"),
    (ssl.SSLCertVerificationError, "the certificate can't be trusted"),
    (ssl.SSLError, "the TLS connection failed"),
    (exceptions.NewConnectionError, "no connection"),
    (exceptions.TimeoutError, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (exceptions.ProxyError, "no connection through the proxy"),
    (exceptions.ProxySchemeUnknown, "no connection through the proxy"),
    (http.client.IncompleteRead, "the connection broke off"),
    (http.client.RemoteDisconnected, "the connection broke off"),
    (OSError, "the connection broke off"),
)
"""What is said of an error of this kind, or with one among its causes; the first that fits."""


def _chain(error: Exception) -> list[BaseException]:
    """An exception and those that led to it, also where a library keeps them as arguments."""
    chain: list[BaseException] = [error]
    for one in chain:
        causes = (one.__cause__, one.__context__, *one.args)
        chain += [
            cause for cause in causes if isinstance(cause, BaseException) and cause not in chain
        ]
    return chain


def _shut_down(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
