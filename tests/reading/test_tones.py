"""Articles are found by how they speak about whom, with the same hits everywhere."""

from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.domain.names import name_key
from newsapi_dentsu.reading import hits, tones
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.library import Library, revision_of
from newsapi_dentsu.reading.search import parse_search
from newsapi_dentsu.reading.states import (
    ARTICLES,
    ROWS,
    ArticleFilter,
    Relation,
    articles_count,
    articles_page,
    current_state,
)
from newsapi_dentsu.reading.tones import names_like, unread
from newsapi_dentsu.reading.trends import trends
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import tone
from support.articles import body, record
from support.clock import NOON
from support.processing import process, store
from support.searching import published
from support.tables import count, execute
from support.tones import read_nothing, tell

HOSTILE = {
    "C++": "c",
    "C#": "c",
    "a.*b|c(": "regex",
    "Nestlé’s": "accent",
    'Toys "R" Us': "quotes",
    "🍎": "emoji",
    "نوفا": "right to left",
    "'; DROP TABLE x; --": "sql",
    "back\\slash": "backslash",
    "nova=negative@x": "marks",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reading"


def begin(warehouse: Warehouse) -> None:
    """Four articles of one hour each."""
    titles = ("Blamed", "Praised", "Both", "Foreign")
    store(
        warehouse,
        *(
            record(title, NOON - timedelta(hours=hour), title=title)
            for hour, title in enumerate(titles)
        ),
    )
    process(warehouse)
    tell(warehouse, "Blamed", "negative", of={"Nova": "negative"})
    tell(warehouse, "Praised", "positive", of={"NOVA": "positive", "Acme Inc.": "uncertain"})
    tell(warehouse, "Both", "uncertain", of={"Nova": "positive", "Acme Inc.": "negative"})
    tell(warehouse, "Foreign", tone.NOT_SCORED)


def titles(library: Library, typed: str) -> list[str]:
    with library.session() as session:
        index = index_of(session)
        found = index.newest(parse_search(typed), rows=100)
        assert index.count(parse_search(typed)) == len(found)
        return [one.title for one in index.hits(found)]


def test_tones_and_brands_are_looked_for(warehouse: Warehouse, folder: Path) -> None:
    begin(warehouse)
    library = published(warehouse, folder)

    for typed, wanted in {
        "brand:nova": ["Blamed", "Praised", "Both"],
        'brand:"acme inc."': ["Praised", "Both"],
        "brand:acme": [],
        "brand:nova tone:positive": ["Praised", "Both"],
        'brand:"ACME Inc." tone:negative': ["Both"],
        "tone:negative": ["Blamed"],
        "tone:negative tone:uncertain": ["Blamed", "Both"],
        "tone:not-scored": ["Foreign"],
        "tone:neutral": [],
        "-tone:not_scored": ["Blamed", "Praised", "Both"],
        '-brand:"Acme Inc."': ["Blamed", "Foreign"],
        "brand:nova -tone:positive": ["Blamed"],
        "praised tone:negative": [],
    }.items():
        assert titles(library, typed) == wanted, typed


def test_the_filters_of_lists_find_the_same(warehouse: Warehouse, folder: Path) -> None:
    begin(warehouse)
    library = published(warehouse, folder)

    for brand, how, typed in (
        ("Nova", None, "brand:Nova"),
        ("Nova", "positive", "brand:Nova tone:positive"),
        (None, "negative", "tone:negative"),
        (None, "not_scored", "tone:not_scored"),
    ):
        wanted = ArticleFilter(brand=brand, tone=how)
        with warehouse.snapshot() as session:
            state = current_state(session)
            rows = articles_page(session, ROWS, state, wanted, after=None, rows=10)
        found = [dict(zip(ROWS.columns, row, strict=True))["title"] for row in rows]
        assert found == titles(library, typed), typed


@pytest.mark.parametrize("typed", ["tone:", "tone:glad", "brand:", 'brand:"  "', "tone:''"])
def test_what_is_no_tone_and_no_brand_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^(tone|brand): needs"):
        parse_search(typed)


def test_whatever_a_brand_is_called_it_is_found_and_no_other(
    warehouse: Warehouse, folder: Path
) -> None:
    store(
        warehouse,
        *(
            record(f"h{number}", NOON - timedelta(hours=number), title=f"Number {number}")
            for number in range(len(HOSTILE))
        ),
    )
    process(warehouse)
    for number, name in enumerate(HOSTILE):
        tell(warehouse, f"Number {number}", of={name: "negative"})
    library = published(warehouse, folder)

    for number, name in enumerate(HOSTILE):
        quoted = name.replace('"', " ")
        assert titles(library, f'brand:"{quoted}" tone:negative') == [f"Number {number}"], name
        assert titles(library, f'brand:"{quoted}" tone:positive') == []
    assert name_key("STRASSE  Süd") == name_key("straße Sud")


def test_searches_follow_tones_that_change_though_no_article_does(
    warehouse: Warehouse, folder: Path
) -> None:
    begin(warehouse)
    library = published(warehouse, folder)
    with library.session() as session:
        before = revision_of(session)

    tell(warehouse, "Blamed", "positive", of={"Acme Inc.": "positive"}, model="m@2")
    library = published(warehouse, folder)

    with library.session() as session:
        assert revision_of(session) != before
        assert session.rows("SELECT tone FROM final.articles WHERE title = 'Blamed'") == [
            ("positive",)
        ]
    assert titles(library, "brand:nova tone:negative") == []
    assert titles(library, 'brand:"acme inc." tone:positive') == ["Blamed"]
    assert titles(library, "tone:positive") == ["Blamed", "Praised"]


LISTS = {
    "brand:nova": ArticleFilter(brand="Nova"),
    "brand:nova tone:positive": ArticleFilter(brand="Nova", tone="positive"),
    "brand:nova tone:negative": ArticleFilter(brand="Nova", tone="negative"),
    "tone:positive": ArticleFilter(tone="positive"),
    "tone:negative": ArticleFilter(tone="negative"),
}
"""Searches by tone, each with the filters of lists that ask for the same."""


def of_state(session: Session, state: int, relation: Relation, wanted: ArticleFilter) -> list[str]:
    """The titles of a state's articles, as many as are counted."""
    rows = articles_page(session, relation, state, wanted, after=None, rows=100)
    assert len(rows) == articles_count(session, relation, state, wanted)
    return [row[list(relation.columns).index("title")] for row in rows]


def found_in(warehouse: Warehouse, folder: Path, state: int) -> dict[str, list[str]]:
    """What lists by tone have of a state; searches and the tables themselves have the same."""
    library = published(warehouse, folder)
    found = {}
    for typed, wanted in LISTS.items():
        with library.session() as session:
            found[typed] = of_state(session, state, ARTICLES, wanted)
            searched = ArticleFilter(search=parse_search(typed))
            assert of_state(session, state, ARTICLES, searched) == found[typed], typed
        with warehouse.snapshot() as session:
            assert of_state(session, state, ROWS, wanted) == found[typed], typed
    return found


@pytest.mark.each_engine
def test_a_former_state_has_its_articles_by_tone_though_one_has_left(
    warehouse: Warehouse, folder: Path
) -> None:
    begin(warehouse)
    with warehouse.snapshot() as session:
        state = current_state(session)
    before = found_in(warehouse, folder, state)
    copied = record("Praised", NOON - timedelta(hours=1), title="Praised", body=body("Both"))
    store(warehouse, copied, now=NOON + timedelta(hours=1))
    process(warehouse, NOON + timedelta(hours=1))
    read_nothing(warehouse)

    assert found_in(warehouse, folder, state) == before
    assert before["brand:nova"] == ["Blamed", "Praised", "Both"]
    with warehouse.snapshot() as session:
        now = current_state(session)
    assert found_in(warehouse, folder, now)["brand:nova"] == ["Blamed", "Both"]


@pytest.mark.each_engine
def test_tones_of_a_former_state_are_those_of_now(warehouse: Warehouse, folder: Path) -> None:
    begin(warehouse)
    with warehouse.snapshot() as session:
        state = current_state(session)
    found_in(warehouse, folder, state)
    changed = record("Blamed", NOON, title="Blamed no more", body=body("other"))
    store(warehouse, changed, now=NOON + timedelta(hours=1))
    process(warehouse, NOON + timedelta(hours=1))
    tell(warehouse, "Blamed no more", "positive", of={"Nova": "positive"})

    assert found_in(warehouse, folder, state) == {
        "brand:nova": ["Blamed", "Praised", "Both"],
        "brand:nova tone:positive": ["Blamed", "Praised", "Both"],
        "brand:nova tone:negative": [],
        "tone:positive": ["Blamed", "Praised"],
        "tone:negative": [],
    }


@pytest.mark.each_engine
def test_tones_of_what_left_are_forgotten_with_the_states_that_had_it(
    warehouse: Warehouse, folder: Path
) -> None:
    begin(warehouse)
    read_nothing(warehouse)
    published(warehouse, folder)
    known: list[tuple[int, list[str]]] = []
    # It leaves, comes back, leaves again when nobody can read that any more, and stays away.
    for text, days in (("Both", 0), ("Praised", 1), ("Both", 3), ("Both", 6)):
        now = NOON + timedelta(days=days, hours=1)
        again = record("Praised", NOON - timedelta(hours=1), title="Praised", body=body(text))
        store(warehouse, again, record(f"of day {days}", now), now=now)
        process(warehouse, now)
        read_nothing(warehouse)
        with published(warehouse, folder).session() as session:
            rows = session.rows("SELECT article_id, title FROM final.articles_past")
            past: dict[str, str] = dict(rows)
            told = session.rows("SELECT DISTINCT article_id FROM final.article_targets_past")
        assert {article_id for (article_id,) in told} == past.keys()
        known.append((count(warehouse, tone.ARTICLES), sorted(past.values())))

    assert known == [(4, ["Both", "Praised"])] * 3 + [(3, [])]


def test_hits_are_counted_by_tone_and_by_whom_they_speak_about(
    warehouse: Warehouse, folder: Path
) -> None:
    begin(warehouse)
    with published(warehouse, folder).session() as session:
        index = index_of(session)
        all_ = hits.facets(index, parse_search("since:2020-01-01"))
        of_nova = hits.facets(index, parse_search("brand:nova"))
        (first, *_) = index.hits(index.newest(parse_search("tone:uncertain"), rows=1))

    assert all_.tones == [("negative", 1), ("not_scored", 1), ("positive", 1), ("uncertain", 1)]
    assert [(name.casefold(), count) for name, count in all_.brands] == [
        ("nova", 3),
        ("acme inc.", 2),
    ]
    assert of_nova.tones == [("positive", 2), ("negative", 1)]
    assert first.tone == "uncertain"
    assert first.targets == [
        tones.Speaks("Acme Inc.", "negative"),
        tones.Speaks("Nova", "positive"),
    ]


def test_targets_of_before_names_were_compared_are_found_after_the_next_run(
    warehouse: Warehouse, folder: Path
) -> None:
    begin(warehouse)
    execute(warehouse, f"UPDATE {tone.TARGETS} SET target_key = NULL")

    with warehouse.transaction() as session:
        tone.fill_keys(session)
        wanted = ArticleFilter(brand="nova")
        rows = articles_page(session, ROWS, current_state(session), wanted, after=None, rows=10)

    assert len(rows) == 3


def test_a_story_tells_the_mean_of_its_articles_and_all_their_sentences(
    warehouse: Warehouse, folder: Path
) -> None:
    store(
        warehouse,
        record("one", NOON - timedelta(hours=3), title="One"),
        record("other", NOON, title="Other", body=body("another text")),
    )
    process(warehouse)
    execute(
        warehouse,
        "UPDATE final.filtered_news SET story_id = (SELECT min(story_id) FROM final.filtered_news)",
    )
    one = tell(warehouse, "One", of={"Nova": "negative"}, model="m@1")
    other = tell(warehouse, "Other", of={"Nova": "positive"}, model="m@2")

    with published(warehouse, folder).session() as session:
        ((story_id,),) = session.rows("SELECT DISTINCT story_id FROM final.articles")
        ((told,),) = tones.of_stories(session, [story_id, "none"]).values()
        ((alone,),) = tones.of_articles(session, [one]).values()

    assert (told.label, told.score, told.mentions) == ("uncertain", 0.0, 2)
    assert told.models == ["m@1", "m@2"]
    assert {each.article_id for each in told.sentences} == {one, other}
    assert (alone.label, alone.models) == ("negative", ["m@1"])
    assert alone.sentences[0].sentence[14:18] == "Nova"


MONDAY = NOON.date() - timedelta(days=NOON.weekday())


def test_a_story_counts_once_in_the_trend_of_a_brand_and_weeks_say_if_they_are_complete(
    warehouse: Warehouse, folder: Path
) -> None:
    at = {"Last": NOON - timedelta(days=7), "One": NOON - timedelta(hours=3), "Other": NOON}
    store(
        warehouse,
        *(record(title, moment, title=title, body=body(title)) for title, moment in at.items()),
    )
    process(warehouse)
    execute(
        warehouse,
        "UPDATE final.filtered_news SET story_id = 'one' WHERE title IN ('One', 'Other')",
    )
    tell(warehouse, "One", of={"Nova": "negative", "Acme, Inc.": "neutral"})
    tell(warehouse, "Other", of={"NOVA": "negative"})
    tell(warehouse, "Last", of={"nova": "positive"})

    with published(warehouse, folder).session() as session:
        found = trends(
            session,
            NOON.date(),
            brands=["nova", "Acme, Inc.", "none"],
            today=MONDAY + timedelta(days=7),
        )

    assert [
        (one.week, one.brand, one.stories, one.share, one.negative, one.positive)
        for one in found.tones
    ] == [
        (MONDAY - timedelta(days=7), "nova", 1, 1.0, 0, 1),
        (MONDAY, "Acme, Inc.", 1, 0.5, 0, 0),
        (MONDAY, "nova", 1, 0.5, 1, 0),
    ]
    last, this = found.weeks
    assert (last.days, last.complete) == (7 - NOON.weekday(), NOON.weekday() == 0)
    assert (this.days, this.complete) == (NOON.weekday() + 1, NOON.weekday() == 6)


def test_the_names_that_are_most_like_an_unknown_one_are_known(warehouse: Warehouse) -> None:
    store(warehouse, record("1", NOON), record("2", NOON))
    process(warehouse)
    with warehouse.snapshot() as session:
        assert (unread(session), names_like(session, "Nova")) == ((2, 2), [])
    tell(
        warehouse,
        "Story 1",
        of={"Nova": "neutral", "Nova Motors Worldwide": "neutral", "Acme": "neutral"},
    )

    with warehouse.snapshot() as session:
        assert unread(session) == (1, 2)
        assert names_like(session, "NOVA") is None
        assert names_like(session, "worldwide") == ["Nova Motors Worldwide"]
        assert names_like(session, "acne") == ["Acme"]
        assert names_like(session, "%") == []
