"""Characters that somebody escaped for HTML or JSON, in texts and in links."""

import re
from html import unescape
from html.entities import html5
from typing import Final
from urllib.parse import quote

# With its semicolon: without, "?a=1&copy=2" would lose its parameter. Some are never meant so, and
# those of letters with marks stand within words ("caf&eacute").
_IN_TEXT = re.compile(
    r"&(?:#[0-9]{1,7};|#[0-9]{2,7}(?![0-9;])|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};"
    r"|(?:nbsp|quot|amp|lt|gt)(?![A-Za-z0-9=;])"
    r"|[A-Za-z](?:acute|grave|circ|tilde|uml|cedil|ring)(?![=;])|szlig(?![=;]))"
)

# No site's parameter is named "amp;id".
_END: Final = r"(?:;|%3b)"
_AMPERSAND_IN_LINK = re.compile(
    rf"&(?:(?:amp)+{_END}|(?:\#|%23)(?:0*+38(?!\d)|x0*+26(?![0-9a-f])){_END}?)++"
    rf"|(?<=\?)(?:amp{_END})++",
    re.IGNORECASE,
)
# Other numbers without an end may be fragments: "&#1234".
_IN_LINK = re.compile(
    rf"&(?:(?:\#|%23)(?:\d{{1,7}}{_END}|x[0-9a-f]{{1,6}}{_END}|0*+3[49](?!\d))"
    rf"|[a-z][a-z0-9]{{1,31}}{_END})",
    re.IGNORECASE,
)
# "?a=1&section=2", of which somebody took "&sect" for an entity.
_SWALLOWED: Final = {
    unescape(f"&{name};"): name
    for name in [
        *("cent", "copy", "curren", "deg", "macr", "micro", "not", "para", "pound", "reg", "sect"),
        "times",
    ]
}
_SWALLOWED_IN_QUERY = re.compile(rf"([{''.join(_SWALLOWED)}])(?=[a-z_]*+=)", re.IGNORECASE)
# Escapes of JSON, also where it was written as text of JSON.
_JSON_IN_LINK = re.compile(r"(?<!\\)\\++(?:u00([2-7][0-9a-f])|(?=/))", re.IGNORECASE)
_UNFIT_FOR_LINKS = re.compile(r"[\"<>\\]")


def unescaped(text: str) -> str:
    """Return a text with its entities replaced, once; those of unknown names stay."""
    return _IN_TEXT.sub(lambda entity: _character(entity[0]), text)


def unescaped_link(link: str) -> str:
    """Return a link as it was before anybody escaped it, be it twice, for HTML or JSON."""
    if "\\" in link:
        link = _JSON_IN_LINK.sub(lambda escape: _character_in_json(escape[1]), link)
    link = _AMPERSAND_IN_LINK.sub(lambda match: "" if match[0][0] in "aA" else "&", link)
    path, mark, query = _IN_LINK.sub(_character_of_link, link).partition("?")
    return path + mark + _SWALLOWED_IN_QUERY.sub(lambda sign: f"&{_SWALLOWED[sign[1]]}", query)


def _character_in_json(digits: str | None) -> str:
    character = chr(int(digits, 16)) if digits else ""
    return _UNFIT_FOR_LINKS.sub(lambda unfit: quote(unfit[0]), character)


def _character_of_link(match: re.Match[str]) -> str:
    entity = match[0].replace("%23", "#", 1).removesuffix("%3b").removesuffix("%3B")
    character = _character(f"{entity.removesuffix(';')};")
    if character.startswith("&"):
        return match[0]
    return _UNFIT_FOR_LINKS.sub(lambda unfit: quote(unfit[0]), character)


def _character(entity: str) -> str:
    # Unknown names stay whole; unescape() would take "&notice;" for "&not" and "ice;".
    return unescape(entity) if entity[1] == "#" or entity[1:] in html5 else entity
