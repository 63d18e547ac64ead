"""Decoding an answer of the news API, whatever one of its records holds."""

import json

from newsapi_dentsu.domain.json_text import parse_json


def decode(body: bytes, content_type: str) -> object:
    """Read an answer's JSON; one record's rubbish doesn't cost the others (see `parse_json`).

    Bytes that are no UTF-8 become lone surrogates, U+DC80 to U+DCFF, from which they could be had
    back; cleaning replaces them.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        encoding = json.detect_encoding(body)
        lenient = "surrogateescape" if encoding.startswith("utf-8") else "surrogatepass"
        return parse_json(body.decode(encoding, lenient))
    except ValueError as error:
        raise ValueError(f"{len(body)} bytes of {content_type} that are not JSON") from error
