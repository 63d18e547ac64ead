"""Links as people and feeds write them, turned into what a browser can open.

A scheme may be missing or doubled, a link may stand in brackets, and its characters may be escaped
for HTML or JSON. Whether the result is a link is for `urls` to judge. The reasons are in
``docs/urls.md``.
"""

import re
from typing import Final

from newsapi_dentsu.domain.entities import unescaped_link

_AROUND: Final = "".join(map(chr, range(0x21))) + "\x7f\x85\xa0\u200b\u2028\u2029\ufeff"
_IN_BRACKETS = re.compile(r"(?:<!\[CDATA\[|[<\"'(“])\s*+(https?:[^<>\"”]*)[>\"')”]")
_REPEATED_SCHEME = re.compile(
    r"(?:https?(?::[/\\]*+|[/\\]{2,}+))+(?=https?(?::(?!\d)|[/\\]{2}))", re.IGNORECASE
)
_NO_COLON = re.compile(r"(https?)(?=[/\\]{2})", re.IGNORECASE)
# A file's name looks like a host, too.
_NO_SCHEME = re.compile(
    r"(www\.)?+(?:[\w-]++\.)++(?!(?:[hx]?html?|php\d?|aspx?|jspx?|cfm|cgi|xml|pdf)\b)"
    r"(?:[^\W\d_]{2,}+|xn--[a-z0-9-]++)(?::\d{1,5})?+(?(1)(?:[/?#]|$)|[/?])",
    re.IGNORECASE,
)


def repaired_link(text: str) -> str:
    """Return a link that could not be opened as it was meant; any other one as it stands."""
    link = unescaped_link(text).strip(_AROUND)
    if bracketed := _IN_BRACKETS.fullmatch(link):
        link = bracketed[1].removesuffix("]]").rstrip(_AROUND)
    return _with_scheme(link)


def _with_scheme(url: str) -> str:
    if repeated := _REPEATED_SCHEME.match(url):
        url = url[repeated.end() :]
    if url.startswith(("//", "\\\\")):
        return f"https:{url}"
    if _NO_SCHEME.match(url):
        return f"https://{url}"
    return _NO_COLON.sub(r"\1:", url, count=1) if _NO_COLON.match(url) else url
