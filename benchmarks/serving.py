"""`serving`: what the server of news needs for an answer, and how long searches take."""

import http.client
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Final
from urllib.parse import urlencode

import psutil

from benchmarks import postgres, served
from benchmarks.measuring import SETTINGS, alternate, execute, program, ratio
from benchmarks.report import Figure, print_rows
from benchmarks.serving_load import under_load
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.duckdb import DuckDBEngine

ARTICLES, ARTICLES_QUICKLY = 20_000, 2_000
ROUNDS, ROUNDS_QUICKLY = 5, 3
READERS, ANSWERS, CHEAP_ANSWERS = 16, 480, 960
OTHER_LISTS = 48
WORDS, WORDS_QUICKLY = 60, 20
NEW = 100
CONNECTIONS, LOAD_SECONDS, LOAD_SECONDS_QUICKLY = 64, 30, 5

REST_LIMIT, GRAPHQL_LIMIT, CACHED_LIMIT = 9, 35, 3
SEARCH_LIMITS: Final = {"reader's copy": 20, "PostgreSQL": 50}
PAGE_LIMIT, PUBLISHED_LIMIT = 50, 3

LIST: Final = "/api/v1/articles?limit=20"
QUERY: Final = (
    "{ articles(first: 20) "
    "{ nodes { articleId title link publishedAt sourceName lang relevance } } }"
)
_UNCACHED: Final = {"ANSWER_CACHE_MB": "0"}
_URL: Final = re.compile(r"http://127\.0\.0\.1:(\d+)/")


@dataclass(frozen=True, slots=True)
class _Store:
    """A database that is filled, and how the command finds it."""

    name: str
    folder: Path
    warehouse: Warehouse
    settings: Mapping[str, str]
    server: int | None
    """The process of the database server, where there is one."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A request of one address; a POST where it has a body."""

    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Cost:
    """What an answer took, in milliseconds."""

    wall: float
    first_byte: float
    cpu: float


class _Site:
    """A server that is asked."""

    def __init__(self, process: subprocess.Popen[str], port: int, database: int | None) -> None:
        self._process = process
        self._port = port
        self._database = database

    def ask(self, *questions: _Question) -> list[bytes]:
        """The answers' bodies.

        Raises:
            RuntimeError: one isn't an answer.
        """
        with closing(self._connection()) as connection:
            return [_asked(connection, one)[0] for one in questions]

    def costs(self, questions: Sequence[_Question]) -> list[_Cost]:
        """What each answer took, with the CPU time of the database that is asked for it."""
        costs: list[_Cost] = []
        with closing(self._connection()) as connection:
            for question in questions:
                processes = [self._process.pid, *self._backends()]
                cpu, started = sum(map(_cpu_seconds, processes)), time.perf_counter()
                _, first = _asked(connection, question)
                wall = time.perf_counter() - started
                used = sum(map(_cpu_seconds, processes)) - cpu
                costs.append(_Cost(wall * 1e3, (first - started) * 1e3, used * 1e3))
        return costs

    def cpu_each(self, question: _Question, answers: int) -> float:
        """Milliseconds of the server's own CPU time for an answer, of so many to several readers.

        The readers ask at the same time, each over a connection of its own.
        """
        each = [question] * (answers // READERS)
        self.ask(question)
        before = _cpu_seconds(self._process.pid)
        with ThreadPoolExecutor(READERS) as readers:
            told = list(readers.map(lambda _: len(self.ask(*each)), range(READERS)))
        return (_cpu_seconds(self._process.pid) - before) / sum(told) * 1e3

    def cpu_of_each(self, questions: Sequence[_Question]) -> float:
        """The same for several questions, each asked once."""
        before = _cpu_seconds(self._process.pid)
        with ThreadPoolExecutor(READERS) as readers:
            list(readers.map(self.ask, questions))
        return (_cpu_seconds(self._process.pid) - before) / len(questions) * 1e3

    def cpu_of_walk(self, pages: int) -> float:
        """The same for a list that somebody reads page by page."""
        before, path = _cpu_seconds(self._process.pid), LIST
        for _ in range(pages):
            (body,) = self.ask(_Question(path))
            path = f"{LIST}&cursor={json.loads(body)['next']}"
        return (_cpu_seconds(self._process.pid) - before) / pages * 1e3

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)

    def _backends(self) -> list[int]:
        if self._database is None:
            return []
        return [one.pid for one in psutil.Process(self._database).children()]


