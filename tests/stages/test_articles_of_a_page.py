"""Which articles a page gives, what links and dates they show, where earlier texts are read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.stages import deduplicate as deduplicating
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.explanation import explain
from newsapi_dentsu.warehouse.tables import final, processed
from support.articles import body, record
from support.databases import Databases, fresh
from support.examples import costly
from support.processing import broken_promises, process, process_in_pieces, store
from support.tables import NUMBERS, column, count, dump, execute, row, rows

MORNING = datetime(2026, 11, 20, 6, tzinfo=UTC)
LATER = MORNING + timedelta(days=1)
PAPER = "http://www.paper.example/today/"
TITLES = {
    "bridge": "Mayor opens the new bridge",
    "chips": "Chip maker raises its forecast",
    "cup": "Cup final is lost at home",
}


def page(uri: str, hours: float, url: str, text: str, **fields: Any) -> dict[str, Any]:
    """A record that the index found so many hours after the morning."""
    values = {"url": url, "title": TITLES.get(text, "A story"), "body": body(text), **fields}
    return record(uri, MORNING + timedelta(hours=hours), **values)


def links(warehouse: Warehouse) -> list[str]:
    return column(warehouse, final.TABLE, "link")


def test_the_link_is_the_newest_record_s_as_it_was_given(warehouse: Warehouse) -> None:
    store(
        warehouse,
        page("1", 0, "https://a.example/story?utm_source=feed", "cup"),
        page("2", 1, "http://www.a.example:80/story/", "cup"),
    )
    process(warehouse)
    shown = row(warehouse, final.TABLE, "1 = 1")
    assert (shown["url"], shown["link"]) == (
        "https://a.example/story",
        "http://www.a.example:80/story/",
    )
    store(warehouse, page("3", 2, "https://a.example/story#comments", "cup"))
    process(warehouse, LATER)
    assert links(warehouse) == ["https://a.example/story#comments"]
    assert column(warehouse, final.TABLE, "updated_at") == [LATER]


def test_a_rejected_article_can_be_opened_too(warehouse: Warehouse) -> None:
    store(warehouse, page("1", 0, PAPER, "cup", lang="deu"))
    process(warehouse)
    assert column(warehouse, final.REJECTED, "link") == [PAPER]
    store(warehouse, page("2", 0, "http://www.b.example/x/", "s"), page("3", 1, PAPER, "s"))
    process(warehouse)
    refused = row(warehouse, final.REJECTED, "reason = 'copy'")
    assert "http://www.b.example/x/" in refused["detail"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://spa.example/#news/12", "https://spa.example/#news/13"),
        ("https://spa.example/#?id=1", "https://spa.example/#?id=2"),
        ("https://spa.example/#id=1", "https://spa.example/#id=2"),
        ("https://spa.example/app#page=1", "https://spa.example/app#page=2"),
        ("https://spa.example/summit#post-1", "https://spa.example/summit#post-2"),
        ("https://spa.example/#!/ai/7", "https://spa.example/#!/ai/8"),
        ("https://spa.example/story", "https://spa.example/story#comments"),
        ("https://press.example/?cat=3&#038;p=1", "https://press.example/?cat=3&#038;p=2"),
    ],
)
def test_what_a_fragment_names_is_told_by_the_texts(
    warehouse: Warehouse, other_warehouse: Warehouse, one: str, other: str
) -> None:
    given = [url.replace("&#038;", "&") for url in (one, other)]
    store(warehouse, page("1", 0, one, "cup"), page("2", 1, other, "chips"))
    process(warehouse)
    assert links(warehouse) == sorted(given)
    assert count(warehouse, final.TABLE) == 2
    assert broken_promises(warehouse) == set()
    if "&" not in one:
        store(other_warehouse, page("1", 0, one, "cup"), page("2", 1, other, "cup"))
        process(other_warehouse)
        assert links(other_warehouse) == [other]


def test_a_fragment_that_only_tells_how_one_came_makes_no_difference(
    warehouse: Warehouse,
) -> None:
    store(
        warehouse,
        page("1", 0, "https://spa.example/#/a", "cup"),
        page("2", 1, "https://spa.example/#/a?utm_source=r", "cup", title="Cup final: now a film"),
    )
    process(warehouse)
    assert column(warehouse, final.TABLE, "url") == ["https://spa.example/#/a"]


def test_plainly_different_articles_at_one_url_are_articles_of_their_own(
    warehouse: Warehouse,
) -> None:
    for hours, text in enumerate(TITLES):
        store(warehouse, page(text, hours, PAPER, text))
        process(warehouse)
    assert column(warehouse, final.TABLE, "title") == sorted(TITLES.values())
    assert links(warehouse) == [PAPER] * 3
    assert "https://paper.example/today" in column(warehouse, final.TABLE, "url")
    assert len(set(column(warehouse, final.TABLE, "url"))) == 3
    assert broken_promises(warehouse) == set()
    shown = set(column(warehouse, final.TABLE, "article_id"))
    with warehouse.snapshot() as session:
        paths = explain(session, PAPER)
        assert {path.article_id for path in paths} == shown
        for path in paths:
            assert path.url is not None
            named = {one.article_id for one in explain(session, path.url)}
            assert named == {path.article_id} or path.url == "https://paper.example/today"


@pytest.mark.parametrize(
    "link", ["mailto:desk@paper.example", 'a "bad" \\ link\n\ud83d', "http://exa mple.com/ü", ""]
)
def test_a_link_that_is_none_is_explained_as_it_was_given(warehouse: Warehouse, link: str) -> None:
    store(warehouse, page("1", 0, PAPER, "cup", image=link), page("2", 0, link, "cup"))
    store(warehouse, page("3", 0, "mailto:other@paper.example", "cup", source={"url": link}))
    process(warehouse)
    with warehouse.snapshot() as session:
        (path,) = explain(session, link)
        assert [(one.uri, one.url) for one in path.records] == [("2", link)]


def test_an_article_is_explained_by_its_id_and_its_story_s(warehouse: Warehouse) -> None:
    store(
        warehouse,
        page("1", 0, PAPER, "cup"),
        page("2", 1, "https://b.example/", "cup"),
        page("3", 2, "https://c.example/", "chips"),
    )
    process(warehouse)
    with warehouse.snapshot() as session:
        (path,) = explain(session, PAPER)
        assert path.article_id
        assert path.standing
        assert explain(session, path.article_id) == [path]
        assert explain(session, "nothing") == []
    moving = "UPDATE processed.assessments SET story_id = 'moved' WHERE story_id = $1"
    execute(warehouse, moving, path.standing.story_id)
    with warehouse.snapshot() as session:
        assert len(explain(session, "moved")) == 2


def test_an_update_is_the_same_article_with_the_date_of_its_text(warehouse: Warehouse) -> None:
    half = " ".join(body("cup").split()[:24])
    texts = (body("cup"), f"{half} {body('later')}", f"{half} {body('later still')}")
    store(
        warehouse,
        *(
            page(f"{n}", 2 * n, PAPER, "", title=f"LIVE {word} of the cup", body=text)
            for n, (word, text) in enumerate(zip(("morning", "noon", "end"), texts, strict=True))
        ),
    )
    process(warehouse)
    shown = row(warehouse, final.TABLE, "1 = 1")
    assert shown["body"] == texts[-1]
    assert shown["version"] == 3
    assert shown["publishedAt"] == MORNING + timedelta(hours=4)
    assert shown["first_published_at"] == MORNING
    with warehouse.snapshot() as session:
        versions = session.rows(
            f"SELECT body, publishedAt, link FROM {final.VERSIONS} "
            "WHERE article_id = $1 ORDER BY shown_from",
            shown["article_id"],
        )
        (path,) = explain(session, PAPER)
    dates = [MORNING + timedelta(hours=hours) for hours in (0, 2, 4)]
    assert versions == [(text, at, PAPER) for text, at in zip(texts, dates, strict=True)]
    assert [(one.body, one.published_at, one.link) for one in path.versions] == versions


def test_the_view_of_versions_has_the_columns_that_are_described(warehouse: Warehouse) -> None:
    assert column(warehouse, final.VERSIONS, ", ".join(final.VERSION_COLUMNS)) == []


def test_a_text_without_a_date_of_its_own_takes_the_last_one_known(warehouse: Warehouse) -> None:
    undated = {"dateTimePub": None, "dateTime": None, "date": None, "time": None}
    store(warehouse, page("1", 0, PAPER, "cup"), page("2", 3, PAPER, "cup"))
    changed = page("2", 3, PAPER, "cup", body=body("cup") + " And now the end.", **undated)
    store(warehouse, changed, now=LATER)
    process(warehouse, LATER)
    shown = row(warehouse, final.TABLE, "1 = 1")
    assert shown["body"].endswith("the end.")
    assert shown["publishedAt"] == MORNING + timedelta(hours=3)


@pytest.mark.parametrize(
    "odd", ["\x00", "\ud83d", "\\u0000", "\\", "\\\\u0000", '"', "\x1b", "é\n"]
)
def test_any_text_can_be_read_among_the_versions(warehouse: Warehouse, odd: str) -> None:
    store(
        warehouse,
        page("1", 0, PAPER, "", body=f"Before {odd} after"),
        page("2", 1, "https://other.example/", "cup"),
    )
    process(warehouse)
    with warehouse.snapshot() as session:
        found = session.rows(f"SELECT body FROM {final.VERSIONS} ORDER BY uri")
    assert len(found) == 2
    assert found[0][0].startswith("Before ")
    assert found[0][0].endswith(" after")
    if odd.isprintable() or odd.endswith("\n"):
        assert found[0][0] == f"Before {odd} after"


def test_a_late_record_of_the_morning_gives_what_an_early_one_would_have(
    warehouse: Warehouse, other_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deduplicating, "_WORDINGS_NEAR", 1)
    monkeypatch.setattr(deduplicating, "_WORDINGS_KEPT", 1)
    records = [page(f"{n}{text}", n, PAPER, text) for n, text in enumerate(TITLES)]
    records.append(page("9", 9, PAPER, "bridge", title="Bridge is open", body=body("bridge") * 2))
    for one in reversed(records):
        store(warehouse, one)
        process(warehouse)
    store(other_warehouse, *records)
    process(other_warehouse)
    tables = (processed.TABLE, final.TABLE)
    assert dump(warehouse, *tables, skip=NUMBERS) == dump(other_warehouse, *tables, skip=NUMBERS)
    assert count(warehouse, final.TABLE) == 3
    assert broken_promises(warehouse) == set()


def test_a_link_that_older_rules_refused_is_taken_by_a_full_refresh(
    warehouse: Warehouse,
) -> None:
    url = "http://www.a.example/story/?utm_campaign=spring sale"
    store(warehouse, page("1", 0, url, "cup"), page("2", 0, "mailto:a@b.example", "chips"))
    execute(
        warehouse,
        "UPDATE raw.ai_marketing_news_raw SET url = NULL, unusable = 'bad_url' WHERE uri = '1'",
    )
    process(warehouse, full_refresh=True)
    assert links(warehouse) == [url]
    assert [one["reason"] for one in rows(warehouse, processed.OUTCOMES)] == [None, "bad_url"]
    with warehouse.snapshot() as session:
        assert session.rows(f"SELECT link FROM {final.VERSIONS}") == [(url,)]


def test_a_link_too_long_for_an_index_is_kept_whole(warehouse: Warehouse) -> None:
    url = f"http://www.a.example/story/?utm_content={'a' * 5000}"
    store(warehouse, page("1", 0, url, "cup"))
    process(warehouse)
    assert links(warehouse) == [url]
    assert column(warehouse, "raw.ai_marketing_news_raw", "url") == ["https://a.example/story"]


URLS = (PAPER, "https://paper.example/today", f"{PAPER}#/1", f"{PAPER}#top", f"{PAPER}#/1?id=2")
arriving = st.lists(
    st.tuples(
        st.integers(0, 9), st.integers(0, 5), st.sampled_from(URLS), st.sampled_from([*TITLES, ""])
    ),
    min_size=2,
    max_size=7,
    unique_by=lambda drawn: drawn[0],
)


@costly(8)
@given(data=st.data(), drawn=arriving)
def test_every_order_of_arrival_gives_the_same_articles(
    databases: Databases, data: st.DataObject, drawn: list[tuple[int, int, str, str]]
) -> None:
    records = [page(f"{uri}", hours, url, text) for uri, hours, url, text in drawn]
    seen = []
    for _ in range(2):
        with fresh(databases) as made:
            process_in_pieces(made, data, records)
            assert broken_promises(made) == set()
            seen.append(dump(made, processed.TABLE, final.TABLE, skip=NUMBERS))
    assert seen[0] == seen[1]
