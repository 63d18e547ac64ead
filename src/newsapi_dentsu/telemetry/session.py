"""A session of `requests`, for a library that makes its requests by one, within our bounds."""

import io
import ssl
from collections.abc import Mapping

import requests
from requests.adapters import BaseAdapter
from typing_extensions import override

from newsapi_dentsu.http import (
    Answer,
    HttpError,
    HttpTimeoutError,
    HttpTooLargeError,
    exchange,
    new_tls_context,
    tls_context,
)

_Certificate = bytes | str | tuple[bytes | str, bytes | str]
"""A file of a certificate and its key, or one of each."""

LONGEST_ANSWER = 1 << 16
"""Bytes of an answer that are read."""

PATIENCE = 10.0
"""Seconds for an exchange of which the library doesn't say how long it may take."""


def bounded_session() -> requests.Session:
    """A session whose every request is one `exchange`.

    A redirect is an error: it isn't followed, and what was sent has not arrived.
    """
    session = requests.Session()
    # An exchange reads the environment itself; a session would put REQUESTS_CA_BUNDLE above the
    # certificate that is set for it.
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


class _Adapter(BaseAdapter):
    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: _Certificate | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        body = request.body
        try:
            answer = exchange(
                request.method or "GET",
                request.url or "",
                body=body.encode() if isinstance(body, str) else body,
                headers=request.headers,
                seconds=timeout if isinstance(timeout, int | float) else PATIENCE,
                most=LONGEST_ANSWER,
                tls=_tls(verify, cert),
            )
        except HttpTooLargeError as error:
            answer = error.answer
        except HttpTimeoutError as error:
            raise requests.Timeout(str(error)) from None
        except HttpError as error:
            raise requests.ConnectionError(str(error)) from None
        if 300 <= answer.status < 400:
            raise requests.TooManyRedirects(f"answered {answer.status}, a redirect")
        return _response(request, answer)

    @override
    def close(self) -> None:
        """Do nothing: no connection outlives its request."""


def _tls(verify: bool | str, cert: _Certificate | None) -> ssl.SSLContext:
    bundle = verify if isinstance(verify, str) else None
    if not cert:
        return tls_context(bundle)
    context = new_tls_context(bundle)
    context.load_cert_chain(*([cert] if isinstance(cert, bytes | str) else cert))
    return context


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response.raw = io.BytesIO(answer.body)
    response.url = request.url or ""
    response.request = request
    return response
