"""GraphQL: connections, loading together, limits, trusted documents, and what clients may send."""

import gc
import hashlib
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from typing_extensions import override

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.reading import states
from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.warehouse.engines.base import Row, Session
from newsapi_dentsu.website.graph.endpoint import Asked, Executor
from newsapi_dentsu.website.graph.limits import MOST_ALIASES, MOST_COST
from newsapi_dentsu.website.graphql_http import RESPONSE, GraphQLOptions
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases, disconnect

from .conftest import HOUR, Site, news, serving


class _Counted(Session):
    def __init__(self, session: Session, seen: list[str]) -> None:
        self._session = session
        self._seen = seen

    @override
    def rows(self, sql: str, *parameters: object) -> list[Row]:
        self._seen.append(sql)
        return self._session.rows(sql, *parameters)

    @override
    def stream(self, sql: str, *parameters: object) -> Iterator[Row]:
        self._seen.append(sql)
        return self._session.stream(sql, *parameters)

    @override
    def execute(self, sql: str, *parameters: object) -> None:
        self._seen.append(sql)
        self._session.execute(sql, *parameters)


class _CountingLibrary(CopyLibrary):
    """Notes the statements of each operation."""

    seen: list[str]

    @override
    @contextmanager
    def session(self) -> Iterator[Session]:
        with super().session() as session:
            yield _Counted(session, self.seen)


@pytest.fixture(scope="module")
def kept(duckdb_databases: DuckDBDatabases, scratch: Path) -> Iterator[Site]:
    """A site with a few stories, for tests that only read."""
    folder = scratch / "graphql"
    warehouse = duckdb_databases.create().open()
    publish(warehouse, folder)
    with serving(CopyLibrary(folder)) as url:
        site = Site(url, warehouse, folder)
        site.run(*news(), *(record(f"{n:03}", NOON - n * HOUR) for n in range(20)))
        yield site
    disconnect(warehouse)


def post(site: Site, body: Any, **headers: str) -> requests.Response:
    return requests.post(f"{site.url}/graphql", json=body, headers=headers, timeout=30)


def data(site: Site, query: str, **variables: Any) -> Any:
    answer = post(site, {"query": query, "variables": variables})
    told = answer.json()
    assert "errors" not in told, told["errors"]
    return told["data"]


def refused(site: Site, query: str, **variables: Any) -> Any:
    answer = post(site, {"query": query, "variables": variables})
    assert answer.status_code == 200
    return answer.json()["errors"][0]


