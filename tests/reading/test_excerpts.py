"""What is shown of a hit's text has the words that were looked for, where the text has them."""

import zlib
from collections.abc import Iterator

import pytest

from newsapi_dentsu.reading.excerpts import Piece, excerpts
from newsapi_dentsu.reading.hits import EXCERPT
from newsapi_dentsu.reading.index import index_of
from newsapi_dentsu.reading.library import Library
from newsapi_dentsu.reading.search import parse_search
from support.articles import body, record
from support.clock import NOON
from support.databases import DuckDBDatabases, disconnect
from support.processing import process, store
from support.searching import published


def long(*parts: str) -> str:
    """A text of these parts, where those that are empty are paragraphs like no other's."""
    seed = zlib.crc32("".join(parts).encode())
    return "".join(part or f"{body(f'{seed}-{at}')}. " for at, part in enumerate(parts))


BODIES = {
    "opening": long("The agency won a deal today. ", "", "", "Here it ends."),
    "further": long("", "", "At last the “Zeppelin” flew over Café Royal, they said. ", "", ""),
    "apart": long("", "A lark sang. ", "", "An owl and a lark met at night. ", ""),
    "far": long("", "A wren sang. ", "", "", "A stork, they say, slept. ", "", "A finch ate. ", ""),
    "script": "広告市場" * 200 + "東京塔" + "広告市場" * 100,
    "word": long("", f"{'x' * 400} heron {'y' * 400} ", ""),
    "markup": long("", "Whoever writes 1 < 2 & <b>osprey</b> means it. ", ""),
}


@pytest.fixture(scope="module")
def library(
    duckdb_databases: DuckDBDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    warehouse = duckdb_databases.create().open()
    store(
        warehouse,
        *(record(name, NOON, title=f"Title of {name}", body=told) for name, told in BODIES.items()),
    )
    process(warehouse)
    yield published(warehouse, tmp_path_factory.mktemp("reading"))
    disconnect(warehouse)


def shown(library: Library, name: str, query: str) -> list[Piece]:
    search = parse_search(query)
    with library.session() as session:
        index = index_of(session)
        hits = index.hits(index.newest(search, rows=20))
        (wanted,) = (one for one in hits if one.title.endswith(name))
        return excerpts(session, hits, search)[wanted.article_id]


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def marked(pieces: list[Piece]) -> list[str]:
    return [piece.text for piece in pieces if piece.marked]


@pytest.mark.parametrize(
    ("name", "query", "begins", "marks"),
    [
        ("opening", "AGENCY deal", "The agency won", ["agency", "deal"]),
        ("opening", '"a deal" won -crypto', "The agency won", ["won", "a deal"]),
        ("opening", "title", "The agency won", []),
        ("opening", "lang:eng", "The agency won", []),
        ("further", "zeppelin", "…At last the “Zeppelin”", ["Zeppelin"]),
        ("further", '"cafe royal" zeppelin', "…At last the", ["Zeppelin", "Café Royal"]),
        ("further", "marketing zeppelin", "…At last the", ["Zeppelin", "marketing"]),
        ("apart", "lark owl", "…An owl", ["owl", "lark"]),
        ("apart", "lark", "…A lark sang", ["lark"]),
        ("far", "stork wren", "…A wren sang", ["wren", "stork"]),
        ("far", "finch stork wren", "…A wren sang", ["wren", "stork", "finch"]),
        ("script", "東京塔", "…", ["東京塔"]),
        ("word", "heron", "…", ["heron"]),
        ("markup", "osprey", "…Whoever writes 1 < 2", ["osprey"]),
    ],
)
def test_the_words_stand_in_what_is_shown(
    library: Library, name: str, query: str, begins: str, marks: list[str]
) -> None:
    pieces = shown(library, name, query)
    assert text(pieces).startswith(begins)
    assert marked(pieces) == marks
    assert len(text(pieces)) <= 1.5 * EXCERPT + 8


def test_what_is_shown_stands_in_the_text(library: Library) -> None:
    for name, query in (("further", "zeppelin"), ("apart", "lark owl"), ("word", "heron")):
        assert text(shown(library, name, query)).strip("…") in BODIES[name]
    first, second = text(shown(library, "far", "stork wren")).strip("…").split(" … ")
    assert BODIES["far"].index(first) < BODIES["far"].index(second)
