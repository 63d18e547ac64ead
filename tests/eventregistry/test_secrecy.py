"""The key goes to the API over https, and nowhere else."""

import logging
import traceback
from collections.abc import Callable

import pytest

from newsapi_dentsu.errors import SettingsError, SourceError
from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.sandbox import SANDBOX_KEY
from newsapi_dentsu.settings import Settings, load_settings
from support.api import serving
from support.articles import TOPICS
from support.clock import NOON
from support.http import answering, raw_server

KEY = "5ec2e7ab-0000-4444-8888-1234567890ab"
PARTS = [KEY[start : start + 8] for start in range(len(KEY) - 7)]


def _answer(status: str, body: str, header: str = "") -> str:
    return f"HTTP/1.1 {status}\r\n{header}Content-Length: {len(body.encode())}\r\n\r\n{body}"


ECHOES: dict[str, Callable[[int], str]] = {
    "401": lambda pad: _answer("401 No", "x" * pad + f" {KEY} is not valid"),
    "400": lambda pad: _answer("400 Bad", "x" * pad + KEY * 30),
    "503": lambda pad: _answer("503 Busy", "x" * pad + KEY),
    "an error in a 200": lambda pad: _answer("200 OK", f'{{"error": "{"x" * pad}{KEY}"}}'),
    "html": lambda pad: _answer("200 OK", f"<p>{KEY}</p>" + "x" * pad),
    "a warning": lambda pad: _answer(
        "200 OK",
        '{"articles": {"results": [], "totalResults": 0}}',
        f"warning: {'x' * pad}{KEY} is old\r\n",
    ),
    "a reason": lambda pad: f"HTTP/1.1 500 {KEY}\r\nContent-Length: 0\r\n\r\n",
    "a broken head": lambda pad: f"HTTP/9 {KEY}\r\n\r\n",
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("pad", [0, 150, 180, 195, 770, 790])
def test_a_server_that_echoes_the_key_puts_it_into_no_error_and_no_log(
    echo: Callable[[int], str], pad: int, caplog: pytest.LogCaptureFixture
) -> None:
    shown = ""
    with raw_server(answering(echo(pad))) as url, caplog.at_level(logging.DEBUG):
        client = NewsApi(url, KEY, attempts=2, sleep=lambda _: None)
        try:
            client.search(TOPICS, NOON.date(), 1)
        except SourceError as error:
            shown = "".join(traceback.format_exception(error))
            cause: BaseException | None = error
            while cause is not None:
                shown += f"{cause} {cause.args!r}"
                cause = cause.__cause__ or cause.__context__
    for part in PARTS:
        assert part not in shown
        assert part not in caplog.text


@pytest.mark.parametrize("pad", [0, 150, 195])
def test_other_secrets_in_an_answer_are_in_no_error_either(pad: int) -> None:
    echo = _answer("401 No", "x" * pad + KEY)
    with raw_server(answering(echo)) as url:
        client = NewsApi(url, "key", secrets=(KEY,), attempts=1)
        with pytest.raises(SourceError) as refused:
            client.search(TOPICS, NOON.date(), 1)
    assert not [part for part in PARTS if part in str(refused.value)]


def test_the_key_is_in_no_url() -> None:
    with serving() as api:
        with api.client() as client:
            client.search(TOPICS, NOON.date(), 1)
        (entry,) = api.sandbox.requests
    # The server reads the fields from the body and from the query string alike.
    assert entry.path == "/api/v1/article"
    assert SANDBOX_KEY not in str(entry)


def test_a_redirect_is_not_followed() -> None:
    reached: list[bool] = []

    def elsewhere(connection: object, _stop: object) -> None:
        reached.append(True)

    with raw_server(elsewhere) as other:
        redirect = _answer("307 Elsewhere", "", f"Location: {other}/api/v1/article\r\n")
        with raw_server(answering(redirect)) as url:
            client = NewsApi(url, KEY, sleep=lambda _: None)
            with pytest.raises(SourceError, match="307"):
                client.search(TOPICS, NOON.date(), 1)
    assert reached == []


@pytest.mark.parametrize(
    "host",
    [
        "http://eventregistry.org",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://10.0.0.1:8080",
        "http://[2001:db8::1]",
        "ftp://localhost",
        "eventregistry.org",
    ],
)
def test_plain_http_and_odd_addresses_are_refused(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSAPI_HOST", host)
    load_settings.cache_clear()
    try:
        with pytest.raises(SettingsError, match="NEWSAPI_HOST"):
            load_settings()
    finally:
        load_settings.cache_clear()


@pytest.mark.parametrize(
    "host",
    [
        "https://eventregistry.org",
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://127.9.9.9",
        "http://[::1]:8000",
    ],
)
def test_https_and_plain_http_to_this_machine_are_taken(host: str) -> None:
    assert Settings(newsapi_host=host, _env_file=None).newsapi_host == host
