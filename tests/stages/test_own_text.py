"""What a site wraps around an article is kept in its body, and nothing judges it."""

from datetime import timedelta

import pytest

from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.wrapping import renew_wrapping_lines
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.schema.views import drop_views
from newsapi_dentsu.warehouse.tables import assessments, final, processed, wrapping_lines
from support.articles import TOPICS, body, record
from support.clock import NOON
from support.processing import process, store
from support.tables import column, dump, execute, row

LATER = NOON + timedelta(days=1)
SITE_LINE = "Our desk answers letters each Friday."


def own_texts(warehouse: Warehouse, table: str = final.TABLE) -> list[str]:
    return column(warehouse, table, "substr(body, text_start + 1, text_end - text_start)")


def test_the_body_stays_whole_and_tells_where_the_own_text_is(warehouse: Warehouse) -> None:
    text = body("x") + " “Größe” 📈"
    whole = f"PORTO (AP) - {text}\n\n(Reporting by Jo Weiss)\n\nShare"
    store(warehouse, record("x", NOON, body=whole))
    process(warehouse)
    for table in (processed.TABLE, final.TABLE):
        assert column(warehouse, table, "body") == [whole]
        assert own_texts(warehouse, table) == [text]


def test_copies_with_other_wrapping_are_copies_of_one_text(warehouse: Warehouse) -> None:
    text = body("x")
    store(
        warehouse,
        record("one", NOON, body=f"PORTO (AP) -- {text}\n\n(Reporting by Jo Weiss)"),
        record("two", NOON + timedelta(hours=1), body=f"{text}\n\nRead more\n\nA bank answers"),
    )
    process(warehouse)
    rules = dict.fromkeys(column(warehouse, assessments.TABLE, "rule"))
    assert rules == {None: None, "same_text": None}


def test_relevance_and_quality_look_at_the_own_text(warehouse: Warehouse) -> None:
    topics = parse_topics(
        """
        quality: {min_words: 30}
        topics: [{name: AI, keywords: [chatbots]}]
        """,
        "topics.yaml",
    )
    letters = " ".join(f"letter{number}" for number in range(29))
    tail = "\n\nRelated stories\n\n" + "\n\n".join(["Chatbots answer for a bank"] * 8)
    store(
        warehouse,
        record("short", NOON, body=letters + tail),
        record("other", NOON, body=f"{letters} {letters}" + tail),
    )
    process(warehouse, topics=topics)
    reasons = dict(
        zip(
            column(warehouse, final.REJECTED, "title"),
            column(warehouse, final.REJECTED, "reason"),
            strict=True,
        )
    )
    assert reasons == {"Story short": "too_short", "Story other": "off_topic"}


def fill_source(warehouse: Warehouse) -> None:
    store(
        warehouse,
        *(
            record(f"{name}", NOON, title=f"Of {name}", body=f"{body(name)}\n\n{SITE_LINE}")
            for name in ("studios", "banks", "search", "radio", "posters", "voices")
        ),
    )
    process(warehouse)


def test_lines_that_recur_are_taken_off_after_they_were_looked_for(warehouse: Warehouse) -> None:
    fill_source(warehouse)
    assert all(text.endswith(SITE_LINE) for text in own_texts(warehouse))

    renewal = renew_wrapping_lines(warehouse)
    assert (renewal.lines, renewal.sources, renewal.added, renewal.removed) == (1, 1, 1, 0)
    assert group(warehouse, TOPICS, now=NOON).rules_changed
    assert all(text.endswith(SITE_LINE) for text in own_texts(warehouse))

    store(warehouse, record("new", NOON, body=f"{body('new')}\n\n{SITE_LINE}"))
    process(warehouse, LATER)
    assert row(warehouse, final.TABLE, "title = 'Story new'")["text_end"] == len(body("new"))

    process(warehouse, LATER, full_refresh=True)
    assert not group(warehouse, TOPICS, now=LATER).rules_changed
    assert not any(SITE_LINE in text for text in own_texts(warehouse))
    assert all(text.endswith(SITE_LINE) for text in column(warehouse, final.TABLE, "body"))


def test_what_is_known_follows_from_the_stored_articles_alone(warehouse: Warehouse) -> None:
    fill_source(warehouse)
    first = renew_wrapping_lines(warehouse)
    with warehouse.snapshot() as session:
        known = wrapping_lines.all_lines(session)
    again = renew_wrapping_lines(warehouse)
    assert (again.added, again.removed) == (0, 0)
    assert again.lines == first.lines == len(known)

    execute(warehouse, f"DELETE FROM {processed.TABLE} WHERE title = 'Of banks'")
    execute(warehouse, f"DELETE FROM {processed.TABLE} WHERE title = 'Of radio'")
    assert renew_wrapping_lines(warehouse).removed == 1


COLUMNS = ("text_start", "text_end")


@pytest.fixture
def of_an_earlier_version(warehouse: Warehouse) -> Warehouse:
    """A filled database as the version before this step left it."""
    store(
        warehouse,
        record("plain", NOON),
        record("wrapped", NOON, body=f"{body('wrapped')}\n\nShare"),
        record("marked", NOON, body=f"{body('marked')}<script>run()</script>"),
    )
    process(warehouse)
    execute(
        warehouse,
        f"UPDATE {processed.TABLE} SET body = body || '<b hidden>' WHERE title = 'Story marked'",
    )
    with warehouse.transaction() as session:
        drop_views(warehouse.engine, session)
    for name, statement in history.indexes(warehouse.engine.name).items():
        execute(warehouse, history.drop_index(name, statement))
    for table in (processed.TABLE, final.TABLE):
        for name in COLUMNS:
            execute(warehouse, f"ALTER TABLE {table} DROP COLUMN {name}")
    execute(warehouse, f"DROP TABLE {wrapping_lines.TABLE}")
    execute(warehouse, "DELETE FROM ops.schema_migrations WHERE version = 7")
    return warehouse


def test_an_upgrade_and_a_full_refresh_change_only_rows_that_differ(
    of_an_earlier_version: Warehouse,
) -> None:
    warehouse = of_an_earlier_version
    assert [step.version for step in warehouse.upgrade()] == [7]
    before = dump(warehouse)
    assert own_texts(warehouse) == column(warehouse, final.TABLE, "body")

    process(warehouse, LATER, full_refresh=True)

    changed = set(column(warehouse, final.TABLE, "title", f"updated_at > '{NOON:%Y-%m-%d %H:%M}'"))
    assert changed == {"Story wrapped"}
    assert set(own_texts(warehouse)) == {body(name) for name in ("plain", "wrapped", "marked")}
    assert set(column(warehouse, processed.TABLE, "body")) == {
        body("plain"),
        f"{body('wrapped')}\n\nShare",
        body("marked"),
    }
    assert dump(warehouse)[processed.OUTCOMES] == before[processed.OUTCOMES]
