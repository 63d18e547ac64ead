"""Where a link from outside leads to: the page, and what may name one of the articles there.

`ada-url <https://github.com/ada-url/ada-python>`_ reads a link as the WHATWG URL standard does, and
so as browsers do: blanks and tabs, backslashes, missing slashes, international hosts, dot segments.

`links` repairs before what no browser could open. Here is evened out what the standard keeps apart
but no publisher does: http and https, ``www.``, user names, trailing and doubled slashes, the order
of parameters, `tracking`, needless escapes.

The reasons, and what is left alone on purpose, are in ``docs/urls.md``.
"""

import hashlib
import re
import string
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from ada_url import URL

from newsapi_dentsu.domain.links import repaired_link
from newsapi_dentsu.domain.normalization import normalize
from newsapi_dentsu.domain.tracking import is_tracking, parameters

MAX_URL_LENGTH: Final = 2000
"""Longest canonical url, in bytes; how long the link is that leads to it makes no difference.

PostgreSQL refuses b-tree entries above a third of a page (2,704 bytes), and the canonical url is
a unique key.
"""

MAX_LINK_LENGTH: Final = 8000
"""Longest link kept as given, in characters: no web server takes longer ones."""

MAX_FRAGMENT_LENGTH: Final = 500
"""Longest fragment that may name an article, in bytes; longer ones hold a state or a token."""

# Browsers read these in a way of their own: others would go elsewhere, or store them wrongly.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")

_LONGEST_HOST: Final = 253
_LABEL = r"[a-z0-9_-]{1,63}"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]")
# ";jsessionid=12" of a server, or "/story&utm_source=rss" of a program that took every link to have
# a query.
_IN_PATH = re.compile(
    r"(?i:;jsessionid=)[^/;]*|(?:[&;]|%3F)([^/&;=%]{1,40})(?:=|%3D)(?:(?!%3F)[^/&;])*"
)

_RESERVED: Final = "!#$%&'()*+,/:;=?@[]"
_UNRESERVED: Final = string.ascii_letters + string.digits + "-._~"
_FREE_IN_QUERY: Final = _UNRESERVED + "!$'()*,/:;?@[]"
"""What means the same in a parameter, escaped or not."""

_EVEN = re.compile(r"[A-Za-z0-9._~/:=+,-]*")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")


@dataclass(frozen=True, slots=True)
class Address:
    """A link, and what it is known by.

    `link` is for people to click: as given, repaired where no browser could open it. `page` is the
    canonical url of the page that it leads to. `fragment` may name one of several articles there,
    and is in canonical form, empty where it names nothing.
    """

    link: str
    page: str
    fragment: str


def address(value: object) -> Address | None:
    """Read a link from outside.

    Returns:
        None where it is no http(s) link that a browser could open, not even when repaired, or its
        canonical url is longer than `MAX_URL_LENGTH`.
    """
    if not isinstance(value, str):
        return None
    try:
        return _read(value)
    except ValueError:
        return None


def article_url(page: str, fragment: str) -> str:
    """Return the canonical url of an article: for comparing, not for reading.

    Its fragment is part of it where it looks like the name of a page, and not like that of a place
    on one. `address` finds the same page and fragment in it again.
    """
    is_route = any(mark in fragment for mark in "/=!?")
    return f"{page}#{fragment}" if is_route else page


def distinct_url(url: str, uri: str) -> str:
    """Return the canonical url of an article that shares its page with another.

    The directive after ``:~:``, which browsers keep from the page, tells it from the other by the
    uri of its first record.
    """
    return f"{url}{'' if '#' in url else '#'}:~:article={article_id(uri)[:16]}"


def article_id(url: str) -> str:
    """Return the identity of an article: 32 hex digits of its canonical url's hash."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def _read(url: str) -> Address:
    link = repaired_link(url)
    parsed = URL(link)
    if parsed.protocol not in {"http:", "https:"}:
        raise ValueError("not an http(s) url")
    if _UNFIT.search(link):
        link = parsed.href
    items = list(parameters(parsed.search[1:]))
    path, fragment = re.sub("//+", "/", parsed.pathname), _fragment(parsed.hash[1:])
    if len(path) + sum(map(len, items)) > 9 * MAX_URL_LENGTH:
        # The steps to come, which are meant for short texts, make it shorter by less than that.
        raise ValueError(f"the canonical url is longer than {MAX_URL_LENGTH} bytes")
    query = "&".join(sorted(_evened(item, _FREE_IN_QUERY).replace("%20", "+") for item in items))
    page = f"https://{_host(parsed)}{_path(path)}{'?' if query else ''}{query}"
    if len(page) > MAX_URL_LENGTH:  # ASCII by now: a character is a byte
        raise ValueError(f"the canonical url is longer than {MAX_URL_LENGTH} bytes")
    return Address(link if len(link) <= MAX_LINK_LENGTH else page, page, fragment)


def _host(parsed: URL) -> str:
    host = parsed.hostname.removesuffix(".")
    if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host):
        raise ValueError("the url has no valid host")
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    # Once http is https, the default port of either scheme says nothing.
    return host if parsed.port in {"", "80", "443"} else f"{host}:{parsed.port}"


def _path(path: str) -> str:
    path = _evened(path)
    before, end = "", 0

    def kept(found: re.Match[str]) -> str:
        nonlocal before, end
        if found.start() > end:
            before = path[found.start() - 1]
        end = found.end()
        # After a dot, nothing is dropped: what is left would be a dot segment.
        if before != "." and (found[1] is None or is_tracking(found[1])):
            return ""
        before = path[end - 1]
        return found[0]

    return re.sub("//+", "/", _IN_PATH.sub(kept, path)).rstrip("/") or "/"


def _fragment(fragment: str) -> str:
    shorter = _without_tracking(fragment)
    # What is left may end like what was dropped; one that is too long names nothing anyway.
    while shorter != fragment and len(shorter) <= MAX_FRAGMENT_LENGTH:
        fragment, shorter = shorter, _without_tracking(shorter)
    if len(shorter) > MAX_FRAGMENT_LENGTH or not shorter.strip("!"):
        return ""
    shorter = _evened(shorter)
    return shorter if len(shorter) <= MAX_FRAGMENT_LENGTH else ""


def _without_tracking(fragment: str) -> str:
    # Browsers keep a directive such as ":~:text=" from the page.
    before, mark, rest = fragment.partition(":~:")[0].rpartition("?")
    items = list(parameters(rest))
    return f"{before}{mark if items else ''}{'&'.join(items)}".rstrip("/")


def _evened(text: str, free: str = _UNRESERVED) -> str:
    """Text of a url in NFC, escaped where it must be, and nowhere else where `free`."""
    if _EVEN.fullmatch(text):
        return text

    def unescaped(escape: re.Match[bytes]) -> bytes:
        if escape[1] is None:
            return b"%25"
        value = int(escape[1], 16)
        return bytes([value]) if value > 0x7F or chr(value) in free else escape[0].upper()

    plain = _ESCAPE.sub(unescaped, text.encode()).decode(errors="surrogateescape")
    # The Greek question mark, and no other, would become a character that separates: a semicolon.
    plain = "\u037e".join(normalize("NFC", part) for part in plain.split("\u037e"))
    return quote(plain, safe=_RESERVED, errors="surrogateescape")
