"""Days, the archive, and what arrives when."""

from datetime import UTC, datetime, timedelta

import pytest

from newsapi_dentsu.sandbox import ListCorpus, Sandbox, SandboxArticle

from .support import NOW, article, error_of, found, sandbox, search


def test_days_are_inclusive_and_utc() -> None:
    with sandbox(
        article("before", "2026-11-18T23:59:59Z"),
        article("first", "2026-11-19T00:00:00Z"),
        article("last", "2026-11-20T23:59:59Z"),
        article("after", "2026-11-21T00:00:00Z"),
    ) as server:
        both = {"dateStart": "2026-11-19", "dateEnd": "2026-11-20"}
        assert found(server, **both) == ["first", "last"]
        assert found(server, lang="eng", dateStart="2026-11-21") == ["after"]
        assert found(server, lang="eng", dateEnd="2026-11-18") == ["before"]


def test_the_index_date_counts_not_the_publication_date() -> None:
    with sandbox(article("1", dateTimePub="2026-11-02T09:00:00Z")) as server:
        assert found(server, dateStart="2026-11-20", dateEnd="2026-11-20") == ["1"]
        assert found(server, dateStart="2026-11-02", dateEnd="2026-11-02") == []


def test_an_article_is_seen_from_its_arrival_on() -> None:
    now = NOW
    late = article("late", "2026-11-20T09:00:00Z", arrives_at=NOW + timedelta(hours=5))
    later = article("early", "2026-11-21T09:00:00Z")
    with Sandbox(ListCorpus([late, later]), clock=lambda: now) as server:
        assert found(server, dateStart="2026-11-20") == ["early"]
        now = NOW + timedelta(hours=5)
        assert found(server, dateStart="2026-11-20") == ["early", "late"]


def test_articles_can_be_added_while_the_server_runs() -> None:
    corpus = ListCorpus()
    with Sandbox(corpus, clock=lambda: NOW) as server:
        assert found(server) == []
        corpus.add(article("1"))
        assert found(server) == ["1"]


@pytest.mark.parametrize("window", [7, 31, "31"])
def test_a_time_window_keeps_the_search_out_of_the_archive(window: int | str) -> None:
    articles = article("old", "2026-01-05T00:00:00Z"), article("new", "2026-11-20T00:00:00Z")
    with sandbox(*articles) as server:
        assert found(server, lang="eng") == ["new", "old"]
        assert found(server, lang="eng", forceMaxDataTimeWindow=window) == ["new"]
        assert server.requests[-1].tokens == 1


@pytest.mark.parametrize(
    "params",
    [
        {"dateStart": "20.11.2026"},
        {"dateStart": "2026-11-31"},
        {"dateEnd": "2026-11-20T00:00:00"},
        {"dateStart": "2026-11-20", "dateEnd": "2026-11-19"},
        {"lang": "eng", "forceMaxDataTimeWindow": 14},
    ],
)
def test_impossible_days_are_not_executed(params: dict[str, object]) -> None:
    with sandbox() as server:
        assert "date" in error_of(search(server, **params)) or "14" in error_of(
            search(server, **params)
        )


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="arrives_at needs a time zone"):
        SandboxArticle({}, datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20))  # noqa: DTZ001
