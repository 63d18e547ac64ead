"""Applications beside which the server of news is measured, each as a server of its own.

    python served_peers.py bare FILE        sends the bytes of a file
    python served_peers.py graphene         articles by GraphQL, as each library's documents show
    python served_peers.py ariadne

Says on stdout which port it listens on, or `missing` where the library isn't installed.
"""

import importlib
import importlib.util
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from newsapi_dentsu.reading import states
from newsapi_dentsu.reading.library import open_library
from newsapi_dentsu.reading.remembering import RememberingLibrary
from newsapi_dentsu.reading.states import ARTICLES, ArticleFilter, Relation
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse.engines.base import Session

FIELDS = ("article_id", "title", "link", "published_at", "source_name", "lang", "relevance")


def bare(path: str) -> ASGIApp:
    """Sends what a file holds."""
    body = Path(path).read_bytes()
    length = str(len(body)).encode()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await _body(receive)
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def graphene() -> ASGIApp:
    """Articles by graphene."""
    library = importlib.import_module("graphene")
    strings = ("article_id", "title", "link", "source_name", "lang")
    article = type(
        "Article",
        (library.ObjectType,),
        {
            **{name: library.String() for name in strings},
            "published_at": library.DateTime(),
            "relevance": library.Float(),
        },
    )
    page = type(
        "Page",
        (library.ObjectType,),
        {
            "nodes": library.List(library.NonNull(article)),
            "resolve_nodes": lambda parent, _info: [article(**one) for one in parent],
        },
    )
    query = type(
        "Query",
        (library.ObjectType,),
        {
            "articles": library.Field(page, first=library.Int()),
            "resolve_articles": lambda _parent, info, first: _articles(info.context, first),
        },
    )
    schema = library.Schema(query=query)
    return _graphql(lambda session, text: schema.execute(text, context_value=session).formatted)


def ariadne() -> ASGIApp:
    """Articles by Ariadne."""
    library = importlib.import_module("ariadne")
    query, moment = library.QueryType(), library.ScalarType("Moment")
    moment.set_serializer(lambda value: value.isoformat())
    query.set_field("articles", lambda _, info, first: {"nodes": _articles(info.context, first)})
    schema = library.make_executable_schema(
        """
        scalar Moment
        type Article {
            articleId: String, title: String, link: String, publishedAt: Moment
            sourceName: String, lang: String, relevance: Float
        }
        type Page { nodes: [Article!] }
        type Query { articles(first: Int): Page }
        """,
        query,
        moment,
        convert_names_case=True,
    )

    def execute(session: Session, text: str) -> dict[str, Any]:
        _, answer = library.graphql_sync(schema, {"query": text}, context_value=session)
        return dict(answer)

    return _graphql(execute)


def _articles(session: Session, first: int) -> list[dict[str, Any]]:
    relation = Relation(ARTICLES.now, ARTICLES.before, FIELDS, ARTICLES.published)
    state = states.current_state(session)
    rows = states.articles_page(session, relation, state, ArticleFilter(), after=None, rows=first)
    return [dict(zip(FIELDS, row, strict=True)) for row in rows]


def _graphql(execute: Callable[[Session, str], dict[str, Any]]) -> ASGIApp:
    # They read as this program does, so that they differ in GraphQL only.
    library = RememberingLibrary(open_library(load_settings()))

    def executed(text: str) -> dict[str, Any]:
        known = library.now_at_hand() or library.now()
        return library.read(lambda session: execute(session, text), known)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        text = json.loads(await _body(receive))["query"]
        told = await run_in_threadpool(executed, text)
        body = json.dumps(told, default=str).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


async def _body(receive: Receive) -> bytes:
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)


def main() -> None:
    name, *arguments = sys.argv[1:]
    if name != "bare" and importlib.util.find_spec(name) is None:
        print("missing")
        return
    makers: dict[str, Callable[..., ASGIApp]] = {
        "bare": bare,
        "graphene": graphene,
        "ariadne": ariadne,
    }
    application = makers[name](*arguments)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(application, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
