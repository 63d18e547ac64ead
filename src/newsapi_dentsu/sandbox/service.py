"""What the sandbox answers to a request, HTTP apart."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from newsapi_dentsu.sandbox.account import MAX_SIMULTANEOUS, Account
from newsapi_dentsu.sandbox.articles import Corpus, ListCorpus, SandboxArticle
from newsapi_dentsu.sandbox.faults import Fault, FaultScript
from newsapi_dentsu.sandbox.search import Search
from newsapi_dentsu.sandbox.values import NotExecutedError

_SEARCH_PATHS = ("/api/v1/article/getArticles", "/api/v1/article")
_USAGE_PATH = "/api/v1/usage"

JSON_TYPE = "application/json; charset=utf-8"
_HTML = "<!DOCTYPE html><html><body><h1>Service temporarily unavailable</h1></body></html>"


@dataclass(frozen=True)
class Answer:
    """A decided answer; with `cut_at`, only so many bytes go out before the connection closes."""

    status: int
    content: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    tokens: int = 0
    cut_at: int | None = None


@dataclass(frozen=True)
class RequestLog:
    """One request as the server saw it; `status` is 0 when the connection closed unanswered."""

    path: str
    params: dict[str, Any]
    status: int
    tokens: int
    at: datetime


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a JSON answer."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), headers=headers or {})


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an error in the form of the API."""
    return json_answer({"error": message}, status, headers)


class Service:
    """Decides answers from the corpus, the account and the fault script."""

    def __init__(
        self,
        corpus: Corpus,
        account: Account,
        script: FaultScript,
        clock: Callable[[], datetime],
    ) -> None:
        self._corpus = corpus
        self._arrived = ListCorpus()
        self._account = account
        self._script = script
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: list[RequestLog] = []
        self.stopping = threading.Event()

    @property
    def requests(self) -> list[RequestLog]:
        """The requests so far, in the order in which they ended."""
        with self._lock:
            return list(self._requests)

    def articles(self, first: date, last: date) -> Sequence[SandboxArticle]:
        """Return the corpus of those index days, with what faults have made arrive."""
        articles, arrived = self._corpus.articles(first, last), self._arrived.articles(first, last)
        return [*articles, *arrived] if arrived else articles

    def answer(self, path: str, params: Mapping[str, Any]) -> Answer | None:
        """Decide the answer to one request and log it; None: close the connection without one."""
        answer = self._admit(path, params)
        entry = RequestLog(
            path,
            {name: value for name, value in params.items() if name != "apiKey"},
            answer.status if answer else 0,
            answer.tokens if answer else 0,
            self._clock(),
        )
        with self._lock:
            self._requests.append(entry)
        return answer

    def _admit(self, path: str, params: Mapping[str, Any]) -> Answer | None:
        if path not in (*_SEARCH_PATHS, _USAGE_PATH):
            return error_answer(404, f"There is nothing at {path}.")
        api_key = params.get("apiKey")
        if not isinstance(api_key, str) or not self._account.knows(api_key):
            return error_answer(401, "The API key is missing or is not valid.")
        if not self._account.enter(api_key):
            message = f"At most {MAX_SIMULTANEOUS} requests may be under way at the same time."
            return error_answer(429, message, {"Retry-After": "1"})
        try:
            return self._search(path, params) if path in _SEARCH_PATHS else self._usage()
        finally:
            self._account.leave(api_key)

    def _usage(self) -> Answer | None:
        def answer(_charge: bool) -> Answer:
            return json_answer(
                {"availableTokens": self._account.total, "usedTokens": self._account.used}
            )

        return self._troubled(self._script.next("usage"), answer)

    def _search(self, path: str, params: Mapping[str, Any]) -> Answer | None:
        if path == "/api/v1/article" and params.get("action") != "getArticles":
            return error_answer(400, 'The sandbox knows the action "getArticles" only.')
        faults = self._script.next("search")
        self._happen(
            [fault for fault in faults if fault.kind == "tokens" or fault.when == "before"]
        )
        answer = self._troubled(faults, lambda charge: _executed(lambda: self._run(params, charge)))
        self._happen(
            [fault for fault in faults if fault.kind == "arrive" and fault.when == "after"]
        )
        return answer

    def _run(self, params: Mapping[str, Any], charge: bool) -> Answer:
        search = Search(params, self._clock())
        cost = search.cost.tokens
        if charge and not self._account.spend(cost):
            return error_answer(
                401,
                f"This search costs {cost} tokens and {self._account.left} of your "
                f"{self._account.total} tokens are left.",
            )
        headers = {
            "req-tokens": str(cost),
            "req-archive": "1" if search.cost.archive else "0",
            "x-ratelimit-limit": str(self._account.total),
            "x-ratelimit-remaining": str(self._account.left),
        }
        answer = json_answer(search.run(self), headers=headers)
        return replace(answer, tokens=cost if charge else 0)

    def _happen(self, faults: Sequence[Fault]) -> None:
        now = self._clock()
        for fault in faults:
            if fault.kind == "tokens":
                self._account.set_left(fault.tokens)
            for article in fault.articles:
                self._arrived.add(replace(article, arrives_at=min(article.arrives_at, now)))

    def _troubled(self, faults: Sequence[Fault], answer: Callable[[bool], Answer]) -> Answer | None:
        """Return the answer as the faults leave it; `answer` takes whether it costs tokens."""
        fault = next((fault for fault in faults if not fault.is_event), None)
        if fault is None:
            return answer(True)
        if fault.kind == "hang":
            self.stopping.wait(fault.seconds)
            return None if self.stopping.is_set() else answer(True)
        real = answer(fault.charge)
        return _failed(fault, real)


def _failed(fault: Fault, real: Answer) -> Answer | None:
    """Return the failure that takes the place of the real answer, with what the request cost."""
    half = len(real.content) // 2
    if fault.kind == "truncated":
        return replace(real, cut_at=half)
    if fault.kind == "invalid_json":
        return replace(real, content=real.content[:half])
    if fault.kind == "html":
        content = (fault.body or _HTML).encode()
        return Answer(200, content, "text/html; charset=utf-8", tokens=real.tokens)
    if fault.kind == "error":
        return replace(error_answer(200, fault.message), tokens=real.tokens)
    if fault.kind == "status":
        headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
        if fault.body is None:
            answer = error_answer(fault.status, f"Scripted status {fault.status}.", headers)
        else:
            answer = Answer(fault.status, fault.body.encode(), headers=headers)
        return replace(answer, tokens=real.tokens)
    return None


def _executed(run: Callable[[], Answer]) -> Answer:
    """Run a query; one that cannot be executed is answered with 200 and an error."""
    try:
        return run()
    except NotExecutedError as error:
        return error_answer(200, str(error))
