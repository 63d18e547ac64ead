"""While the index of searches is being made, whoever searches is told what can't be found yet."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.reading import making
from newsapi_dentsu.reading.copy import publish
from newsapi_dentsu.reading.index import publish_search
from newsapi_dentsu.reading.library import CopyLibrary
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store
from support.searching import MODEL

from .conftest import Site, serving

DAY = timedelta(days=1)


@pytest.fixture
def site(
    duckdb_databases: DuckDBDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """Six articles, a day apart, of which the newest two can be found."""
    monkeypatch.setattr(making, "_CHAPTER", 2)
    warehouse = duckdb_databases.create().open()
    store(warehouse, *(record(f"{n:05}", NOON - n * DAY) for n in range(6)))
    process(warehouse)
    publish(warehouse, tmp_path)
    publish_search(warehouse, tmp_path, MODEL, seconds=0)
    with serving(CopyLibrary(tmp_path)) as url:
        yield Site(url, warehouse, tmp_path)
    warehouse.close()


SINCE = "2026-11-19T12:00:00Z"
FIND = "query($q: String) { articles(q: $q) { totalCount foundSince } }"


def test_the_api_tells_how_far_back_it_finds(site: Site) -> None:
    for path in ("search", "search/facets", "articles", "stories"):
        more = "&days=31" if path == "stories" else ""
        assert site.json(f"/api/v1/{path}?q=story{more}")["found_since"] == SINCE, path
        assert site.json(f"/api/v1/{path}?q=since:2026-11-20{more}")["found_since"] is None, path
    told = site.json("/api/v1/search?q=story")
    assert (told["total"], len(told["hits"])) == (2, 2)


def test_the_pages_tell_it(site: Site) -> None:
    for path in ("/search?q=story", "/stories?q=story&days=30"):
        assert "before 2026-11-19 12:00 can’t be found yet" in site.get(path).text, path
    for path in ("/search?q=story+since:2026-11-20", "/stories?days=30", "/"):
        assert "can’t be found yet" not in site.get(path).text, path


def test_graphql_tells_it(site: Site) -> None:
    import requests

    answer = requests.post(
        f"{site.url}/graphql", json={"query": FIND, "variables": {"q": "story"}}, timeout=30
    ).json()
    assert answer["data"]["articles"]["totalCount"] == 2
    assert answer["data"]["articles"]["foundSince"].startswith("2026-11-19T12:00:00")


def test_once_all_is_in_it_nothing_is_told(site: Site) -> None:
    publish_search(site.warehouse, site.folder, MODEL)

    assert site.json("/api/v1/search?q=story")["found_since"] is None
    assert site.json("/api/v1/search?q=story")["total"] == 6
    assert "can’t be found yet" not in site.get("/search?q=story").text
