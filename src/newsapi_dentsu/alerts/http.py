"""One bounded POST: tried again in passing trouble, never for longer than the deadline."""

import time
from datetime import UTC, datetime

from newsapi_dentsu.alerts.channel import DeliveryError
from newsapi_dentsu.deadline import Deadline
from newsapi_dentsu.http import Answer, HttpError, HttpTooLargeError, exchange, retry_after

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
            answer = _once(url, body, deadline)
        except HttpError as error:
            problem, wait = str(error), pause
        else:
            text = " ".join(answer.body.decode("utf-8", "replace").split())[:300]
            if 200 <= answer.status < 300:
                return f"{answer.status} {text}".strip()
            problem = f"answered {answer.status} {text}".strip()
            if answer.status != 429 and answer.status < 500:
                raise DeliveryError(problem)
            asked = retry_after(answer.headers, datetime.now(UTC))
            wait = pause if asked is None else asked
        if attempt == ATTEMPTS or wait >= deadline.left:
            raise DeliveryError(problem)
        time.sleep(wait)
        pause *= 2
    raise AssertionError("the last attempt returns or raises")


def _once(url: str, body: object, deadline: Deadline) -> Answer:
    try:
        return exchange("POST", url, json=body, seconds=deadline.left, most=LONGEST_ANSWER)
    except HttpTooLargeError as error:
        # The status says what became of the message.
        return error.answer