def test_articles_are_those_of_the_rest_api(kept: Site) -> None:
    rest = kept.json("/api/v1/articles?limit=100")
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        page = data(
            kept,
            "query($after: String) { articles(first: 7, after: $after) { totalCount state "
            "edges { cursor node { articleId title publishedAt topics relevance } } "
            "pageInfo { hasNextPage hasPreviousPage endCursor } } }",
            after=after,
        )["articles"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert (page["totalCount"], page["state"]) == (rest["total"], rest["state"])
        seen += [edge["node"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        assert page["edges"][-1]["cursor"] == after
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert seen == [
        {
            "articleId": one["article_id"],
            "title": one["title"],
            "publishedAt": one["published_at"].replace("Z", "+00:00"),
            "topics": one["topics"],
            "relevance": one["relevance"],
        }
        for one in rest["articles"]
    ]
    assert len(seen) == 24


def test_blanks_around_a_filter_are_none_of_it(kept: Site) -> None:
    for name, value in (("source", "site4"), ("topic", "AI"), ("lang", "eng"), ("q", "alone")):
        query = f"query($v: String) {{ articles({name}: $v) {{ totalCount }} }}"
        found, typed, blank = (
            data(kept, query, v=v)["articles"]["totalCount"] for v in (value, f" {value} ", " ")
        )
        rest = kept.json(f"/api/v1/articles?{name}=+{value}+")["total"]
        assert 0 < found == typed == rest <= blank == 24


def test_stories_changes_facets_and_nodes_lead_to_each_other(kept: Site) -> None:
    told = data(
        kept,
        """
        fragment Ran on Story { places(first: 2) { role article { title story { title } } } }
        query($q: String) {
          stories(first: 3, days: 2, q: $q) { nodes { id title sourceCount ...Ran } }
          changes(first: 100) { nodes { change changeSeq article { articleId } } }
          facets(days: 2) { topics { value articles } languages { value } }
          state { changeSeq newest }
        }
        """,
        q="carried",
    )
    first = told["stories"]["nodes"][0]
    assert (first["title"], first["sourceCount"]) == ("Carried thrice", 3)
    assert [place["role"] for place in first["places"]] == ["original", "copy"]
    assert first["places"][0]["article"]["story"] == {"title": "Carried thrice"}
    assert first["places"][1]["article"] is None
    assert len(told["changes"]["nodes"]) == 24
    assert all(one["article"]["articleId"] for one in told["changes"]["nodes"])
    assert {"value": "eng"} in told["facets"]["languages"]
    assert told["state"]["newest"] == "2026-11-20"
    again = data(
        kept, "query($id: ID!) { node(id: $id) { id ... on Story { title } } }", id=first["id"]
    )
    assert again["node"] == {"id": first["id"], "title": "Carried thrice"}
    assert data(kept, '{ article(articleId: "none") { title } story(storyId: "x") { title } }') == {
        "article": None,
        "story": None,
    }


def test_both_engines_answer(filled: Site) -> None:
    told = data(
        filled,
        '{ articles(first: 2, topic: "AI") { totalCount nodes { title relevance story { title '
        "places { role } } } } stories(days: 2) { nodes { title sources } } "
        "changes { nodes { change article { title } } } facets { topics { articles } } }",
    )
    assert told["articles"]["totalCount"] == 4
    assert told["articles"]["nodes"][0]["story"]["title"] == "The one alone"
    sources = [f"site{number}.example" for number in (1, 2, 3)]
    assert told["stories"]["nodes"][0]["sources"] == sources
    assert [one["change"] for one in told["changes"]["nodes"]] == ["shown"] * 4


@pytest.mark.parametrize("first", [2, 20])
def test_what_many_lead_to_is_loaded_by_one_statement(kept: Site, first: int) -> None:
    library = _CountingLibrary(kept.folder)
    seen = library.seen = list[str]()
    executor = Executor(library, introspection=False)
    answered = executor.answer(
        Asked(
            "query($n: Int!) { stories(first: $n, days: 2) { nodes { places(first: 3) "
            "{ article { title story { title article { title } } } } } } }",
            variables={"n": first},
        )
    )
    assert len(json.loads(answered.body)["data"]["stories"]["nodes"]) == min(first, 24)
    # The state, ranks, their stories, places, articles, their stories, and those's articles.
    assert len(seen) <= 7, seen
    library.close()


def test_columns_that_nobody_asks_for_are_not_read(kept: Site) -> None:
    library = _CountingLibrary(kept.folder)
    seen = library.seen = list[str]()
    executor = Executor(library, introspection=False)
    executor.answer(Asked("{ articles { nodes { ...A } } } fragment A on Article { title }"))
    assert not any("body" in sql for sql in seen)
    executor.answer(Asked("{ articles { edges { node { ... on Article { body } } } } }"))
    assert any("body" in sql for sql in seen)
    library.close()


def _spread(times: int) -> str:
    """A document whose fragments double each time."""
    parts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(times)]
    return (
        "{ ...F0 } " + " ".join(parts) + f" fragment F{times} on Query {{ a: state {{ newest }} }}"
    )


def _aliased(times: int) -> str:
    return "{" + " ".join(f"a{n}: state {{ newest }}" for n in range(times)) + "}"


NESTED = "articles(first: 60) { nodes { story { places { article { story { places { article { title"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (_aliased(MOST_ALIASES + 1), "aliases"),
        (_aliased(450), "tokens"),
        ("{" + "state { newest } " * 450 + "}", "too many times"),
        ("{" + "state { newest } " * 5_000 + "}", "at most 50,000 characters"),
        (_spread(60), "aliases"),
        ("{ stories(first: 100) { nodes { places(first: 100) { article { title } } } } }", "cost"),
        ("{ " + NESTED + " }" * NESTED.count("{") + " }", "cost"),
        ("{ " + "state { " * 17 + "newest" + " }" * 17 + " }", "depth"),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "Cannot spread"),
        ("{ ...A } fragment A on Query { ...A state { newest } }", "Cannot spread"),
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
            "circles",
        ),
        ("{ state { newest @skip(if: true) @skip(if: true) } }", "can only be used once"),
        ("{ __typename " + "@aa" * 600 + " }", "Unknown directive"),
        ("{ __typename " + "@aa" * 1_200 + " }", "tokens"),
        ('{ articles(source: "a\\u0000b") { state } }', "none of them NUL"),
        ('{ articles(first: 1, after: "\\u0000") { state } }', "begin again"),
        ("{ stories(days: 400) { nodes { id } } }", "days must be"),
        ('{ articles(since: "0001-01-01") { state } }', "since must be"),
        ("mutation { state }", "not configured to execute"),
        ("subscription { state }", "not configured to execute"),
        ("{ nothing }", "Cannot query field"),
        ("{", "Syntax Error"),
        ("", "Syntax Error"),
        ("{ articles(first: 101) { state } }", "from 1 to 100"),
        ("{ articles(first: -1) { state } }", "from 1 to 100"),
        ('{ articles(after: "x") { state } }', "begin again"),
        ('{ node(id: "x") { id } }', "no id"),
        ("query A { state { newest } } query B { state { newest } }", "Name one operation"),
    ],
)
def test_what_asks_too_much_or_wrongly_is_told_so_soon(kept: Site, query: str, says: str) -> None:
    began = time.process_time()
    error = refused(kept, query)
    assert says in error["message"], error
    assert time.process_time() - began < 2


