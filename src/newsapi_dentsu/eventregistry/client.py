"""Talking to the news API: one request at a time, bounded in tries and time, errors typed."""

import logging
import math
import re
import time
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import tenacity
from eventregistry.Exceptions import (
    AccessError,
    EventRegistryError,
    InvalidResponseError,
    NetworkError,
    QueryError,
    getErrorClassForStatusCode,
)

from newsapi_dentsu.deadline import Deadline
from newsapi_dentsu.domain.listing import PAGE_SIZE, page_count
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import (
    AccessRefusedError,
    AnswerTooLargeError,
    SourceError,
    SourceUnavailableError,
    TokensSpentError,
)
from newsapi_dentsu.eventregistry.answer import decode
from newsapi_dentsu.eventregistry.query import search_parameters
from newsapi_dentsu.eventregistry.source import Gate, Page, Traffic, Usage
from newsapi_dentsu.http import (
    Answer,
    HttpError,
    HttpTooLargeError,
    exchange,
    read_moment,
    retry_after,
)
from newsapi_dentsu.masking import mask

logger = logging.getLogger(__name__)
# Not managed by Dagster, which would store a row for each answer.
_console = logging.getLogger("newsapi_dentsu.traffic")

_Answer = TypeVar("_Answer")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between tries of one request: doubled each time, with jitter, up to the longest."""

_SHOWN = 200
_CONTINUE = "What was read is kept: run again to continue."

MOST_ARTICLES = 1_000_000
"""Articles of one day beyond which a count is taken for a mistake of the index."""


class NewsApi:
    """A client of the news API.

    Passing trouble (connection, time-out, 429, 5xx, an answer that isn't what was asked for) is
    tried again with growing, jittered pauses or after the server's `Retry-After`; all other
    errors are final at once. Nothing is tried past `deadline` seconds after the first request.
    Each search passes the `gate`, if there is one.
    What it tells of an answer is masked: the key, and the other `secrets`.
    """

    def __init__(
        self,
        host: str,
        key: str,
        *,
        secrets: Collection[str] = (),
        timeout: float = 60,
        attempts: int = 5,
        deadline: float = 1800,
        sleep: Callable[[float], None] = time.sleep,
        gate: Gate | None = None,
    ) -> None:
        self._host = host
        self._key = key
        self._secrets = frozenset({key, *secrets} - {""})
        self._timeout = timeout
        self._attempts = attempts
        self._deadline_seconds = deadline
        self._deadline: Deadline | None = None
        self._sleep = sleep
        self._gate = gate
        self._told_of_tokens = False
        self.traffic = Traffic()
        self.origin = "newsapi.ai"
        self.clock_offset: float | None = None
        """Seconds by which this machine's clock is ahead of the server's; None if it is silent."""

    def search(self, topics: Topics, day: date, page: int, size: int = PAGE_SIZE) -> Page:
        """Read one page, from 1, of so many articles that the index dates on `day`.

        Raises:
            AccessRefusedError: the API refused the key, or its tokens are spent.
            SourceError: the API refused the search.
            AnswerTooLargeError: the page is too large; a smaller one may be asked for.
            SourceUnavailableError: no usable answer within the tries and the deadline.
        """
        parameters = search_parameters(topics, day, page, size)
        return self._ask("/api/v1/article", parameters, partial(_read_page, page, size), day=day)

    def usage(self) -> Usage:
        """Ask once for the account's tokens; costs none.

        Raises:
            SourceError, SourceUnavailableError: as for `search`.
        """
        return self._ask("/api/v1/usage", {}, _read_usage, attempts=1)

    def _ask(
        self,
        path: str,
        parameters: dict[str, Any],
        read: Callable[[object], _Answer],
        *,
        attempts: int | None = None,
        day: date | None = None,
    ) -> _Answer:
        allowed = attempts or self._attempts
        if self._deadline is None:
            self._deadline = Deadline.after(self._deadline_seconds)
        deadline = self._deadline
        if deadline.left == 0:
            raise SourceUnavailableError(
                f"the news API was not asked: {self._time_allowed}. {_CONTINUE}"
            )
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_temporary),
            stop=lambda state: (
                state.attempt_number >= allowed or state.upcoming_sleep >= deadline.left
            ),
            wait=_pause,
            sleep=self._sleep,
            before_sleep=partial(self._note_retry, allowed),
            reraise=True,
        )
        try:
            answer: _Answer = retrying(self._ask_once, path, parameters, read, deadline, day)
            return answer
        except EventRegistryError as error:
            tries = retrying.statistics["attempt_number"]
            explained = self._explained(error, tries, all_tries=tries >= allowed)
        # Raised out here, so that it doesn't carry the original along, which may quote the key.
        raise explained

    def _ask_once(
        self,
        path: str,
        parameters: dict[str, Any],
        read: Callable[[object], _Answer],
        deadline: Deadline,
        day: date | None,
    ) -> _Answer:
        if self._gate is None or day is None:
            answer, too_large = self._exchanged(path, parameters, deadline)
            self._count_tokens(answer)
        else:
            answer, too_large = self._let_through(self._gate, day, path, parameters, deadline)
        self.clock_offset = _clock_offset(answer)
        if answer.headers.get("x-newsapi-sandbox") == "1":
            self.origin = "sandbox"
        if answer.status != 200:
            raise self._refused(answer)
        if warning := answer.headers.get("warning"):
            logger.warning("The news API warns: %s", self._shown(warning))
        if too_large is not None:
            raise AnswerTooLargeError(
                f"the news API at {self._host} gave {too_large}: ask for less"
            )
        try:
            kind = answer.headers.get("Content-Type", "unknown")
            return read(decode(answer.body, kind))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InvalidResponseError(f"the answer is not what was asked for: {error}") from error

    def _let_through(
        self,
        gate: Gate,
        day: date,
        path: str,
        parameters: dict[str, Any],
        deadline: Deadline,
    ) -> tuple[Answer, HttpTooLargeError | None]:
        """The same through the gate, which learns what the answer cost."""
        gate.enter(day)
        before, cost, hold_off = self.traffic.tokens, None, None
        try:
            answer, too_large = self._exchanged(path, parameters, deadline)
            self._count_tokens(answer)
            cost = self.traffic.tokens - before
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                wish = retry_after(answer.headers, datetime.now(UTC))
                hold_off = FIRST_PAUSE if wish is None else wish
        finally:
            gate.leave(cost, hold_off)
        return answer, too_large

    def _exchanged(
        self, path: str, parameters: dict[str, Any], deadline: Deadline
    ) -> tuple[Answer, HttpTooLargeError | None]:
        """The answer to one request; if it is too large, what was read of it."""
        started = time.monotonic()
        too_large: HttpTooLargeError | None = None
        try:
            answer = exchange(
                "POST",
                self._host + path,
                json={**parameters, "apiKey": self._key},
                seconds=min(self._timeout, deadline.left),
            )
        except HttpTooLargeError as error:
            answer, too_large = error.answer, error
        except HttpError as error:
            raise NetworkError(str(error)) from error
        finally:
            seconds = time.monotonic() - started
            self.traffic.count(seconds)
        answered = {"event": "api_response", "seconds": round(seconds, 3)}
        _console.info("The news API answered", extra=answered | {"http_status": answer.status})
        return answer, too_large

    def _count_tokens(self, answer: Answer) -> None:
        """Count what an answer says that it cost.

        `req-tokens` is a whole number, as the API documents it; a fraction after it is taken as
        one (`1.000` and `1,0` are 1) and rounded up. What is no such number counts as 1, the price
        of one search for recent days, and is told once: the account's balance is right, the
        report's sum may not be. An answer that names no price had none.
        """
        value = answer.headers.get("req-tokens")
        if value is None:
            return
        if re.fullmatch(r"[0-9]{1,6}([.,][0-9]{1,9})?", value.strip()):
            self.traffic.tokens += math.ceil(float(value.replace(",", ".")))
            return
        self.traffic.tokens += 1
        if not self._told_of_tokens:
            self._told_of_tokens = True
            logger.warning(
                "The news API says that an answer cost %s tokens, which is no number: each such "
                "answer is counted as one token",
                self._shown(value) or "(nothing)",
            )

    def _note_retry(self, allowed: int, state: tenacity.RetryCallState) -> None:
        self.traffic.retries += 1
        error = state.outcome.exception() if state.outcome else None
        logger.warning(
            "The news API is in trouble (%s); try %d of %d in %.1f s",
            self._shown(str(error)),
            state.attempt_number + 1,
            allowed,
            state.upcoming_sleep,
        )

    def _refused(self, answer: Answer) -> EventRegistryError:
        status = answer.status
        text = answer.body.decode("utf-8", "replace").strip()
        error_class = getErrorClassForStatusCode(status)
        error: EventRegistryError = error_class(
            f"HTTP {status}: {text}" if text else f"HTTP {status}", statusCode=status
        )
        wish = retry_after(answer.headers, datetime.now(UTC))
        error.retryAfter = None if wish is None else math.ceil(wish)
        return error

    def _explained(self, error: EventRegistryError, tries: int, *, all_tries: bool) -> SourceError:
        text = self._shown(str(error))
        if error.isTemporary:
            reason = f"gave up after {tries} {'try' if tries == 1 else 'tries'}"
            if not all_tries:
                wish = error.retryAfter
                asked = f"it asks to wait {wish} s, and " if wish else ""
                reason += f": {asked}{self._time_allowed}"
            return SourceUnavailableError(
                f"the news API at {self._host} gave no usable answer ({text}); "
                f"{reason}. {_CONTINUE}"
            )
        if isinstance(error, AccessError) and _SPENT.search(text) and not _WRONG.search(text):
            return TokensSpentError(
                f"the tokens of the news API's account are spent ({text}): buy some on "
                "https://newsapi.ai/dashboard, or wait for the next month. "
                f"{_CONTINUE}"
            )
        if isinstance(error, AccessError):
            return AccessRefusedError(
                f"the news API refused the key ({text}): check NEWSAPI_KEY, and on "
                "https://newsapi.ai/dashboard whether tokens are left"
            )
        if isinstance(error, QueryError):
            return SourceError(
                f"the news API did not execute the search ({text}): check the topics file"
            )
        return SourceError(
            f"the news API refused the request ({text}): check NEWSAPI_HOST and the topics file"
        )

    @property
    def _time_allowed(self) -> str:
        return f"fetching may take {self._deadline_seconds:g} s in all (FETCH_DEADLINE_SECONDS)"

    def _shown(self, text: str) -> str:
        """What may be shown of a text from outside: masked first, so that no piece of a secret
        stays at the cut, then cut, on one line.
        """
        return " ".join(mask(text, self._secrets).split())[:_SHOWN]


_SPENT = re.compile(r"\b(tokens|quota|credits|budget)\b", re.IGNORECASE)
_WRONG = re.compile(r"\b(not valid|invalid|unknown|missing|expired|disabled)\b", re.IGNORECASE)
"""What a refusal says of the key itself, whatever it says of tokens besides."""


def _is_temporary(error: BaseException) -> bool:
    return isinstance(error, EventRegistryError) and error.isTemporary


_backoff = tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retryAfter if isinstance(error, EventRegistryError) else None
    return max(float(asked), 0.0) if asked is not None else _backoff(state)


def _clock_offset(answer: Answer) -> float | None:
    moment = read_moment(answer.headers.get("Date"))
    return None if moment is None else time.time() - moment.timestamp()


def _read_page(number: int, asked: int, answer: object) -> Page:
    if not isinstance(answer, dict):
        raise TypeError("not a JSON object")
    if "error" in answer:
        raise QueryError(str(answer["error"]), statusCode=200)
    articles = answer["articles"]
    records, total = articles["results"], articles.get("totalResults")
    if not isinstance(records, list):
        raise TypeError("the results are not a list")
    trouble = ""
    if not isinstance(total, int) or isinstance(total, bool):
        trouble = "the answer has no count of all results"
    elif not len(records) <= total <= MOST_ARTICLES:
        trouble = f"the answer counts {total} results and lists {len(records)}"
    if trouble and not records:
        raise ValueError(trouble)
    if trouble:
        return Page(records, None, asked, trouble)
    return Page(records, total, _page_size(articles, number, asked, len(records), total))


def _page_size(envelope: dict[str, object], number: int, asked: int, given: int, total: int) -> int:
    """How many articles the server puts on a page, whatever was asked for.

    The envelope's `count` says it, unless it is more than was asked for, or the page itself or
    `pages` contradict it: a page of which others follow is as long as it is.
    """
    count, pages = envelope.get("count"), envelope.get("pages")
    size = asked
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= max(asked, given):
        size = count
    more = isinstance(pages, int) and pages > number and pages != page_count(total, size)
    if given > size or (more and 0 < given < size):
        size = given
    return size


def _read_usage(answer: object) -> Usage:
    if not isinstance(answer, dict):
        raise TypeError("not a JSON object")
    if "error" in answer:
        raise QueryError(str(answer["error"]), statusCode=200)
    return Usage(int(answer["availableTokens"]), int(answer["usedTokens"]))
