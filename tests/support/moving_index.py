"""An index that moves while it is read: articles come late and leave, counts are wrong, replicas
differ, days fail. It stands where the news API does, one request at a time.
"""

import json
from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

from newsapi_dentsu.domain.listing import PAGE_SIZE, page_count
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import AnswerTooLargeError, SourceError, SourceUnavailableError
from newsapi_dentsu.eventregistry.client import MOST_ARTICLES
from newsapi_dentsu.eventregistry.source import Page, Traffic, Usage
from newsapi_dentsu.stages.collect import CollectOptions, collect
from newsapi_dentsu.stages.report import CollectReport, IncompleteError
from newsapi_dentsu.warehouse import Warehouse

from .articles import TOPICS, record
from .http import serve_in_background


@dataclass(order=True)
class Entry:
    """An article where it stands in the order of its day."""

    at: datetime
    uri: str
    url: str = field(compare=False, default="")

    def record(self) -> dict[str, Any]:
        """The article as the API gives it."""
        return record(self.uri, self.at, url=self.url or f"https://adledger.example/{self.uri}")


def _nothing(_day: date) -> None:
    return None


class MovingIndex:
    """One or more replicas, which take turns in answering."""

    origin = "newsapi.ai"

    def __init__(self, now: datetime, replicas: int = 1) -> None:
        self.now = now
        self.traffic = Traffic()
        self.replicas: list[dict[date, list[Entry]]] = [defaultdict(list) for _ in range(replicas)]
        self.requests: list[tuple[date, int]] = []
        self.runs: list[list[tuple[date, int]]] = []
        """The requests of each run."""
        self.given = 0
        """Records in all answers together, each as often as it was given."""
        self.listed: set[tuple[str, str]] = set()
        """Uri and url of every record that an answer has listed."""
        self.before_request: Callable[[date], None] = _nothing
        self.count_offset: Callable[[date], int] = lambda _day: 0
        self.failures: dict[date, SourceError] = {}
        self.away = False
        self.most_on_a_page = PAGE_SIZE
        self.admits_page_size = True
        self.too_large: set[str] = set()
        """Uris of records that make an answer too large when it holds others as well."""
        self.turn: Callable[[], int] = lambda: len(self.requests)

    def add(self, entry: Entry, *, only: int | None = None) -> None:
        """Let an article in, on all replicas or on one."""
        for number, replica in enumerate(self.replicas):
            if only in (None, number):
                insort(replica[entry.at.date()], entry)

    def add_many(self, total: int, at: datetime, prefix: str = "") -> None:
        """Let so many articles in, a second apart."""
        for number in range(total):
            self.add(Entry(at + timedelta(seconds=number), f"{prefix}{number:04}"))

    def remove(self, uri: str) -> None:
        """Let an article leave."""
        for replica in self.replicas:
            for entries in replica.values():
                entries[:] = [entry for entry in entries if entry.uri != uri]

    def standing(self, day: date) -> set[str]:
        """The articles of a day, on whichever replica."""
        return {entry.uri for replica in self.replicas for entry in replica[day]}

    def search(self, topics: Topics, day: date, page: int, size: int = PAGE_SIZE) -> Page:
        """Answer as the replica does whose turn it is."""
        self.before_request(day)
        self.traffic.count(0.01)
        self.requests.append((day, page))
        if self.away:
            raise SourceUnavailableError("no answer")
        if day in self.failures:
            raise self.failures[day]
        self.traffic.tokens += 1
        entries = self.replicas[self.turn() % len(self.replicas)][day]
        asked, size = size, min(size, self.most_on_a_page)
        shown = entries[(page - 1) * size : page * size]
        if len(shown) > 1 and any(entry.uri in self.too_large for entry in shown):
            raise AnswerTooLargeError("the answer is too large")
        self.given += len(shown)
        self.listed |= {(entry.uri, str(entry.record()["url"])) for entry in shown}
        total = len(entries) + self.count_offset(day)
        records: list[object] = [entry.record() for entry in shown]
        if not len(records) <= total <= MOST_ARTICLES:
            return Page(records, None, size, f"the answer counts {total} results")
        return Page(records, total, size if self.admits_page_size else asked)

    def usage(self) -> Usage:
        """A balance that never ends."""
        if self.away:
            raise SourceUnavailableError("no answer")
        return Usage(2000, 0)

    def collect(self, warehouse: Warehouse, **options: Any) -> CollectReport:
        """Run the first stage at the index's time; days that can't be read are in the report."""
        # Each run has a client of its own.
        self.traffic = Traffic()
        before = len(self.requests)
        try:
            # As in a run, which keeps the database open.
            with warehouse.kept_open():
                return collect(
                    self, warehouse, TOPICS, now=self.now, options=CollectOptions(**options)
                )
        except IncompleteError as error:
            return error.report
        finally:
            self.runs.append(self.requests[before:])

    def pass_time(self, warehouse: Warehouse, hours: int, **options: Any) -> list[CollectReport]:
        """Run every six hours."""
        reports = []
        for _ in range(hours // 6):
            self.now += timedelta(hours=6)
            reports.append(self.collect(warehouse, **options))
        return reports


@contextmanager
def served(index: MovingIndex) -> Iterator[str]:
    """Serve an index over HTTP, in the API's form; a day that fails is answered with rubbish."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body: object = {"availableTokens": 2000, "usedTokens": index.traffic.tokens}
            if self.path.endswith("/article"):
                body = answer(asked)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("req-tokens", "1")
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    def answer(asked: dict[str, Any]) -> object:
        conditions = json.loads(asked["query"])["$query"]["$and"]
        (dates,) = [part for part in conditions if "dateStart" in part]
        number, size = int(asked["articlesPage"]), int(asked["articlesCount"])
        try:
            page = index.search(TOPICS, date.fromisoformat(dates["dateStart"]), number, size)
        except SourceError:
            return b"<html>rubbish</html>"
        total = page.total or 0
        counts = {"totalResults": total, "count": page.size, "pages": page_count(total, page.size)}
        return {"articles": {"results": page.records, "page": number, **counts}}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serve_in_background(server)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
