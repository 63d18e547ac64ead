"""A template that is filled in again and again costs little, and hides no text from another."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain import similarity, stories
from newsapi_dentsu.domain.similarity import prepare
from newsapi_dentsu.domain.stories import Rank
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import assessments, final, text_bands
from newsapi_dentsu.warehouse.tables.text_bands import Banded
from support.articles import body, record
from support.clock import NOON
from support.databases import Databases, fresh
from support.examples import costly
from support.processing import broken_promises, process, process_in_pieces, store
from support.tables import column, count, dump, rows

START = datetime(2026, 11, 1, tzinfo=UTC)

members = st.lists(
    st.tuples(
        st.integers(0, 72), st.booleans(), st.sets(st.integers(0, 3), min_size=1, max_size=3)
    ),
    min_size=2,
    max_size=14,
)


@given(drawn=members, nearest=st.integers(1, 4), horizon=st.integers(0, 3), known=st.booleans())
def test_in_each_band_those_published_next_before_and_after_are_candidates(
    warehouse: Warehouse,
    drawn: list[tuple[int, bool, set[int]]],
    nearest: int,
    horizon: int,
    known: bool,
) -> None:
    ranks = {
        f"a{number}": Rank.of(f"a{number}", START + timedelta(hours=hours), rejected=rejected)
        for number, (hours, rejected, _) in enumerate(drawn)
    }
    bands = {f"a{number}": bands for number, (_, _, bands) in enumerate(drawn)}
    days = {key: rank.published_at.date() for key, rank in ranks.items()}
    asked = {key: day for key, day in days.items() if known or key != "a0"}
    with pytest.MonkeyPatch.context() as patch, warehouse.transaction() as session:
        patch.setattr(stories, "NEAREST", nearest)
        text_bands.forget_bands_before(session, date.max)
        text_bands.save_bands(
            session, [Banded(days[key], key, tuple(of)) for key, of in bands.items()]
        )
        found = text_bands.sharing_bands(session, asked, horizon, ranks.values())
    assert found == _expected(ranks, bands, asked, nearest, horizon)


def _expected(
    ranks: dict[str, Rank],
    bands: dict[str, set[int]],
    asked: dict[str, date],
    nearest: int,
    horizon: int,
) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for key, band in ((one, band) for one in asked for band in bands[one]):
        own = ranks[key]
        having = sorted(
            (rank for other, rank in ranks.items() if band in bands[other]),
            key=lambda rank: (rank.published_at, rank.article_id),
        )
        for rank in having:
            if rank == own or abs((rank.published_at.date() - own.published_at.date()).days) > (
                horizon
            ):
                continue
            kind = [
                one
                for one in having
                if rank.rejected != own.rejected or one.rejected == own.rejected
            ]
            if abs(kind.index(rank) - kind.index(own)) <= nearest:
                found.setdefault(key, Counter())[rank.article_id] += 1
    return found


def filled(number: int) -> str:
    """A template with other names and numbers in it."""
    words = random.Random(f"slots {number}")
    slots = [str(words.randint(100, 9_999)) for _ in range(8)]
    text = f"{body('template')} {body('template more')}".split()
    for at, slot in enumerate(slots):
        text[at * 12 + 7] = slot
    return " ".join(text)


def long(*numbers: int) -> str:
    """A long text with a few numbers in it."""
    words = [word for n in range(12) for word in body(f"long {n}").split()[10:]]
    for at, number in enumerate(numbers):
        words[100 * (at + 1)] = str(number)
    return " ".join(words)


def banded_alike(texts: Sequence[str]) -> list[str]:
    """Those of some texts that have all bands in common but that of the whole text."""
    bands = [similarity.bands(prepare(text)) for text in texts]
    having = Counter(band for of_one in bands for band in of_one)
    common = {band for band, count in having.items() if 2 * count > len(texts)}
    return [text for text, of_one in zip(texts, bands, strict=True) if common <= of_one]


def on(site: str, hours: float, text: str, **fields: Any) -> dict[str, Any]:
    """A record on a site of its own."""
    return record(
        site,
        NOON - timedelta(days=9) + timedelta(hours=hours),
        url=f"https://{site}.example/news",
        source={"uri": f"{site}.example", "dataType": "news", "title": site},
        title=f"As told by {site}",
        body=text,
        **fields,
    )


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every band crowded that more than a few articles have."""
    monkeypatch.setattr(stories, "NEAREST", 2)