@pytest.mark.parametrize("odd", ["\0", "\ud800", "\udc00x", "'; --", "%", "\u202e"])
def test_odd_texts_are_found_nowhere_and_break_nothing(kept: Site, odd: str) -> None:
    answer = post(
        kept,
        {
            "query": "query($a: String!, $b: String) { article(articleId: $a) { title } "
            "story(storyId: $a) { title } changes(first: 1, after: $b) { nodes { url } } "
            "articles(topic: $a) { totalCount } }",
            "variables": {"a": odd, "b": None},
        },
    )
    told = answer.json()
    for error in told.get("errors", []):
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
    if told.get("data"):
        assert told["data"]["article"] is told["data"]["story"] is None
    error = post(
        kept, {"query": "query($n: Int) { articles(first: $n) { state } }", "variables": {"n": odd}}
    ).json()["errors"][0]
    assert "invalid value" in error["message"]


def test_an_operation_that_a_document_lacks_is_told(kept: Site) -> None:
    sent = {"query": "query A { state { newest } }", "operationName": "B"}
    assert "Name one operation" in post(kept, sent).json()["errors"][0]["message"]
    sent["operationName"] = "A"
    assert post(kept, sent).json()["data"]["state"]["newest"] == "2026-11-20"


def test_costs_follow_variables_and_their_defaults(kept: Site) -> None:
    query = (
        "query($n: Int! = 100) { stories(first: $n) { nodes { places(first: 60) "
        "{ article { title } } } } }"
    )
    assert refused(kept, query)["extensions"] == {"code": "TOO_MUCH", "limit": "cost"}
    assert refused(kept, query, n=50)["extensions"]["limit"] == "cost"
    assert data(kept, query, n=2)["stories"]
    assert f"{MOST_COST:,}" in refused(kept, query)["message"]


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        (b'{"query": "{ state { newest } }"}', {"Content-Type": "text/plain"}, 415),
        (b"query=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{ state { newest } }", {"Content-Type": "application/graphql"}, 415),
        (b"--x", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
        (b"{}", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        (b"{}", {}, 415),
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"\xff\xfe", {"Content-Type": "application/json"}, 400),
        (b"[" * 50_000, {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "application/json"}, 400),
        (b"null", {"Content-Type": "application/json"}, 400),
        (b'[{"query": "{ state { newest } }"}]', {"Content-Type": "application/json"}, 400),
        (b'{"query": 5}', {"Content-Type": "application/json"}, 400),
        (b'{"query": "{a}", "variables": []}', {"Content-Type": "application/json"}, 200),
        (b'{"query": "{a}", "variables": [1]}', {"Content-Type": "application/json"}, 400),
        (b'{"query": "{a}", "other": 1}', {"Content-Type": "application/json"}, 400),
        (
            json.dumps({"query": _aliased(10_000)}).encode(),
            {"Content-Type": "application/json"},
            413,
        ),
        (b'{"query": "' + b"x" * 100_000 + b'"}', {"Content-Type": "application/json"}, 413),
        (b'{"query": "{a}"}', {"Content-Type": "application/json", "Accept": "text/csv"}, 406),
        (b'{"query": "\\ud800"}', {"Content-Type": "application/json"}, 200),
    ],
)
def test_what_is_sent_otherwise_is_a_problem(
    kept: Site, sent: bytes, headers: dict[str, str], status: int
) -> None:
    # Whatever is collected while the server is deep in 50,000 lists reports a failure of its own.
    gc.disable()
    try:
        answer = requests.post(f"{kept.url}/graphql", data=sent, headers=headers, timeout=30)
    finally:
        gc.enable()

    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == status
    else:
        assert "errors" in answer.json()