def _asked(connection: http.client.HTTPConnection, question: _Question) -> tuple[bytes, float]:
    """An answer's body, and when it began."""
    headers = {"Content-Type": "application/json"} if question.body else {}
    method = "POST" if question.body else "GET"
    connection.request(method, question.path, question.body, headers)
    answer = connection.getresponse()
    first = time.perf_counter()
    body = answer.read()
    if answer.status != 200 or b'"errors"' in body[:100]:
        raise RuntimeError(f"{question.path}: {answer.status} {body[:300]!r}")
    return body, first


def serving(quick: bool, articles: int | None = None) -> list[Figure]:
    """Compare with a bare application that sends the same bytes; on the copy and on PostgreSQL."""
    count = articles or (ARTICLES_QUICKLY if quick else ARTICLES)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        for store in _stores(Path(temporary), stack):
            started = time.perf_counter()
            store.warehouse.upgrade()
            served.fill(store.warehouse, count)
            execute([program("newsapi"), "searches", "index"], store.folder, store.settings)
            took = time.perf_counter() - started
            print(f"  {store.name}: {count:,} articles, prepared in {took:.0f} s", flush=True)
            figures += _answers(store, ROUNDS_QUICKLY if quick else ROUNDS)
            figures += _searches(store, WORDS_QUICKLY if quick else WORDS)
            figures += _publishing(store, count)
            figures += _loaded(store, count, LOAD_SECONDS_QUICKLY if quick else LOAD_SECONDS)
    return figures


