"""What a request's headers ask for: kinds of answers, compression, and answers that it knows."""

import re
from collections.abc import Iterator
from typing import Final

_ETAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def accepts(header: str, kind: str) -> bool:
    """Whether an `Accept` takes a media type (RFC 9110, 12.5.1); an empty one takes any.

    Of several ranges the most specific one decides.
    """
    whole, wide = kind.partition(";")[0].strip().lower(), f"{kind.partition('/')[0].lower()}/*"
    weights = dict(_weighted(header))
    for name in (whole, wide, "*/*"):
        if name in weights:
            return weights[name] > 0
    return not weights


def takes_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip; one that names nothing doesn't."""
    weights = dict(_weighted(header))
    for name in ("gzip", "x-gzip", "*"):
        if name in weights:
            return weights[name] > 0
    return False


def knows(header: str, tag: str) -> bool:
    """Whether an `If-None-Match` names an ETag, compared weakly (RFC 9110, 13.1.2)."""
    if header.strip() == "*":
        return True
    return tag.removeprefix("W/") in _ETAG.findall(header)


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """The values of a header, each with its weight; one that is malformed counts as 1."""
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name:
            given = [value[2:] for value in parameters if value.startswith("q=")]
            # Whatever isn't a plain decimal fraction, such as `nan`, is no weight.
            plain = given and re.fullmatch(r"[01](\.\d{0,3})?", given[0])
            yield name, float(given[0]) if plain else 1.0
