"""Links as people and feeds write them, turned into what a browser can open.

A scheme may be missing, misspelt or doubled, a link may stand in brackets or in an element, and its
characters may be escaped for HTML, JSON or a query. Whether the result is a link is for `urls` to
judge. The reasons are in ``docs/urls.md``.
"""

import re
from typing import Final
from urllib.parse import unquote

from newsapi_dentsu.domain.entities import unescaped_link

# Blanks and controls, soft hyphens, and what sets the direction of writing or is not seen.
_AROUND: Final = "".join(map(chr, range(0x21))) + (
    "\x7f\x85\xa0\u00ad\u061c\u1680\u180e\u2028\u2029\u202f\u205f\u3000\ufeff"
    + "".join(map(chr, (*range(0x2000, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A))))
)
_IN_BRACKETS = re.compile(r"(?:<!\[CDATA\[|[\[<\"'(“])\s*+(https?:[^<>\"”]*)[>\"')”\]]")
_IN_MARKDOWN = re.compile(r"\[[^\]]*+\]\((https?:\S*)\)")
_IN_ELEMENT = re.compile(r"https?:[^\s\"'<>]+")
_ESCAPED_WHOLE = re.compile(r"https?%3A(?:%2F%2F|//)", re.IGNORECASE)
_ESCAPED_COLON = re.compile("%3A", re.IGNORECASE)
_SOUND_SCHEME = re.compile(r"https?:[/\\]*+(?![:\s])", re.IGNORECASE)
_BROKEN_SCHEME = re.compile(
    r"h?t{1,3}p(s?)(?:\s*+[:;.]*\s*+[/\\]{2,}+|[/\\]{2}:|::+[/\\])\s*+(?!:)", re.IGNORECASE
)
_BEFORE_SCHEME = re.compile(r"[/\\:]++(?=https?:[/\\]{2})", re.IGNORECASE)
# Of the last alternative a program made one link of a site's and a whole one.
_REPEATED_SCHEME = re.compile(
    r"(?:https?(?::[/\\\s]*+|[/\\]{2,}+)(?=https?(?::(?!\d)|[/\\]{2}))"
    r"|https?:[/\\]{2}[^/\\?#]*?(?=https?:[/\\]{2}))+",
    re.IGNORECASE,
)
# A file's name looks like a host, too.
_NO_SCHEME = re.compile(
    r"(www\.)?+(?:[\w-]++\.)++(?!(?:[hxs]?html?|php\d?|aspx?|jspx?|cfm|cgi|xml|pdf|docx?|xlsx?|pptx?"
    r"|txt|rss|css|js|json|csv|zip|png|jpe?g|gif|svg|webp|mp[34])\b)"
    r"(?:[^\W\d_]{2,}+|xn--[a-z0-9-]++)(?::\d{1,5})?+(?(1)(?:[/?#]|$)|[/?])",
    re.IGNORECASE,
)

_MOST_REPAIRS: Final = 4
"""Times that a scheme is repaired until nothing changes; one is usual."""


def repaired_link(text: str) -> str:
    """Return a link that could not be opened as it was meant; any other one as it stands."""
    text = text.strip(_AROUND)
    if _ESCAPED_WHOLE.match(text):
        text = _ESCAPED_COLON.sub(":", text, count=1) if "/" in text else unquote(text)
    link = unescaped_link(text).strip(_AROUND)
    if bracketed := _IN_BRACKETS.fullmatch(link) or _IN_MARKDOWN.fullmatch(link):
        link = bracketed[1].removesuffix("]]").rstrip(_AROUND)
    elif link.startswith("<") and (inner := _IN_ELEMENT.search(link)):
        link = inner[0]
    for _ in range(_MOST_REPAIRS):
        before, link = link, _with_scheme(link)
        if link == before:
            break
    return link


def _with_scheme(url: str) -> str:
    if misplaced := _BEFORE_SCHEME.match(url) or _REPEATED_SCHEME.match(url):
        return url[misplaced.end() :]
    if url.startswith(("//", "\\\\")):
        return f"https:{url}"
    if _NO_SCHEME.match(url):
        return f"https://{url}"
    if not _SOUND_SCHEME.match(url) and (broken := _BROKEN_SCHEME.match(url)):
        return f"http{broken[1].lower()}://{url[broken.end() :]}"
    return url
