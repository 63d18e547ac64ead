"""A brand whose stories speak worse of it than before is told once, and again after recovery."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.alerts.rules_file import SHIPPED_RULES
from newsapi_dentsu.alerts.state_store import StateStore
from newsapi_dentsu.alerts.table_facts import read_brands
from newsapi_dentsu.domain.alerts.facts import BrandStories, Facts, Tables
from newsapi_dentsu.domain.alerts.incidents import AlertState, advance, first_state
from newsapi_dentsu.domain.alerts.rules import RuleSet, parse_rules
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final
from support.articles import record
from support.clock import NOON
from support.processing import process, store
from support.tables import execute
from support.tones import tell

from .conftest import Installation

RULES = parse_rules(
    SHIPPED_RULES.read_text().replace("enabled: false", "enabled: true"), "alerts.yaml"
)


def known(
    warehouse: Warehouse, days: Iterable[float], names: Sequence[str] = ("Nova",)
) -> tuple[BrandStories, ...]:
    """What is known of stories that were published so many days ago; the first two are bad."""
    store(warehouse, *(record(f"{n}", NOON - timedelta(days=day)) for n, day in enumerate(days)))
    process(warehouse)
    with warehouse.snapshot() as session:
        titles = [title for (title,) in session.rows(f"SELECT title FROM {final.TABLE}")]
    for title in titles:
        label = "negative" if title in ("Story 0", "Story 1") else "positive"
        tell(warehouse, title, of={"Nova": label})
    return seen(warehouse, names)


def seen(warehouse: Warehouse, names: Sequence[str] = ("Nova",)) -> tuple[BrandStories, ...]:
    with warehouse.snapshot() as session:
        found = read_brands(session, names, 7, NOON)
    return tuple(
        replace(
            one,
            tone=None if one.tone is None else round(one.tone, 2),
            tone_before=None if one.tone_before is None else round(one.tone_before, 2),
        )
        for one in found
    )


def test_stories_of_late_and_before_are_told_apart_and_each_counts_once(
    warehouse: Warehouse,
) -> None:
    assert known(warehouse, (1, 2, 9, 40)) == (BrandStories("Nova", 2, -0.7, 1, 0.7),)

    one_story = f"UPDATE {final.TABLE} SET story_id = 's' WHERE title IN ('Story 0', 'Story 1')"
    execute(warehouse, one_story)
    assert seen(warehouse) == (BrandStories("Nova", 1, -0.7, 1, 0.7),)


def test_a_story_counts_when_it_began_however_late_its_copies_come(warehouse: Warehouse) -> None:
    known(warehouse, (1, 9, 3, 37))

    execute(
        warehouse,
        f"UPDATE {final.TABLE} SET story_id = CASE WHEN title IN ('Story 0', 'Story 1') "
        "THEN 'before' ELSE 'long ago' END",
    )

    assert seen(warehouse) == (BrandStories("Nova", 0, None, 1, -0.7),)


def test_what_is_dated_ahead_counts_when_its_day_comes(warehouse: Warehouse) -> None:
    known(warehouse, (1, 2, 9))

    execute(
        warehouse,
        f"UPDATE {final.TABLE} SET publishedAt = $1 WHERE title = 'Story 0'",
        NOON + timedelta(days=1),
    )

    assert seen(warehouse) == (BrandStories("Nova", 1, -0.7, 1, 0.7),)


def test_only_brands_of_the_file_are_judged_by_their_name_of_now(warehouse: Warehouse) -> None:
    found = known(warehouse, (1, 2, 9), ("Nova AI", "Acme"))

    assert found == (
        BrandStories("Nova AI", 0, None, 0, None),
        BrandStories("Acme", 0, None, 0, None),
    )


def test_what_an_older_model_has_read_is_not_compared_with_the_new_ones(
    warehouse: Warehouse,
) -> None:
    known(warehouse, (1, 2, 9, 10))

    tell(warehouse, "Story 0", of={"Nova": "negative"}, model="m@2")

    assert seen(warehouse) == (BrandStories("Nova", 1, -0.7, 0, None, reading=True),)


def test_before_anything_was_read_there_is_nothing_to_say(warehouse: Warehouse) -> None:
    assert seen(warehouse) == (BrandStories("Nova", 0, None, 0, None),)


def after(*course: tuple[BrandStories, ...] | None) -> AlertState:
    """The state after so many hours, each with what was seen of brands."""
    state = first_state(NOON)
    for hour, brands in enumerate(course):
        tables = Tables((), None, 1 << 50, brands)
        facts = Facts(NOON + timedelta(hours=hour), "job", timedelta(hours=6), None, tables)
        state = advance(state, RULES, facts)
    return state


def told(state: AlertState) -> list[str]:
    """The notices of brands in order, each as its kind and its brand."""
    return [
        f"{one.kind} {state.incidents[one.incident_id].subject}"
        for one in state.notices.values()
        if one.incident_id and state.incidents[one.incident_id].rule == "brand_tone"
    ]


def stories(name: str = "Nova", fall: float = 0.5, count: int = 9) -> BrandStories:
    return BrandStories(name, count, -fall, count, 0.0)


def test_a_fall_is_told_once_and_again_only_after_recovery() -> None:
    fall, little, none = (stories(),), (stories(fall=0.2),), (stories(fall=0.0),)

    assert told(after(fall, fall, little, fall, fall)) == ["opened Nova"]
    assert told(after(little, none)) == []
    assert told(after(fall, none, fall)) == ["opened Nova", "recovered Nova", "opened Nova"]


def test_each_brand_is_told_by_itself() -> None:
    state = after((stories(), stories("Acme", 0.0)), (stories(), stories("Acme")))

    assert told(state) == ["opened Nova", "opened Acme"]
    assert {one.title for one in state.open_incidents if one.rule == "brand_tone"} == {
        "Tone of a brand fell: Nova",
        "Tone of a brand fell: Acme",
    }


@pytest.mark.parametrize(
    "unseen",
    [
        (stories(count=3),),
        (BrandStories("Nova", 0, None, 9, 0.0),),
        (BrandStories("Nova", 1, 0.5, 0, None, reading=True),),
        None,
    ],
)
def test_what_cannot_be_told_is_no_recovery(unseen: tuple[BrandStories, ...] | None) -> None:
    assert told(after((stories(),), unseen, (stories(),))) == ["opened Nova"]


@pytest.mark.parametrize(
    "gone", [(), (stories("Nova AI", 0.0),), (BrandStories("Nova", 1, -0.9, 2, 0.0),)]
)
def test_what_is_not_watched_or_spoken_of_any_more_is_over(gone: tuple[BrandStories, ...]) -> None:
    assert told(after((stories(),), gone)) == ["opened Nova", "recovered Nova"]


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.lists(
                st.builds(
                    stories,
                    st.sampled_from(["Nova", "Acme"]),
                    st.sampled_from([-0.3, 0.0, 0.2, 0.31, 1.0]),
                    st.sampled_from([0, 2, 9]),
                ),
                max_size=2,
                unique_by=lambda one: one.brand,
            ).map(tuple),
        ),
        max_size=10,
    )
)
def test_beginnings_and_ends_take_turns(course: list[tuple[BrandStories, ...] | None]) -> None:
    notices = told(after(*course))

    for name in ("Nova", "Acme"):
        kinds = [kind for kind, brand in map(str.split, notices) if brand == name]
        assert all(one != other for one, other in pairwise(["recovered", *kinds]))


def test_slack_is_told_of_the_brands_in_the_file_that_fell(site: Installation) -> None:
    (site.folder / "brands.yaml").write_text("brands: [{name: Nova}, {name: adidas}]")
    rule = "brand_tone: {enabled: true, stories: 1}"
    (site.folder / "alerts.yaml").write_text(
        f"rules: {{database_full: {{free_gb: 0.001}}, {rule}}}"
    )
    days = (1, 2, 9, 10)
    store(
        site.warehouse,
        *(record(f"{n}", site.now - timedelta(days=day)) for n, day in enumerate(days)),
    )
    process(site.warehouse)
    for number in range(len(days)):
        label = "negative" if number < 2 else "positive"
        tell(site.warehouse, f"Story {number}", of={"Nova": label, "Gone": label})
    site.record_fetch()

    site.look()
    site.later(hours=1)
    site.look()

    (message,) = [text for text in map(str, site.slack.taken) if "Tone of a brand" in text]
    assert "Tone of a brand fell: Nova" in message
    assert "from +0.70 (2 stories before) to -0.70 (2 stories) within 7 days" in message
    assert "Gone" not in message

    (site.folder / "brands.yaml").write_text("brands: [{name: Nova}, {name: NOVA}]")
    site.later(hours=1)
    assert "Nova" in str(site.look().open)


@pytest.mark.parametrize("left", ["rules: {brand_tone: {enabled: false}}", "rules: {}"])
def test_without_its_rule_an_incident_is_over(
    warehouse: Warehouse, tmp_path: Path, left: str
) -> None:
    store = StateStore(warehouse, tmp_path)
    store.load(NOON, lambda _session: None)
    opened = after((stories(),))
    (incident,) = [one for one in opened.open_incidents if one.rule == "brand_tone"]
    store.save(opened.with_outcomes([f"{incident.incident_id}/opened"], "told"))
    shipped = yaml.safe_load(SHIPPED_RULES.read_text())
    unseen = Facts(NOON + timedelta(hours=1), "job", timedelta(hours=6), None, None)

    rules = parse_rules(left, "alerts.yaml", shipped)
    for _ in range(2):
        state, _nothing = store.load(NOON, lambda _session: None)
        store.save(advance(state, rules, unseen))

    ends = "SELECT body, outcome FROM ops.notices WHERE kind = 'recovered' AND incident_id = $1"
    still = "SELECT count(*) FROM ops.incidents WHERE rule = 'brand_tone' AND closed_at IS NULL"
    with warehouse.snapshot() as session:
        (end,) = session.rows(ends, incident.incident_id)
        assert session.rows(still) == [(0,)]
    assert json.loads(end[0])["summary"] == (
        "nobody looks any more: the rule brand_tone is switched off"
    )
    assert end[1] == "pending"


def test_the_rule_is_off_until_somebody_asks() -> None:
    shipped: RuleSet = parse_rules(SHIPPED_RULES.read_text(), "alerts.yaml").rules
    assert not shipped.brand_tone.enabled
