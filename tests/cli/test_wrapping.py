"""`newsapi wrapping`: finding and listing the lines that recur at a source."""

from .conftest import Workspace


def test_what_recurs_is_found_listed_and_told(filled: Workspace) -> None:
    assert "newsapi wrapping renew" in filled.newsapi("wrapping", "list").err

    renewed = filled.newsapi("wrapping", "renew")

    assert renewed.code == 0
    assert "lines recur at" in renewed.out
    again = filled.newsapi("wrapping", "renew")
    assert "(0 new, 0 no longer)" in again.out
    assert "--full-refresh" not in again.out
