"""One bounded POST: tried again in passing trouble, never for longer than the deadline."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3

from newsapi_dentsu.alerts.channel import Deadline, DeliveryError

ATTEMPTS = 3
FIRST_PAUSE = 0.5
LONGEST_ANSWER = 4096
"""Bytes of an answer that are read."""


def post_json(url: str, body: object, deadline: Deadline) -> str:
    """Post a JSON body and return the status and text of the answer.

    429 and 5xx are tried again, after `Retry-After` where that lies before the deadline. Redirects
    are not followed: they would take the secret elsewhere.

    Raises:
        DeliveryError: it was refused, or there was no answer before the deadline.
    """
    pause = FIRST_PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            status, text, retry_after = _once(url, body, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            problem, wait = _network_trouble(error), pause
        else:
            if 200 <= status < 300:
                return f"{status} {text}".strip()
            problem = f"answered {status} {text}".strip()
            if status != 429 and status < 500:
                raise DeliveryError(problem)
            wait = pause if retry_after is None else retry_after
        if attempt == ATTEMPTS or wait >= deadline.left:
            raise DeliveryError(problem)
        time.sleep(wait)
        pause *= 2
    raise AssertionError("the last attempt returns or raises")


def _once(url: str, body: Any, deadline: Deadline) -> tuple[int, str, float | None]:
    left = max(0.05, deadline.left)
    with requests.post(
        url, json=body, timeout=(left, left), allow_redirects=False, stream=True
    ) as response:
        content = b""
        # read1 gives what has come, so that a server that drips is noticed in time.
        while len(content) < LONGEST_ANSWER and (piece := response.raw.read1(LONGEST_ANSWER)):
            content += piece
            if deadline.left == 0:
                raise requests.Timeout
    text = " ".join(content.decode("utf-8", "replace").split())[:300]
    return response.status_code, text, _seconds(response.headers.get("Retry-After"))


def _seconds(retry_after: str | None) -> float | None:
    """The header's wait in seconds, which may be written as a number or as a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _network_trouble(error: Exception) -> str:
    """What went wrong, without the address, which may be a secret."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "gave no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate can't be trusted"
    if isinstance(error, requests.ConnectionError | urllib3.exceptions.HTTPError):
        return "can't be reached, or broke off"
    return f"gave no usable answer ({type(error).__name__})"
