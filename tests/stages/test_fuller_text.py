"""Where the later text is the fuller one, final shows it in the place of the shorter."""

from datetime import UTC, datetime, timedelta
from typing import Any

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.explanation import explain
from newsapi_dentsu.warehouse.tables import assessments, final
from support.articles import body, record
from support.processing import broken_promises, process, store
from support.tables import column, row, rows

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
LATER = MORNING + timedelta(days=1)
TITLE = "Harbour fair opens with a show of artificial intelligence"
SHORT = f"{body('s')} {body('t')}"
FULL = f"{SHORT}\n{body('background')}"
FULLER_STILL = f"{FULL}\n{body('history')}"
UPDATED = f"{body('news')}\n{SHORT}"


def on(site: str, hours: float, text: str, title: str = TITLE, **fields: Any) -> dict[str, Any]:
    """A record on a site of its own, published so many hours after the morning."""
    return record(
        site,
        MORNING + timedelta(hours=hours),
        url=f"https://{site}.example/news",
        title=title,
        body=text,
        source={"uri": f"{site}.example", "dataType": "news", "title": site},
        **fields,
    )


def roles(warehouse: Warehouse) -> dict[str, str]:
    found = rows(warehouse, assessments.TABLE)
    return {one["source_uri"].partition(".")[0]: one["role"] for one in found}


def test_the_fuller_text_stands_under_the_first_link(warehouse: Warehouse) -> None:
    store(warehouse, on("short", 0, SHORT), on("full", 2, FULL, sentiment=0.5))
    process(warehouse)
    shown = row(warehouse, final.TABLE, "1 = 1")
    full = row(warehouse, assessments.TABLE, "source_uri = 'full.example'")
    assert roles(warehouse) == {"short": "original", "full": "fuller"}
    assert shown["link"] == "https://short.example/news"
    assert shown["source_uri"] == "short.example"
    assert shown["first_published_at"] == MORNING
    assert shown["body"] == FULL
    assert shown["publishedAt"] == MORNING + timedelta(hours=2)
    assert shown["sentiment"] == 0.5
    assert shown["text_of"] == full["article_id"]
    assert shown["duplicate_count"] == 1
    assert broken_promises(warehouse) == set()


def test_changes_tell_that_another_text_is_shown_and_when_it_is_no_more(
    warehouse: Warehouse,
) -> None:
    store(warehouse, on("short", 0, SHORT))
    process(warehouse)
    store(warehouse, on("full", 2, FULL))
    process(warehouse, LATER)
    store(warehouse, on("full", 2, body("quite another text")), now=LATER)
    process(warehouse, LATER + timedelta(hours=1))
    shown = row(warehouse, final.TABLE, "source_uri = 'short.example'")
    assert (shown["body"], shown["text_of"]) == (SHORT, None)
    assert column(warehouse, final.CHANGES, "reason") == ["fuller_text", "own_text"]


def test_a_fuller_text_that_was_read_leaves_when_the_first_one_comes_late(
    warehouse: Warehouse,
) -> None:
    store(warehouse, on("full", 2, FULL))
    process(warehouse)
    story = column(warehouse, final.TABLE, "story_id")
    store(warehouse, on("short", 0, SHORT))
    process(warehouse, LATER)
    shown = row(warehouse, final.TABLE, "1 = 1")
    left = row(warehouse, final.CHANGES, "1 = 1")
    assert (shown["source_uri"], shown["body"]) == ("short.example", FULL)
    assert [shown["story_id"]] == story
    assert (left["reason"], left["replaced_by"]) == ("copy", shown["article_id"])


def test_the_fullest_of_a_row_of_texts_is_shown_and_all_are_counted(warehouse: Warehouse) -> None:
    store(
        warehouse,
        on("short", 0, SHORT),
        on("full", 1, FULL),
        on("fullest", 2, FULLER_STILL),
        on("copy", 3, FULL),
        on("update", 4, UPDATED, "Robots walk out of the harbour fair"),
    )
    process(warehouse)
    assert set(roles(warehouse).items()) == {
        ("short", "original"),
        ("full", "fuller"),
        ("fullest", "fuller"),
        ("copy", "copy"),
        ("update", "update"),
    }
    shown = row(warehouse, final.TABLE, "source_uri = 'short.example'")
    assert (shown["body"], shown["duplicate_count"]) == (FULLER_STILL, 3)
    assert len(set(column(warehouse, final.TABLE, "story_id"))) == 1
    refused = column(warehouse, final.REJECTED, "detail")
    assert all("https://short.example/news" in detail for detail in refused)


def test_what_changes_about_the_fuller_text_shows(warehouse: Warehouse) -> None:
    store(warehouse, on("short", 0, SHORT), on("full", 1, FULL), on("more", 2, FULLER_STILL))
    process(warehouse)
    store(warehouse, on("more", 2, FULLER_STILL, sentiment=-0.75), now=LATER)
    process(warehouse, LATER)
    assert row(warehouse, final.TABLE, "1 = 1")["sentiment"] == -0.75


def test_explain_tells_what_is_shown_and_why(warehouse: Warehouse) -> None:
    store(warehouse, on("short", 0, SHORT), on("full", 1, FULL))
    process(warehouse)
    with warehouse.snapshot() as session:
        (short,), (full,) = (
            explain(session, f"https://{site}.example/news") for site in ("short", "full")
        )
    assert short.text_of == "https://full.example/news"
    assert full.reason == "copy"
    assert full.standing is not None
    assert "words are new, at most" in (full.standing.reasons or "")


def test_a_copy_names_what_is_read_though_another_comes_to_stand_for_its_text(
    warehouse: Warehouse,
) -> None:
    copy = on("copy", 3, f"{FULL} (AP)")
    store(warehouse, on("short", 1, SHORT), on("full", 2, FULL), copy)
    process(warehouse)
    store(warehouse, on("first", 0, SHORT))
    process(warehouse, LATER)
    assert column(warehouse, final.TABLE, "link") == ["https://first.example/news"]
    told = row(warehouse, final.REJECTED, f"link = '{copy['url']}'")["detail"]
    assert told.startswith("of https://first.example/news ")


def test_a_copy_names_the_link_that_its_original_has_now(warehouse: Warehouse) -> None:
    first = on("first", 0, FULL)
    store(warehouse, first, on("copy", 3, FULL))
    process(warehouse)
    store(warehouse, first | {"url": "http://first.example/news"}, now=LATER)
    process(warehouse, LATER)
    (link,) = column(warehouse, final.TABLE, "link")
    assert link != first["url"]
    assert column(warehouse, final.REJECTED, "detail")[0].startswith(f"of {link} ")
