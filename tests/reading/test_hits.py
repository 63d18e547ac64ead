"""A search has the hits that its rule says, on either engine."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsapi_dentsu.reading import making
from newsapi_dentsu.reading.entries import COLUMNS, Entry, entry, matches, points
from newsapi_dentsu.reading.hits import Index, Labels, best, counted, facets, tally_of
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.search import Search, parse_search
from newsapi_dentsu.warehouse import Warehouse
from support.articles import record
from support.clock import NOON
from support.databases import DuckDBDatabases, PostgresDatabases, disconnect
from support.processing import process, store
from support.searching import published

# Words with accents, apostrophes, hyphens and digits, of scripts without blanks, and frequent ones.
WORDS = (
    *("the", "the", "the", "deal", "Deal's", "l’accord", "café", "cafe\u0301", "state-of-the-art"),
    *("GPT-4o", "1,000", "3.5%", "C++", "AT&T", "x_y", "Straße", "İstanbul", "ﬁne", "naïve"),
    *("東京広告", "広告東京", "スタート", "삼성전자", "ภาษาไทย", "हिन्दी", "реклама", "Ελλάδα"),
    *("Mar\u00adketing", "zero\u200bwidth", "👍🏽", "e-mail", "2026", "agency", "series b", "—"),
)
SOURCES = ("adledger.example", "the-ad.example", "tokyo.example")
NAMES = {"adledger.example": "Ad Ledger", "the-ad.example": "The Ad", "tokyo.example": "東京 Ad"}


def articles(seed: int, count: int) -> list[dict[str, object]]:
    rng = random.Random(seed)
    made = []
    for number in range(count):
        # Many at the same moment, so that their order is told by their ids.
        at = NOON - timedelta(days=rng.choice((0, 0, 1, 3, 40, 300, 900)))
        source = rng.choice(SOURCES)
        made.append(
            record(
                f"{seed}-{number:03}",
                at,
                title=" ".join(rng.choices(WORDS, k=3)) + f" {seed}{number}",
                body=" ".join(rng.choices(WORDS, k=rng.choice((8, 30, 90)))) + ".",
                source={"uri": source, "title": NAMES[source]},
                lang=rng.choice(("eng", "deu")),
            )
        )
    return made


def change(warehouse: Warehouse) -> None:
    """A run in which articles come, and change."""
    changed = [one | {"title": "The deal anew"} for one in articles(1, 9)]
    store(warehouse, *articles(2, 12), *changed, now=NOON + timedelta(hours=1))
    process(warehouse, now=NOON + timedelta(hours=1))


@pytest.fixture(scope="module")
def libraries(
    duckdb_databases: DuckDBDatabases,
    postgres_databases: PostgresDatabases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Library]]:
    """The same articles on both engines, searched after a second run."""
    opened = []
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(making, "_CHAPTER", 20)
        for databases in (duckdb_databases, postgres_databases):
            warehouse = databases.create().open()
            stack.callback(disconnect, warehouse)
            folder = tmp_path_factory.mktemp("reading")
            store(warehouse, *articles(1, 90))
            process(warehouse)
            published(warehouse, folder)
            change(warehouse)
            opened.append(published(warehouse, folder))
        yield opened


@pytest.fixture(scope="module")
def entries(libraries: list[Library]) -> list[Entry]:
    """What is stored, the newest first."""
    with libraries[0].session() as session:
        rows = session.rows(f"SELECT {', '.join(COLUMNS)} FROM final.articles")
    made = [entry(row) for row in rows]
    return sorted(made, key=lambda one: (one.published_at, one.article_id), reverse=True)


def hits(index: Index, search: Search, page: int = 1000) -> list[str]:
    """All hits, page by page."""
    found = index.newest(search, rows=page)
    while len(found) % page == 0 and (
        more := index.newest(search, rows=page, after=found[-1].place if found else None)
    ):
        found += more
    return [one.place.article_id for one in found]


quoted = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(
    lambda words: '"' + " ".join(words).replace('"', "") + '"'
)
parts = st.one_of(
    st.sampled_from(WORDS),
    quoted,
    st.sampled_from(
        (
            *(
                "source:ad",
                "source:adledger.example",
                'source:"The Ad"',
                "-source:tokyo",
                "lang:de",
            ),
            *("topic:AI", "-topic:marketing", "since:2026-11-17", "until:2026-11-19", "lang:en"),
            *("since:2025-06-01", "source:東", "source:led"),
            *("domain:adledger.example", "domain:The-Ad.example", "domain:ad.example"),
        )
    ),
).flatmap(lambda part: st.sampled_from((part, part, f"-{part}" if part[0] not in "-s" else part)))


def parsed(typed: str) -> Search:
    try:
        return parse_search(typed)
    except ValueError:
        return Search()


@given(st.lists(parts, min_size=1, max_size=4).map(" ".join), st.integers(1, 30))
@example("the", 3)
@example("-the", 7)
@example('"the deal"', 2)
def test_both_engines_have_the_hits_of_the_rule(
    libraries: list[Library], entries: list[Entry], typed: str, page: int
) -> None:
    search = parsed(typed)
    wanted = [one.article_id for one in entries if matches(search, one)]
    ranks = {one.article_id: points(search, one) for one in entries}
    ranked = sorted(wanted, key=lambda one: -ranks[one])
    for library in libraries:
        with library.session() as session:
            index = index_of(session)
            assert hits(index, search, page) == wanted
            assert index.count(search) == counted(index, search).hits == len(wanted)
            assert [one.place.article_id for one in best(index, search, 1000)] == ranked
            told = facets(index, search)
            assert told.of == len(wanted)
            assert sum(count for _, count in told.languages) == told.of
            newest = index.newest(search, rows=page)
            shown = index.hits(newest)
            labels = [
                Labels(one.source_uri, one.topics, one.lang, one.tone, one.targets) for one in shown
            ]
            assert index.tally(search, page) == tally_of(newest, labels, search)


def test_a_whole_domain_finds_one_publication(
    libraries: list[Library], entries: list[Entry]
) -> None:
    """Where words of its name or domain find others, too."""
    of_domain = [one.article_id for one in entries if one.domain == "the-ad.example"]
    others = [one.article_id for one in entries if one.domain != "the-ad.example"]
    for library in libraries:
        with library.session() as session:
            index = index_of(session)
            assert hits(index, parse_search("domain:the-ad.example")) == of_domain
            assert hits(index, parse_search("domain:THE-AD.example")) == of_domain
            assert hits(index, parse_search("-domain:the-ad.example")) == others
            assert hits(index, parse_search("domain:the-ad")) == []
            assert set(hits(index, parse_search("source:ad.example"))) > set(of_domain)


def test_there_are_hits_at_all(libraries: list[Library], entries: list[Entry]) -> None:
    for typed in ("the", "cafe", "naive", "広告", "삼성", '"of the art"', "gpt-4o", "source:dger"):
        search = parse_search(typed)
        wanted = [one.article_id for one in entries if matches(search, one)]
        assert bool(wanted) == (typed != "source:dger")
        for library in libraries:
            with library.session() as session:
                assert hits(index_of(session), search) == wanted
