"""`newsapi explain` and `newsapi articles` tell how articles speak about whom, or why not."""

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
