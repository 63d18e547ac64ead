"""`newsapi trends`: the trends of the page and the API, in a terminal."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from newsapi_dentsu.cli.trends import _lacking
from newsapi_dentsu.reading.library import CopyLibrary
from newsapi_dentsu.reading.trends import Week
from newsapi_dentsu.website import api, search_api

from .conftest import Workspace

Query = Callable[[Workspace, str], list[tuple[Any, ...]]]


def test_the_json_is_what_the_api_answers(filled: Workspace, query: Query) -> None:
    ((concept,),) = query(
        filled,
        "SELECT label FROM final.article_concepts WHERE label NOT LIKE '%,%' "
        "GROUP BY label ORDER BY count(*) DESC, label LIMIT 1",
    )
    told = filled.newsapi("trends", "--weeks", "4", "--concept", concept, "--format", "json").json

    asked = {"weeks": "4", "concepts": concept}
    with closing(CopyLibrary(filled.folder / "data/reading")) as library:
        answer = library.read(lambda session: search_api.trends(session, asked))
    assert told == json.loads(api.as_json(answer))
    assert {share["label"] for share in told["shares"]} == {concept}


def test_the_weeks_are_told_in_lines_with_what_is_compared(filled: Workspace, query: Query) -> None:
    ((articles,),) = query(filled, "SELECT count(*) FROM final.articles")
    ((concept,),) = query(
        filled,
        "SELECT label FROM final.article_concepts GROUP BY label "
        "ORDER BY count(*) DESC, label LIMIT 1",
    )
    lines = filled.newsapi("trends", "--weeks", "52", "--concept", concept).out.splitlines()

    weeks = [line.split() for line in lines[1 : lines.index("")]]
    assert sum(int(week[1].replace(",", "")) for week in weeks) == articles
    assert any("not complete" in line or "not over" in line for line in lines)
    assert any(line.split("  ")[0] == "SHARE" and concept in line for line in lines)
    assert any(line.startswith("MOST ARTICLES") for line in lines)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--weeks", "0"], "--weeks"),
        (["--weeks", "53"], "--weeks"),
        ([f"--concept=c{n}" for n in range(9)], "8 times at most"),
        (["--out", "trends.txt"], "--format json"),
    ],
)
def test_what_makes_no_sense_is_told(filled: Workspace, options: list[str], told: str) -> None:
    refused = filled.newsapi("trends", *options)

    assert refused.code == 2
    assert told in refused.err


def test_those_of_whom_there_is_nothing_are_named(filled: Workspace) -> None:
    asked = ("--brand", "Nobody \x1b[1mInc", "--concept", "nothing of the kind", "--weeks", "2")
    for format_ in ("text", "json"):
        told = filled.newsapi("trends", *asked, "--format", format_)
        assert told.code == 0
        assert "is about nothing of the kind" in told.err
        assert "speaks about Nobody" in told.err
        assert "\x1b" not in told.err


def test_a_week_that_is_known_whole_and_not_over_says_that() -> None:
    monday = date(2026, 11, 23)
    assert _lacking(Week(monday, 9, 9, 9, days=7, complete=False)) == "not over yet"
    assert _lacking(Week(monday, 9, 9, 9, days=3, complete=False)) == "not complete: 3 of 7 days"


def test_without_anything_to_read_it_says_what_to_do(workspace: Workspace) -> None:
    nothing = workspace.newsapi("trends")

    assert nothing.code == 1
    assert "newsapi run" in nothing.err