def _stores(folder: Path, stack: ExitStack) -> Iterator[_Store]:
    ours = folder / "copy"
    database = ours / "data" / "news.duckdb"
    database.parent.mkdir(parents=True)
    warehouse = Warehouse(DuckDBEngine(database, memory_limit="1GB", wait=5))
    yield _Store("reader's copy", ours, warehouse, {}, None)
    ours = folder / "postgres"
    ours.mkdir()
    server = stack.enter_context(postgres.server(folder / "server"))
    there = server.create("news")
    with there.connect() as connection:
        (name,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    pid = int((Path(name) / "postmaster.pid").read_text().split()[0])
    yield _Store("PostgreSQL", ours, there.warehouse, there.settings, pid)


def _answers(store: _Store, rounds: int) -> list[Figure]:
    """What lists cost the server, against the same bytes without any work, and other GraphQL."""
    rest = _Question(LIST)
    graph = _Question("/graphql", json.dumps({"query": QUERY}).encode())
    with ExitStack() as stack:
        worked = stack.enter_context(_newsapi(store, _UNCACHED))
        kept = stack.enter_context(_newsapi(store, {}))
        bodies = dict(zip(("REST", "GraphQL"), worked.ask(rest, graph), strict=True))
        subjects: dict[str, Callable[[], float]] = {}
        for name, question in (("REST", rest), ("GraphQL", graph)):
            path = store.folder / f"{name}.json"
            path.write_bytes(bodies[name])
            bare = stack.enter_context(_peer(store, "bare", str(path)))
            assert bare is not None
            subjects |= {
                f"{name}, bare": _asking(bare, question, CHEAP_ANSWERS),
                f"{name}, cached": _asking(kept, question, CHEAP_ANSWERS),
                f"{name}, uncached": _asking(worked, question, ANSWERS),
            }
        for name in ("graphene", "ariadne"):
            if (peer := stack.enter_context(_peer(store, name))) is None:
                print(f"  {name} isn't installed, and is left out")
                continue
            if _listed(*peer.ask(graph)) != _listed(bodies["GraphQL"]):
                raise RuntimeError(f"{name} gives another answer")
            subjects[name] = _asking(peer, graph, ANSWERS)
        # Of days that nobody has asked for before, in either language.
        others = _other_lists()
        subjects["REST, other lists"] = lambda: worked.cpu_of_each(
            [next(others) for _ in range(OTHER_LISTS)]
        )
        subjects["REST, page after page"] = lambda: worked.cpu_of_walk(OTHER_LISTS)
        measured = alternate(subjects, rounds)
    print(f"  CPU of the server for an answer of {', '.join(_sizes(bodies))}, in ms:")
    print_rows([name, f"{median(each):.3f}"] for name, each in measured.items())
    figures = []
    for name, limit in (("REST", REST_LIMIT), ("GraphQL", GRAPHQL_LIMIT)):
        for kind, most in (("uncached", limit), ("cached", CACHED_LIMIT)):
            times = ratio(measured[f"{name}, {kind}"], measured[f"{name}, bare"])
            what = f"{store.name}: {name}, {kind}, to the same bytes"
            figures.append(Figure("serving", what, times, limit=most))
    for kind in ("other lists", "page after page"):
        times = ratio(measured[f"REST, {kind}"], measured["REST, bare"])
        figures.append(Figure("serving", f"{store.name}: REST, {kind}, to the same", times))
    for name in ("graphene", "ariadne"):
        if name in measured:
            times = ratio(measured["GraphQL, uncached"], measured[name])
            figures.append(Figure("serving", f"{store.name}: GraphQL to {name}", times, limit=1))
    return figures


def _other_lists() -> Iterator[_Question]:
    """Lists that differ."""
    day = served.NEWEST.date()
    while True:
        day -= timedelta(days=1)
        for lang in ("eng", "deu"):
            yield _Question(f"{LIST}&until={day}&lang={lang}")


def _asking(site: _Site, question: _Question, answers: int) -> Callable[[], float]:
    return lambda: site.cpu_each(question, answers)


def _listed(body: bytes) -> list[str]:
    return [one["articleId"] for one in json.loads(body)["data"]["articles"]["nodes"]]


def _sizes(bodies: Mapping[str, bytes]) -> Iterator[str]:
    return (f"{len(body) / 1e3:.1f} KB ({name})" for name, body in bodies.items())


def _searches(store: _Store, words: int) -> list[Figure]:
    """How long searches and the front page take; each word is asked for once only."""
    vocabulary = served.vocabulary()
    asked = {
        "frequent words": [_search("search", word) for word in vocabulary[:words]],
        "rare words": [_search("search", word) for word in vocabulary[5_000 : 5_000 + words]],
        "facets": [_search("search/facets", word) for word in vocabulary[:words]],
        "front page": [_Question("/")] * words,
    }
    with _newsapi(store, _UNCACHED) as site:
        site.ask(_search("search", "none"), _search("search/facets", "none"), _Question("/"))
        costs = {name: site.costs(each) for name, each in asked.items()}
    print("  milliseconds of an answer, CPU time with that of the database:")
    print_rows(
        [
            ["", "median", "p95", "first byte p95", "CPU median", "CPU p95"],
            *([name, *(f"{one:.1f}" for one in _told(each))] for name, each in costs.items()),
        ]
    )
    figures = []
    for name, each in costs.items():
        _, wall, first, _, cpu = _told(each)
        page = name == "front page"
        limit = PAGE_LIMIT if page else SEARCH_LIMITS[store.name]
        what = f"{store.name}: {name}, {'first byte' if page else 'p95'}"
        figures.append(Figure("serving", what, first if page else wall, " ms", limit))
        figures.append(Figure("serving", "the same in CPU time", cpu, " ms"))
    return figures


def _search(path: str, word: str) -> _Question:
    return _Question(f"/api/v1/{path}?{urlencode({'q': word})}")


def _told(costs: Sequence[_Cost]) -> tuple[float, float, float, float, float]:
    wall, first, cpu = (
        [getattr(one, name) for one in costs] for name in ("wall", "first_byte", "cpu")
    )
    return median(wall), _p95(wall), _p95(first), median(cpu), _p95(cpu)


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


def _publishing(store: _Store, count: int) -> list[Figure]:
    """What it costs that 100 articles have come, in a process of its own."""
    command = [program("newsapi"), "searches", "index"]
    idle = execute(command, store.folder, store.settings)
    served.fill(store.warehouse, count + NEW, count, served.NEWEST + timedelta(hours=6))
    done = execute(command, store.folder, store.settings)
    what = f"{store.name}: publishing {NEW} new articles"
    print(f"  {what}: {done.seconds:.1f} s; with nothing new {idle.seconds:.1f} s")
    took = done.cpu_seconds - idle.cpu_seconds
    return [Figure("serving", f"{what}, CPU time", took, " s", PUBLISHED_LIMIT)]


def _loaded(store: _Store, count: int, seconds: float) -> list[Figure]:
    """What many connections are told for a while, while articles come and are published."""
    command = [program("newsapi"), "searches", "index"]
    count += NEW

    def publish() -> int:
        nonlocal count
        newest = served.NEWEST + timedelta(hours=6, minutes=count % 100_000)
        served.fill(store.warehouse, count + 10, count, newest)
        count += 10
        execute(command, store.folder, store.settings)
        return count

    graph = urlencode({"query": QUERY.replace("{ nodes", "{ state nodes")})
    paths = [LIST, f"/graphql?{graph}", "/", f"{LIST}&lang=deu", f"{LIST}&source=site3"]
    with _newsapi(store, {}) as site:
        told = under_load(site.port, paths, CONNECTIONS, seconds, count, publish)
    print(
        f"  {CONNECTIONS} connections for {seconds:.0f} s: {told.answers / seconds:.0f} answers a "
        f"second, p95 {_p95(told.waits) * 1e3:.0f} ms, {told.published} times something published"
    )
    for error in told.errors[:5]:
        print(f"  {error}")
    what = f"{store.name}: {CONNECTIONS} connections while articles come"
    return [
        Figure("serving", f"{what}, errors", len(told.errors), limit=0),
        Figure("serving", f"{what}, stale answers", told.stale, limit=0),
    ]


@contextmanager
def _newsapi(store: _Store, settings: Mapping[str, str]) -> Iterator[_Site]:
    """The server of news."""
    command = [program("newsapi"), "serve", "--port", "0"]
    with _process(command, store, {**store.settings, **settings}) as process:
        assert process.stderr is not None
        told = [process.stderr.readline()]
        while (found := _URL.search(told[-1])) is None:
            if not told[-1]:
                raise RuntimeError("".join(told))
            told.append(process.stderr.readline())
        yield _Site(process, int(found[1]), store.server)


@contextmanager
def _peer(store: _Store, *arguments: str) -> Iterator[_Site | None]:
    """A server of `served_peers.py`; None where it isn't installed."""
    script = str(Path(__file__).with_name("served_peers.py"))
    with _process([program("python"), script, *arguments], store, store.settings) as process:
        assert process.stdout is not None
        told = process.stdout.readline().strip()
        if told == "missing":
            yield None
            return
        if not told.isdigit():
            raise RuntimeError(process.communicate()[1])
        yield _Site(process, int(told), store.server)


@contextmanager
def _process(
    command: Sequence[str], store: _Store, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    process = subprocess.Popen(
        command,
        cwd=store.folder,
        env={**environment, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process, also of one that isn't ours, by the kernel's clock of it."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0
