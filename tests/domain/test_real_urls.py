"""Urls as real sources write them: usable, one page in every spelling, and no two pages one.

The urls are read from a folder beside the repository, which not every machine has.
"""

import json
import lzma
from collections import defaultdict
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from newsapi_dentsu.domain.urls import Address, address
from support.links import spellings

FOLDER = Path(__file__).parents[3] / "shared" / "real-news"
READ = 8_000


@pytest.fixture(scope="module")
def found() -> dict[str, Address | None]:
    paths = sorted(FOLDER.glob("records-*.jsonl.xz"))
    if not paths:
        pytest.skip(f"no real records in {FOLDER}")
    with lzma.open(paths[0], "rt", encoding="utf-8") as lines:
        urls = [json.loads(line)["url"] for line in islice(lines, READ)]
    return {url: address(url) for url in urls}


def test_every_real_link_is_usable(found: dict[str, Address | None]) -> None:
    assert len(found) > READ / 2
    assert [url for url, one in found.items() if one is None] == []


def test_real_links_are_left_as_they_are_but_for_a_few(found: dict[str, Address | None]) -> None:
    repaired = [url for url, one in found.items() if one and one.link != url.strip()]
    assert all(url.startswith("http:https:") or "amp" in url for url in repaired)
    assert len(repaired) < len(found) / 100


def test_a_real_page_is_one_in_twenty_spellings(found: dict[str, Address | None]) -> None:
    pages = sorted({one.page for one in found.values() if one})[:: READ // 200]
    for page in pages:
        assert len(spellings(page)) == 20
        assert {one.page for text in spellings(page) if (one := address(text))} == {page}


def test_real_pages_are_one_where_only_the_way_to_them_differs(
    found: dict[str, Address | None],
) -> None:
    ours, plainly = defaultdict(set), defaultdict(set)
    for url, one in found.items():
        assert one is not None
        ours[one.page].add(url)
        plainly[_by_hand(one.link)].add(url)
    assert sorted(map(sorted, ours.values())) == sorted(map(sorted, plainly.values()))


def _by_hand(link: str) -> tuple[object, ...]:
    """What a link names, told without the code that is tested."""
    parts = urlsplit(link)
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    host = (parts.hostname or "").removeprefix("www.")
    path = "/".join(part for part in parts.path.split("/") if part)
    return (
        (host, path),
        tuple(sorted((name, value) for name, value in parameters if name[:4] != "utm_")),
    )