def test_an_address_may_ask_too_and_answers_are_of_the_kind_that_is_taken(kept: Site) -> None:
    asked = {"query": "query($n: Int) { articles(first: $n) { state } }", "variables": '{"n": 1}'}
    answer = requests.get(f"{kept.url}/graphql", params=asked, timeout=30)
    assert answer.json()["data"]["articles"]["state"] > 0
    assert answer.headers["Content-Type"] == "application/json"
    wrong = post(kept, {"query": "{ nothing }"}, Accept=f"{RESPONSE}, application/json;q=0.9")
    assert (wrong.status_code, wrong.headers["Content-Type"]) == (400, RESPONSE)
    assert requests.put(f"{kept.url}/graphql", timeout=30).status_code == 405


def test_what_fails_inside_is_only_logged(
    kept: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password hunter2")

    monkeypatch.setattr(states, "articles_page", broken)
    with caplog.at_level(logging.ERROR):
        answer = post(kept, {"query": "{ articles { state } state { changeSeq } }"})
    assert "hunter2" not in answer.text
    assert answer.json()["errors"][0]["extensions"] == {"code": "INTERNAL"}
    assert "hunter2" in caplog.text


def test_the_schema_is_told_on_this_machine_only(kept: Site) -> None:
    asked = "{ __schema { queryType { name } } }"
    assert data(kept, asked) == {"__schema": {"queryType": {"name": "Query"}}}
    assert "Did you mean" in refused(kept, "{ storiez { title } }")["message"]
    closed = Executor(CopyLibrary(kept.folder), introspection=False)
    told = json.loads(closed.answer(Asked(asked)).body)["errors"][0]["message"]
    assert "disabled" in told
    told = closed.answer(Asked("{ storiez { title } }")).body
    assert "Cannot query field" in told
    assert "Did you mean" not in told


def test_trusted_documents_are_asked_for_by_name_or_hash(kept: Site, tmp_path: Path) -> None:
    text = "query($n: Int!) { articles(first: $n) { nodes { title } } }"
    (tmp_path / "newest.graphql").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    options = GraphQLOptions(trusted=tmp_path, trusted_only=True)
    with serving(CopyLibrary(kept.folder), graphql=options) as url:
        site = Site(url, kept.warehouse, kept.folder)
        for named in (
            {"documentId": "newest"},
            {"documentId": f"sha256:{digest}"},
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}},
            {"query": text},
        ):
            answer = post(site, {**named, "variables": {"n": 2}}).json()
            assert len(answer["data"]["articles"]["nodes"]) == 2, named
        for other, code in (
            ({"query": "{ state { newest } }"}, "UNTRUSTED_DOCUMENT"),
            ({"query": text + " "}, "UNTRUSTED_DOCUMENT"),
            ({"documentId": "other"}, "PERSISTED_DOCUMENT_NOT_FOUND"),
        ):
            error = post(site, other).json()["errors"][0]
            assert error["extensions"]["code"] == code


def test_a_trusted_document_that_can_not_work_is_told_at_the_start(
    kept: Site, tmp_path: Path
) -> None:
    (tmp_path / "wrong.graphql").write_text("{ nothing }")
    manifest = tmp_path / "documents.json"
    for text in ("[]", "{", '{"a": 5}', '{"a": "{ nothing }"}'):
        manifest.write_text(text)
        with pytest.raises(SettingsError, match=r"documents\.json"):
            Executor(CopyLibrary(kept.folder), introspection=True, trusted=manifest)
    with pytest.raises(SettingsError, match="wrong"):
        Executor(CopyLibrary(kept.folder), introspection=True, trusted=tmp_path)
    with pytest.raises(SettingsError, match="nowhere"):
        Executor(CopyLibrary(kept.folder), introspection=True, trusted=tmp_path / "nowhere")


def test_the_page_to_try_it_runs_only_its_own_script(kept: Site) -> None:
    page = kept.get("/graphql", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert kept.get("/graphql.js").headers["Content-Type"].startswith("text/javascript")
    assert "script-src" not in kept.get("/").headers["Content-Security-Policy"]


def test_what_executes_operations_is_imported_with_the_first_of_them() -> None:
    code = (
        "import sys, newsapi_dentsu.website.app, newsapi_dentsu.cli.serve; "
        "print({'strawberry', 'graphql', 'redis'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr
