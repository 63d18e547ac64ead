"""Trouble, told to programs as problem details (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

KIND = "application/problem+json"


def problem(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    kind: str = "about:blank",
) -> JSONResponse:
    """Say what is wrong, and what to do.

    Args:
        status: the HTTP status.
        detail: one or two sentences.
        headers: more headers.
        kind: the address that names this kind of problem, where the status alone doesn't.
    """
    told = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    more = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(told, status, media_type=KIND, headers=more)
