"""Days divided into months: none lost, none twice, whatever the borders."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.months import Month, month_end, months

DAYS = st.dates(date(2014, 1, 1), date(2030, 12, 31))


@given(DAYS, st.integers(0, 900))
def test_each_day_is_in_one_month_and_no_month_holds_others(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    found = list(months(first, last))
    days = [
        one.first + timedelta(days=number)
        for one in found
        for number in range((one.last - one.first).days + 1)
    ]
    assert days == [first + timedelta(days=number) for number in range(length + 1)]
    assert all(one.first.month == one.last.month for one in found)
    assert len({one.number for one in found}) == len(found)


def test_there_are_none_where_the_end_comes_first() -> None:
    assert list(months(date(2025, 2, 1), date(2025, 1, 31))) == []


def test_a_month_is_named_and_numbered() -> None:
    leap = Month(date(2024, 2, 1), month_end(date(2024, 2, 11)))
    assert (leap.name, leap.number, leap.last) == ("2024-02", 202402, date(2024, 2, 29))