@pytest.mark.usefixtures("few")
def test_an_article_has_few_candidates_among_many_like_it(warehouse: Warehouse) -> None:
    store(warehouse, *(on(f"s{n}", n, f"{body('s')} number {n}") for n in range(40)))
    process(warehouse)
    keys = column(warehouse, assessments.TABLE, "article_id")
    with warehouse.snapshot() as session:
        stored = assessments.assessed(session, keys)
        days = {key: one.rank.day for key, one in stored.items() if one.rank.day}
        found = text_bands.sharing_bands(session, days, 30, ())
    most = max(map(len, found.values()))
    assert len(found) == 40
    assert most < 10


@pytest.mark.usefixtures("few")
def test_the_same_text_is_found_among_many_that_differ_in_a_few_numbers(
    warehouse: Warehouse,
) -> None:
    first, *between = banded_alike([long(n, n + 1) for n in range(1_000, 1_400, 2)])[:8]
    fills = (on(f"s{number}", 1 + number, text) for number, text in enumerate(between))
    store(warehouse, on("first", 0, first), *fills, on("last", 40, first))
    process(warehouse)
    assert sites_of(warehouse, "role = 'original'") == {"first", *(f"s{n}" for n in range(7))}
    assert sites_of(warehouse, "rule = 'same_text'") == {"last"}


@pytest.mark.usefixtures("few")
def test_an_original_is_found_through_its_copies_however_many_stand_between(
    warehouse: Warehouse,
) -> None:
    store(warehouse, *(on(f"s{number:02}", number, body("s")) for number in range(20)))
    process(warehouse)
    store(warehouse, on("late", 30, f"By Jo Weiss, London. {body('s')}"))
    process(warehouse)
    assert column(warehouse, final.TABLE, "source_uri") == ["s00.example"]
    assert count(warehouse, assessments.TABLE, "role = 'copy'") == 20


arrivals = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 40), st.sampled_from(["eng", "eng", "deu"])),
    min_size=4,
    max_size=12,
)


@pytest.mark.usefixtures("few")
@costly(5)
@given(data=st.data(), drawn=arrivals)
def test_any_order_and_batching_end_with_the_same_final_table(
    databases: Databases, data: st.DataObject, drawn: list[tuple[int, int, str]]
) -> None:
    records = [
        on(f"site{number}", hours, filled(text), lang=lang)
        for number, (text, hours, lang) in enumerate(drawn)
    ]
    seen = []
    for _ in range(2):
        with fresh(databases) as made:
            process_in_pieces(made, data, records)
            shown = dump(made, final.TABLE, final.REJECTED, skip={"story_id", "change_seq"})
            seen.append(shown)
            assert broken_promises(made) == set()
    assert seen[0] == seen[1]


@pytest.mark.usefixtures("few")
def test_those_that_come_into_reach_when_a_text_changes_are_compared(
    warehouse: Warehouse,
) -> None:
    first, one, two = banded_alike([long(n, n + 1) for n in range(1_000, 1_400, 2)])[:3]
    edits = [
        " ".join([*(words := first.split())[:at], "else", *words[at + 1 :]])
        for at in range(250, 400)
    ]
    edited = banded_alike(edits)[0]
    told = [on("first", 0, first), on("one", 1, one), on("two", 2, two), on("edited", 3, edited)]
    store(warehouse, *told)
    process(warehouse)
    assert sites_of(warehouse, "role = 'original'") == {"first", "one", "two", "edited"}
    store(warehouse, on("one", 1, body("another")), now=NOON + timedelta(hours=1))
    process(warehouse)
    assert sites_of(warehouse, "role = 'copy'") == {"edited"}


def sites_of(warehouse: Warehouse, condition: str) -> set[str]:
    found = rows(warehouse, assessments.TABLE, condition)
    return {one["source_uri"].partition(".")[0] for one in found}
