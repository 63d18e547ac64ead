"""What the sandbox tests share: a fixed now, small articles, and a plain HTTP client."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import requests

from newsapi_dentsu.sandbox import SANDBOX_KEY, ListCorpus, Sandbox, SandboxArticle

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AI = "http://en.wikipedia.org/wiki/Artificial_intelligence"
MARKETING = "http://en.wikipedia.org/wiki/Marketing"
DAY = {"dateStart": "2026-11-20", "dateEnd": "2026-11-20"}


def article(
    uri: str,
    when: str = "2026-11-20T09:00:00Z",
    *,
    arrives_at: datetime | None = None,
    concepts: Iterable[str] = (),
    categories: Iterable[str] = (),
    source: str = "adledger.example",
    **fields: Any,
) -> SandboxArticle:
    """Return an article with a full record of which a test gives the fields it is about."""
    record = {
        "uri": uri,
        "lang": "eng",
        "isDuplicate": False,
        "date": when[:10],
        "time": when[11:19],
        "dateTime": when,
        "dateTimePub": when,
        "dataType": "news",
        "sim": 0.5,
        "url": f"https://{source}/{uri}",
        "title": f"Title {uri}",
        "body": f"Body of article {uri}",
        "source": {"uri": source, "dataType": "news", "title": source},
        "authors": [],
        "image": None,
        "eventUri": None,
        "sentiment": 0.1,
        "wgt": 1,
        "relevance": 50,
        "concepts": [
            {"uri": concept, "type": "wiki", "score": 3, "label": {"eng": concept, "deu": "x"}}
            for concept in concepts
        ],
        "categories": [{"uri": name, "label": name, "wgt": 90} for name in categories],
        "location": None,
        "originalArticle": None,
        **fields,
    }
    return SandboxArticle.from_record(record, arrives_at=arrives_at)


def sandbox(*articles: SandboxArticle, **options: Any) -> Sandbox:
    """Return a sandbox over these articles, with tokens to spare, whose clock stands at `NOW`."""
    return Sandbox(ListCorpus(articles), **{"clock": lambda: NOW, "tokens": 100_000, **options})


def search(server: Sandbox, **params: Any) -> requests.Response:
    """Send one search; without conditions it asks for the one day of `DAY`."""
    body = {"apiKey": SANDBOX_KEY, **(params or DAY)}
    return requests.post(f"{server.url}/api/v1/article/getArticles", json=body, timeout=10)


def found(server: Sandbox, **params: Any) -> list[str]:
    """Return the uris that a search finds, sorted."""
    return sorted(result["uri"] for result in articles_of(search(server, **params))["results"])


def articles_of(response: requests.Response) -> dict[str, Any]:
    """Return the `articles` object of an answer."""
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    assert "articles" in answer, answer
    articles: dict[str, Any] = answer["articles"]
    return articles


def error_of(response: requests.Response) -> str:
    """Return the message of an answer that says that the query was not executed."""
    assert response.status_code == 200
    assert list(response.json()) == ["error"]
    return str(response.json()["error"])
