"""The same text on many sites is read once, whatever the order in which its copies come."""

import json
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain import comparison, quality, relevance, similarity, stories, wrapping
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.stages import curate as curating
from newsapi_dentsu.stages import group as grouping
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.explanation import explain
from newsapi_dentsu.warehouse.tables import assessments, final, processed, text_bands
from support.articles import TOPICS, body, record
from support.databases import Databases, fresh
from support.examples import costly
from support.processing import broken_promises, process, process_in_pieces, store
from support.tables import column, count, dump, row, rows

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
LATER = MORNING + timedelta(days=1)
STRICTER = TOPICS.model_copy(
    update={"relevance": TOPICS.relevance.model_copy(update={"threshold": 0.99})}
)


def on(site: str, hours: float, text: str, **fields: Any) -> dict[str, Any]:
    """A record on a site of its own, published so many hours after the morning."""
    return record(
        site,
        MORNING + timedelta(hours=hours),
        url=f"https://{site}.example/news",
        title=f"As told by {site}",
        body=text,
        source={"uri": f"{site}.example", "dataType": "news", "title": site},
        **fields,
    )


def sites(warehouse: Warehouse) -> set[str]:
    return {source.partition(".")[0] for source in column(warehouse, final.TABLE, "source_uri")}


def cut(text: str) -> str:
    words = text.split()
    return " ".join(words[: len(words) // 2])


def test_copies_stay_out_of_final_and_the_original_tells_of_them(warehouse: Warehouse) -> None:
    store(
        warehouse,
        on("first", 0, body("s")),
        on("second", 1, body("s")),
        on("third", 2, f"By Jo Weiss, London. {body('s')}"),
        on("stranger", 3, body("other")),
    )
    process(warehouse)
    assert sites(warehouse) == {"first", "stranger"}
    original = row(warehouse, final.TABLE, "source_uri = 'first.example'")
    assert original["duplicate_count"] == 2
    assert json.loads(original["other_sources"]) == ["second.example", "third.example"]
    assert {one["reason"] for one in rows(warehouse, final.REJECTED)} == {"copy"}
    assert all("first.example" in one["detail"] for one in rows(warehouse, final.REJECTED))
    assert broken_promises(warehouse) == set()


def test_a_copy_that_was_cut_is_found(warehouse: Warehouse) -> None:
    text = f"{body('s')} {body('t')} {body('u')}"
    store(warehouse, on("whole", 0, text), on("cut", 1, cut(text)))
    process(warehouse)
    assert sites(warehouse) == {"whole"}
    assert row(warehouse, assessments.TABLE, "role = 'copy'")["rule"] == "no_news"


def test_a_rewrite_stays_and_shares_the_story(warehouse: Warehouse) -> None:
    text = f"{body('s')} {body('t')} {body('u')}"
    words = text.split()
    rewritten = " ".join(
        word[::-1] if number % 45 < 15 else word for number, word in enumerate(words)
    )
    store(warehouse, on("first", 0, text), on("rewrite", 1, rewritten))
    process(warehouse)
    assert sites(warehouse) == {"first", "rewrite"}
    assert len(set(column(warehouse, final.TABLE, "story_id"))) == 1


def test_a_late_earlier_original_takes_its_copies_and_the_story_over(
    warehouse: Warehouse,
) -> None:
    store(warehouse, on("second", 5, body("s")), on("third", 6, body("s")))
    process(warehouse)
    assert sites(warehouse) == {"second"}
    (story,) = column(warehouse, final.TABLE, "story_id")

    store(warehouse, on("first", 0, body("s")), now=LATER)
    process(warehouse, LATER)
    assert sites(warehouse) == {"first"}
    now = row(warehouse, final.TABLE, "1 = 1")
    assert now["story_id"] == story
    assert now["duplicate_count"] == 2
    assert now["updated_at"] == LATER
    left = row(warehouse, final.CHANGES, "1 = 1")
    assert left["reason"] == "copy"
    assert left["replaced_by"] == now["article_id"]
    assert left["changed_at"] == LATER
    assert broken_promises(warehouse) == set()


def test_nobody_sees_one_text_twice_while_a_story_changes_hands(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(warehouse, on("second", 5, body("s")), *(on(f"x{n}", n, body(f"{n}")) for n in range(6)))
    process(warehouse)
    store(warehouse, on("first", 0, body("s")), *(on(f"y{n}", n, body(f"y{n}")) for n in range(6)))
    monkeypatch.setattr(curating, "BATCH_ROWS", 1)
    whole = curating._curate_batch
    seen: list[int] = []

    def watched(*arguments: Any) -> Any:
        report = whole(*arguments)
        session = arguments[0]
        seen.append(len(session.rows(f"SELECT 1 FROM {final.TABLE} WHERE body = $1", body("s"))))
        return report

    monkeypatch.setattr(curating, "_curate_batch", watched)
    process(warehouse)
    assert len(seen) > 7
    assert set(seen) == {1}
    assert "first" in sites(warehouse)


def test_stories_are_the_same_where_few_texts_and_comparisons_are_kept(
    warehouse: Warehouse, other_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one, kept in ((warehouse, 1), (other_warehouse, 1_000_000)):
        monkeypatch.setattr(grouping, "_PREPARED_CHARACTERS", kept)
        monkeypatch.setattr(stories, "_MOST_KEPT", kept)
        for first in (0, 6):
            texts = [body(f"{n % 3}") + (f" {cut(body(f'x{n}'))}" * (n % 2)) for n in range(12)]
            store(one, *(on(f"z{n}", n, texts[n]) for n in range(first, first + 6)))
            process(one)
    assert dump(warehouse, assessments.TABLE) == dump(other_warehouse, assessments.TABLE)


def test_an_original_that_may_not_be_read_leaves_the_story_to_its_copy(
    warehouse: Warehouse,
) -> None:
    store(
        warehouse,
        on("german", 0, body("s"), lang="deu"),
        on("english", 1, body("s")),
    )
    process(warehouse)
    assert sites(warehouse) == {"english"}
    assert row(warehouse, final.REJECTED, "1 = 1")["reason"] == "language"


def test_a_copy_whose_text_changes_becomes_an_article_of_its_own(warehouse: Warehouse) -> None:
    store(warehouse, on("first", 0, body("s")), on("second", 1, body("s")))
    process(warehouse)
    store(warehouse, on("second", 1, body("something else")), now=LATER)
    process(warehouse, LATER)
    assert sites(warehouse) == {"first", "second"}
    assert len(set(column(warehouse, final.TABLE, "story_id"))) == 2
    assert column(warehouse, final.TABLE, "duplicate_count") == [0, 0]
    assert broken_promises(warehouse) == set()


def test_copies_beyond_the_horizon_are_articles_of_their_own(warehouse: Warehouse) -> None:
    now = MORNING + timedelta(days=9)
    store(warehouse, on("first", 0, body("s")), on("second", 24 * 8, body("s")), now=now)
    process(warehouse, now, horizon_days=7)
    assert sites(warehouse) == {"first", "second"}


def test_an_old_article_meets_its_neighbours_though_their_bands_were_dropped(
    warehouse: Warehouse,
) -> None:
    store(warehouse, on("old", 0, body("s")))
    process(warehouse)
    much_later = MORNING + timedelta(days=200)
    store(warehouse, on("new", 24 * 199, body("t")), now=much_later)
    process(warehouse, much_later)
    with warehouse.snapshot() as session:
        assert session.rows(f"SELECT min(day) FROM {text_bands.BANDS}")[0][0] > MORNING.date()
    store(warehouse, on("older", -30, body("s")), now=much_later)
    process(warehouse, much_later)
    assert sites(warehouse) == {"older", "new"}


def test_a_full_refresh_keeps_every_row_and_every_story(warehouse: Warehouse) -> None:
    store(warehouse, on("second", 5, body("s")), on("third", 6, body("s")))
    process(warehouse)
    store(warehouse, on("first", 0, body("s")), on("stranger", 3, body("other")), now=LATER)
    process(warehouse, LATER)
    before = dump(warehouse, final.TABLE, final.REJECTED, times=True)
    process(warehouse, LATER + timedelta(days=1), full_refresh=True)
    assert dump(warehouse, final.TABLE, final.REJECTED, times=True) == before
    assert count(warehouse, final.CHANGES) == 1


def test_changed_rules_are_told_until_a_full_refresh(warehouse: Warehouse) -> None:
    store(warehouse, on("first", 0, body("s")))
    process(warehouse)
    assert not group(warehouse, TOPICS, now=LATER).rules_changed
    assert group(warehouse, STRICTER, now=LATER).rules_changed
    assert sites(warehouse) == {"first"}
    process(warehouse, LATER, full_refresh=True, topics=STRICTER)
    assert not group(warehouse, STRICTER, now=LATER).rules_changed
    assert sites(warehouse) == set()
    assert row(warehouse, final.REJECTED, "1 = 1")["reason"] == "off_topic"


def test_verdicts_by_several_rules_are_told_until_a_full_refresh(warehouse: Warehouse) -> None:
    store(warehouse, on("first", 0, body("s")))
    process(warehouse)
    store(warehouse, on("second", 1, body("t")))
    process(warehouse, LATER, topics=STRICTER)
    assert sites(warehouse) == {"first"}
    assert group(warehouse, TOPICS, now=LATER).rules_changed
    assert group(warehouse, STRICTER, now=LATER).rules_changed
    process(warehouse, LATER, full_refresh=True)
    assert not group(warehouse, TOPICS, now=LATER).rules_changed
    assert sites(warehouse) == {"first", "second"}


def test_rules_by_which_nothing_was_judged_are_not_told_once_they_are_set_back(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(warehouse, on("first", 0, body("s")))
    process(warehouse)
    assert group(warehouse, STRICTER, now=LATER).rules_changed
    store(warehouse, on("second", 1, body("t")))

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(assessments, "save_assessed", kill)
        with pytest.raises(KeyboardInterrupt):
            process(warehouse, LATER, topics=STRICTER)
    assert not group(warehouse, TOPICS, now=LATER).rules_changed


@pytest.mark.parametrize(("topics", "told"), [(STRICTER, False), (TOPICS, True)])
def test_a_killed_full_refresh_is_told_of_unless_its_rules_judge_the_rest(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, topics: Topics, told: bool
) -> None:
    store(warehouse, on("first", 0, body("s")), on("second", 1, body("t")))
    process(warehouse)

    def kill(done: int, _of: int) -> None:
        if done:
            raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(grouping, "BATCH_ROWS", 1)
        with pytest.raises(KeyboardInterrupt):
            group(warehouse, STRICTER, now=LATER, full_refresh=True, progress=kill)
    process(warehouse, LATER, topics=topics)
    assert group(warehouse, topics, now=LATER).rules_changed is told
    assert group(warehouse, STRICTER, now=LATER).rules_changed is told


@pytest.mark.parametrize("rules", [similarity, comparison, relevance, quality, wrapping])
def test_rules_that_another_program_brings_are_told(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, rules: ModuleType
) -> None:
    process(warehouse)
    assert not group(warehouse, TOPICS, now=LATER).rules_changed
    monkeypatch.setattr(rules, "METHOD", "another")
    assert group(warehouse, TOPICS, now=LATER).rules_changed


def test_bands_of_another_method_are_made_anew(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(warehouse, on("first", 0, body("s")))
    with monkeypatch.context() as then:
        then.setattr(similarity, "METHOD", "another")
        then.setattr(similarity, "bands", lambda _text: frozenset({1}))
        process(warehouse)
    store(warehouse, on("second", 1, body("s")))
    process(warehouse)
    assert sites(warehouse) == {"first"}
    assert set(column(warehouse, text_bands.BANDED_DAYS, "method")) == {similarity.METHOD}


def test_explaining_a_copy_tells_of_what_how_alike_and_by_which_rule(
    warehouse: Warehouse,
) -> None:
    store(warehouse, on("first", 0, body("s")), on("second", 1, body("s")))
    process(warehouse)
    with warehouse.snapshot() as session:
        (path,) = explain(session, "https://second.example/news")
    assert path.verdict == "rejected"
    assert path.standing is not None
    assert (path.standing.role, path.standing.rule) == ("copy", "same_text")
    assert [(one.link, one.role, one.is_final) for one in path.story] == [
        ("https://first.example/news", "original", True),
        ("https://second.example/news", "copy", False),
    ]


def test_the_index_own_guess_is_not_the_verdict(warehouse: Warehouse) -> None:
    store(warehouse, on("only", 0, body("s"), isDuplicate=True))
    process(warehouse)
    assert sites(warehouse) == {"only"}
    assert row(warehouse, processed.TABLE, "1 = 1")["is_duplicate"] is True


TEXTS = (
    body("s"),
    f"Update: {body('s')}",
    cut(f"{body('s')} {body('t')}"),
    f"{body('s')} {body('t')}",
    f"{body('s')} {body('t')} {body('u')}",
    f"{body('s')} {body('v')}",
    f"{body('w')} {body('s')}",
    body("t"),
    body("other"),
)
arrivals = st.lists(
    st.tuples(st.sampled_from(TEXTS), st.integers(0, 40), st.sampled_from(["eng", "deu"])),
    min_size=2,
    max_size=7,
)


@costly(5)
@given(data=st.data(), drawn=arrivals)
def test_any_order_and_batching_end_with_the_same_final_table(
    databases: Databases, data: st.DataObject, drawn: list[tuple[str, int, str]]
) -> None:
    records = [
        on(f"site{number}", hours, text, lang=lang)
        for number, (text, hours, lang) in enumerate(drawn)
    ]
    seen = []
    for _ in range(2):
        with fresh(databases) as made:
            process_in_pieces(made, data, records)
            shown = dump(made, final.TABLE, final.REJECTED, skip={"story_id", "change_seq"})
            shown["stories"] = [{"story": sorted(group)} for group in _stories(made)]
            seen.append(shown)
            assert broken_promises(made) == set()
    assert seen[0] == seen[1]


def _stories(warehouse: Warehouse) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for one in rows(warehouse, assessments.TABLE):
        groups.setdefault(one["story_id"], []).append(one["article_id"])
    return sorted(sorted(group) for group in groups.values())
