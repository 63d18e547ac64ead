"""Titles in the previews of Dagster's UI are text, whatever they hold."""

from datetime import UTC, datetime
from html import unescape
from re import sub

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from newsapi_dentsu.defs.assets import _markdown

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
READER = MarkdownIt("gfm-like", {"linkify": False})


def cell(title: str) -> str:
    """The title's cell, as HTML."""
    page: str = READER.render(_markdown([(AT, title, "https://adledger.example/1")]))
    cells = page.split("<td>")
    assert len(cells) == 4, page
    return cells[2].removesuffix("</td>\n")


@pytest.mark.parametrize(
    "title",
    [
        "![](https://evil.example/pixel.png)",
        "[click](javascript:alert(1))",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a | b | c",
        r"a \| b \\| c \[x](y)",
        "*bold* _it_ ~~gone~~ `code` **`",
        "https://evil.example and www.evil.example and me@evil.example",
        "# no heading",
        "1. no list",
        "- no list",
        "&lt;b&gt; &amp; &#124;",
        "[ref]: https://evil.example",
        "line\nbreak\r\n\n| new | row | x |",
        "| --- | --- |",
        ":smile: $x^2$ @somebody #7",
    ],
)
def test_a_title_is_shown_as_it_is(title: str) -> None:
    shown = cell(title)
    assert "<" not in shown
    assert unescape(shown) == " ".join(title.split())


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_any_title_is_shown_as_it_is(title: str) -> None:
    assert unescape(sub("^$", "", cell(title))) == " ".join(title.split())


def test_what_acts_on_whoever_copies_it_is_written_out() -> None:
    assert "\x1b" not in cell("a\x1b[2Jb\u202ec")
