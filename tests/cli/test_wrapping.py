"""`newsapi wrapping`: finding and listing the lines that recur at a source."""

from contextlib import closing

from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse import open_warehouse
from newsapi_dentsu.warehouse.tables.wrapping_lines import WrappingLine, replace_all

from .conftest import Workspace


def test_what_recurs_is_found_listed_and_told(filled: Workspace) -> None:
    assert "newsapi wrapping renew" in filled.newsapi("wrapping", "list").err

    renewed = filled.newsapi("wrapping", "renew")

    assert renewed.code == 0
    assert "lines recur at" in renewed.out
    again = filled.newsapi("wrapping", "renew")
    assert "(0 new, 0 no longer)" in again.out
    assert "--full-refresh" not in again.out


def test_lines_are_listed_by_a_part_of_the_domain(filled: Workspace) -> None:
    lines = [
        WrappingLine(f"{name}.example", "end", f"Read {name} daily.", 7) for name in ("one", "two")
    ]
    settings = Settings(_env_file=None, duckdb_path=filled.folder / "data" / "news.duckdb")
    with closing(open_warehouse(settings)) as warehouse, warehouse.transaction() as session:
        replace_all(session, lines)

    for source, listed in (("one", 1), (" one ", 1), (".example", 2), (" ", 2), ("three", 0)):
        told = filled.newsapi("wrapping", "list", "--source", source).out
        assert told.count("daily.") == listed
