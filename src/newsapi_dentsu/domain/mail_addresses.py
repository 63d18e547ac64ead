"""Mail addresses and lists of them, as RFC 5322 has them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import InvalidHeaderDefect
from email.headerregistry import Address, HeaderRegistry
from typing import Any

from newsapi_dentsu.domain.host_names import ascii_host

_read_header = HeaderRegistry()
_CLOSING = {'"': '"', "(": ")", "<": ">", "[": "]"}
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')


@dataclass(frozen=True, slots=True)
class MailAddresses:
    """The addresses of a list, and what in it is none."""

    usable: tuple[Address, ...]
    unusable: tuple[str, ...]


def mail_addresses(text: str) -> MailAddresses:
    """Read a list: `a@x.example, "Team, B" <b@x.example>, Group: c@x.example, d@x.example;`.

    Domains come out in ASCII (IDNA). What stands before the @ may be beyond ASCII.
    """
    usable: list[Address] = []
    unusable: list[str] = []
    for part in _parts(text):
        address = mail_address(part)
        if address is None:
            unusable.append(part)
        elif address not in usable:
            usable.append(address)
    return MailAddresses(tuple(usable), tuple(unusable))


def mail_address(text: str) -> Address | None:
    """Read one address, with or without a name; None where it is none."""
    try:
        # The parser fails on some texts, such as `a@`, rather than to find a defect.
        header: Any = _read_header("To", text)
        (found,) = header.addresses
        domain = found.domain if found.domain.startswith("[") else ascii_host(found.domain)
        invalid = any(isinstance(defect, InvalidHeaderDefect) for defect in header.defects)
        if invalid or not found.username or not domain or not found.username.isprintable():
            return None
        return Address(found.display_name, found.username, domain)
    except (ValueError, IndexError, AttributeError):
        return None


def _parts(text: str) -> Iterator[str]:
    """What stands between commas that are not within quotes, comments or brackets."""
    part, ends = "", [""]
    letters = iter(text)
    for letter in letters:
        if letter == "\\" and ends[-1] in ('"', ")"):
            part += letter + next(letters, "")
        elif letter == ends[-1]:
            ends.pop()
            part += letter
        elif letter in _CLOSING and (ends[-1] == "" or (letter == "(" and ends[-1] == ")")):
            ends.append(_CLOSING[letter])
            part += letter
        elif letter == ":" and ends[-1] == "":
            # The name of a group; an address is none.
            if "@" in _QUOTED.sub("", part):
                yield from _named(part + letter)
            part = ""
        elif letter in ",;" and ends[-1] == "":
            yield from _named(part)
            part = ""
        else:
            part += letter
    yield from _named(part)


def _named(part: str) -> Iterator[str]:
    if part.strip():
        yield part.strip()
