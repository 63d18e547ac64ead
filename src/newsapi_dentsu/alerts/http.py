"""One bounded POST: tried again in passing trouble, never for longer than the deadline."""

from datetime import UTC, datetime

import tenacity

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
    answer: str = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_PassingError),
        stop=lambda state: (
            state.attempt_number >= ATTEMPTS or state.upcoming_sleep >= deadline.left
        ),
        wait=_pause,
        reraise=True,
    )(_post, url, body, deadline)
    return answer


class _PassingError(DeliveryError):
    """Trouble that may pass; `asked` is for how many seconds the other side asks to wait."""

    asked: float | None = None


_backoff = tenacity.wait_exponential(multiplier=FIRST_PAUSE)


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.asked if isinstance(error, _PassingError) else None
    return _backoff(state) if asked is None else asked


def _post(url: str, body: object, deadline: Deadline) -> str:
    answer = _once(url, body, deadline)
    if isinstance(answer, HttpError):
        # Raised out here, so that it doesn't carry the original along, which may quote the url.
        raise _PassingError(str(answer))
    text = " ".join(answer.body.decode("utf-8", "replace").split())[:300]
    if 200 <= answer.status < 300:
        return f"{answer.status} {text}".strip()
    problem = f"answered {answer.status} {text}".strip()
    if answer.status != 429 and answer.status < 500:
        raise DeliveryError(problem)
    passing = _PassingError(problem)
    passing.asked = retry_after(answer.headers, datetime.now(UTC))
    raise passing


def _once(url: str, body: object, deadline: Deadline) -> Answer | HttpError:
    try:
        return exchange("POST", url, json=body, seconds=deadline.left, most=LONGEST_ANSWER)
    except HttpTooLargeError as error:
        # The status says what became of the message.
        return error.answer
    except HttpError as error:
        return error
