"""Lengths of time and sizes in words."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.wording import counted, duration, size, utc_text

SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=0.4), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(minutes=45), "45 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=9, minutes=12, seconds=59), "9 h 12 min"),
        (timedelta(days=1, minutes=59), "1 d"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
        (timedelta(days=10), "10 d"),
    ],
)
def test_a_length_of_time_in_its_two_largest_units(span: timedelta, words: str) -> None:
    assert duration(span) == words


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "article", "0 articles"),
        (1, "article", "1 article"),
        (1200, "article", "1,200 articles"),
        (1, "category", "1 category"),
        (2, "category", "2 categories"),
        (2, "day", "2 days"),
    ],
)
def test_one_thing_is_no_plural(count: int, noun: str, words: str) -> None:
    assert counted(count, noun) == words


def test_a_moment_is_told_in_utc() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    assert utc_text(datetime(2026, 11, 29, 1, 2, 3, tzinfo=there)) == "2026-11-28T19:32:03Z"


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=9_999)))
def test_what_is_left_out_is_less_than_the_last_unit(span: timedelta) -> None:
    words = duration(span)
    parts = re.findall(r"(\d+) (d|h|min|s)", words)
    assert " ".join(f"{count} {unit}" for count, unit in parts) == words
    assert 1 <= len(parts) <= 2
    told = sum(int(count) * SECONDS[unit] for count, unit in parts)
    # A second unit that would be 0 is left out, so what is left out is measured by the next one.
    units = [*SECONDS][::-1]
    smallest = units[min(3, units.index(parts[0][1]) + 1)]
    assert 0 <= round(span.total_seconds()) - told < SECONDS[smallest]


@pytest.mark.parametrize(
    ("count", "words"),
    [(10, "10 B"), (2048, "2.0 kB"), (5 * 1024**2, "5.0 MB"), (1.5 * 1024**3, "1.5 GB")],
)
def test_sizes(count: float, words: str) -> None:
    assert size(count) == words
