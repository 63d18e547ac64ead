"""`newsapi explain` and `newsapi articles` tell how articles speak about whom, or why not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsapi_dentsu.domain.brands import parse_brands
from newsapi_dentsu.meaning import tone_model
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.sentiment import score_sentiment
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.tables import final
from support.articles import record
from support.processing import process, store
from support.tables import execute
from support.tones import tell

from .conftest import Workspace

BRANDS = "brands: [{name: Nova, aliases: [NovaChat], ignore: [Nova Scotia]}, {name: Lantern}]"
BODY = "Artificial intelligence changes marketing number {}. "


@pytest.fixture
def place(workspace: Workspace) -> Iterator[tuple[Workspace, Warehouse]]:
    (workspace.folder / "brands.yaml").write_text(BRANDS)
    path = workspace.folder / "data/news.duckdb"
    warehouse = open_warehouse(Settings(_env_file=None, duckdb_path=path, use_postgres=False))
    warehouse.upgrade()
    yield workspace, warehouse
    warehouse.close()


def stored(warehouse: Warehouse, *articles: dict[str, Any]) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    store(
        warehouse,
        *(
            record(f"{n}", at, **{**fields, "body": BODY.format(n) + fields.get("body", "")})
            for n, fields in enumerate(articles)
        ),
        now=at,
    )
    process(warehouse, now=at)


def read(warehouse: Warehouse, brands: str = BRANDS) -> None:
    score_sentiment(warehouse, tone_model(), parse_brands(brands, "brands.yaml"))


def explained(workspace: Workspace, warehouse: Warehouse, number: int = 0) -> list[str]:
    """What `explain` says of the tone, line by line."""
    warehouse.release()
    finished = workspace.newsapi("explain", f"https://adledger.example/{number}")
    assert finished.code == 0, finished.err
    out = finished.out
    lines = [line.strip() for line in out.splitlines()]
    at = next((n for n, line in enumerate(lines) if line.startswith("final ")), len(lines))
    return lines[at + 1 :]


def test_the_sentences_of_a_watched_brand_are_shown(place: tuple[Workspace, Warehouse]) -> None:
    workspace, warehouse = place
    body = "In Nova Scotia it rains. NOVA’S phones are loved. Nobody buys a Lantern-like Novas."
    stored(warehouse, {"title": "NovaChat wins", "body": body})
    read(warehouse)

    lines = explained(workspace, warehouse)

    sentences = [line.split(": ", 1)[1] for line in lines if ", title:" in line or ", sent" in line]
    assert sentences == [
        "NovaChat wins",
        "NOVA’S phones are loved.",
        "Nobody buys a Lantern-like Novas.",
    ]
    assert not any("Scotia" in line for line in lines)


def test_why_there_is_no_tone_is_said(place: tuple[Workspace, Warehouse]) -> None:
    workspace, warehouse = place
    stored(warehouse, {"title": "Critics condemn a disaster"}, {"title": "Another day"})

    assert explained(workspace, warehouse)[0].startswith("tone       not read yet")

    execute(warehouse, f"UPDATE {final.TABLE} SET lang = 'deu' WHERE title = 'Another day'")
    execute(warehouse, "UPDATE processed.assessments SET lang = 'deu'")
    read(warehouse)

    lines = explained(workspace, warehouse)
    assert "in title and first sentence" in lines[0]
    assert lines[1].startswith("it names no watched brand")
    (line,) = explained(workspace, warehouse, 1)
    assert line.startswith("tone       not scored: the article's language is deu, and only English")


def test_what_is_of_before_says_so(place: tuple[Workspace, Warehouse]) -> None:
    workspace, warehouse = place
    stored(warehouse, {"title": "Customers love Nova"})
    read(warehouse)
    assert "of before" not in " ".join(explained(workspace, warehouse))

    (workspace.folder / "brands.yaml").write_text("brands: [{name: Acme}]")
    assert "of before" in explained(workspace, warehouse)[0]
    (workspace.folder / "brands.yaml").write_text("brands: [{name: ''}]")
    assert "of before" not in " ".join(explained(workspace, warehouse))
    (workspace.folder / "brands.yaml").write_text(BRANDS)
    execute(warehouse, f"UPDATE {final.TABLE} SET change_seq = change_seq + 1")
    lines = explained(workspace, warehouse)
    assert "of before" in lines[0]
    assert any("of Nova (brand): positive" in line for line in lines)


def asked(workspace: Workspace, warehouse: Warehouse, *arguments: str) -> tuple[list[str], str]:
    """The titles of the articles that are listed, and what is said beside them."""
    warehouse.release()
    finished = workspace.newsapi("articles", "--format", "jsonl", *arguments)
    assert finished.code == 0, finished.err
    return [json.loads(line)["title"] for line in finished.out.splitlines()], finished.err.strip()


def test_whoever_asks_for_a_name_that_nobody_has_is_told_what_to_do(
    place: tuple[Workspace, Warehouse],
) -> None:
    workspace, warehouse = place
    stored(warehouse, {"title": "First"}, {"title": "Second"}, {"title": "Third"})
    negative = ("--tone", "negative")
    nothing: tuple[list[str], str] = (
        [],
        "no article's tone has been read yet: newsapi run reads them",
    )
    assert asked(workspace, warehouse, "--brand", "Nova") == nothing
    assert asked(workspace, warehouse, *negative) == nothing

    tell(warehouse, "First", "negative", of={"Nova": "negative", "Acme Inc.": "neutral"})
    tell(warehouse, "Second", "not_scored")
    unread = "the tone of 1 of 3 articles has not been read yet: the next runs read them"
    assert asked(workspace, warehouse, "--brand", " NOVA ", *negative) == (["First"], unread)
    tell(warehouse, "Third", "neutral", of={"Nova": "neutral"})

    for arguments, titles, said in (
        (("--brand", "nova", *negative), ["First"], ""),
        (("--brand", "", *negative), ["First"], ""),
        (("--tone", "not_scored"), ["Second"], ""),
        (("--brand", "Novva"), [], "no article speaks about Novva: did you mean Nova?"),
        (("--brand", "Acme"), [], "no article speaks about Acme: did you mean Acme Inc.?"),
        (("--brand", "NovaChat"), [], "NovaChat is an alias: ask for --brand Nova"),
        (
            ("--brand", "Lantern"),
            [],
            "no article that was read speaks about Lantern, which is watched",
        ),
    ):
        assert asked(workspace, warehouse, *arguments) == (titles, said)
    assert "brands.yaml" in asked(workspace, warehouse, "--brand", "Xyz%")[1]
    (workspace.folder / "brands.yaml").write_text("brands: [{name: ''}]")
    assert "line 1" in asked(workspace, warehouse, "--brand", "Xyz")[1]
