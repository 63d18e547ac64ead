"""One bad record never stops the good ones beside it, and is kept and reported."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from newsapi_dentsu.sandbox import Fault
from newsapi_dentsu.stages.report import CollectReport
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed, raw
from support.api import Reports, page_of, serving
from support.articles import article, body, many, record
from support.clock import NOON, Clock
from support.processing import broken_promises
from support.tables import column, count, row

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
FIELDS = tuple(record("x", MORNING))
VALUES: dict[str, Any] = {
    "null": None,
    "a number": 12,
    "a huge number": 10**400,
    "minus infinity": float("-inf"),
    "not a number": float("nan"),
    "true": True,
    "text": "\U0001f9ea text \ud800 and \x00 NUL &amp; more",
    "empty text": "",
    "a list": [1, None, {"a": "\x00"}, ["\udfff"]],
    "an object": {"uri": 5, "title": ["\x00"], "label": {"eng": 1}, "": None},
    "objects": [{"uri": "u\x00", "label": {"eng": "l\ud800"}, "name": 7}, {"name": "\ud800"}, 3],
}
MISSING = object()


def good(*uris: str) -> list[dict[str, Any]]:
    return [record(uri, MORNING) for uri in uris]


def run_on(warehouse: Warehouse, records: list[Any], total: int | None = None) -> Reports:
    """Run the pipeline on one page of today that holds exactly these records."""
    with serving(clock=Clock(), faults=[page_of([]), *[page_of(records, total)] * 3]) as api:
        return api.run(warehouse, lookback_days=1)


def assert_good_arrived(warehouse: Warehouse, *uris: str) -> None:
    arrived = column(warehouse, final.TABLE, "url")
    assert {f"https://adledger.example/{uri}" for uri in uris} <= set(arrived)
    assert broken_promises(warehouse) == set()


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_missing_null_or_of_a_wrong_type(warehouse: Warehouse, field: str) -> None:
    bad = []
    for number, value in enumerate([MISSING, *VALUES.values()]):
        one = record(f"bad{number}", MORNING)
        if value is MISSING:
            del one[field]
        else:
            one[field] = value
        bad.append(one)
    reports = run_on(warehouse, [*good("first"), *bad, *good("last")])
    assert_good_arrived(warehouse, "first", "last")
    assert reports.collect.fetched == len(bad) + 2
    stored = len(bad) + 2
    if field == "uri":
        # An empty or missing uri is made from the content, which then differs in nothing else.
        stored = count(warehouse, raw.TABLE)
        assert stored >= 10
    assert count(warehouse, raw.TABLE) == count(warehouse, processed.OUTCOMES) == stored
    for text in column(warehouse, raw.TABLE, "record"):
        json.loads(text)
    if field not in ("url", "uri"):
        assert reports.collect.unusable == 0
        assert len(set(column(warehouse, processed.TABLE, "url"))) == stored


@pytest.mark.parametrize("field", FIELDS)
def test_a_wrong_type_is_named_as_a_problem(field: str) -> None:
    from newsapi_dentsu.domain.record import read_record

    looked_at = {
        *("uri", "lang", "isDuplicate", "dateTime", "dateTimePub", "dataType", "url", "title"),
        *("source", "body", "image", "sentiment", "eventUri"),
    }
    stored = read_record({**record("x", MORNING), field: ["wrong"]}, NOON)
    assert (field in stored.problems) == (field in looked_at)


@pytest.mark.parametrize(
    "value", [None, 7, "text", [], ["a"], True, [[[]]]], ids=lambda value: json.dumps(value)
)
def test_a_record_that_is_no_object(
    warehouse: Warehouse, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        reports = run_on(warehouse, [*good("1"), value, *good("2")])
    assert_good_arrived(warehouse, "1", "2")
    assert reports.collect.unusable == reports.deduplicate.unusable == 1
    assert row(warehouse, raw.TABLE, "unusable IS NOT NULL")["unusable"] == "not_a_record"
    assert row(warehouse, raw.TABLE, "unusable IS NOT NULL")["record"] == json.dumps(
        value, separators=(",", ":")
    )
    assert "not_a_record" in caplog.text
    assert column(warehouse, processed.OUTCOMES, "reason", "outcome = 'unusable'") == [
        "not_a_record"
    ]


def test_bodies_of_ten_megabytes_in_an_answer_that_is_too_large(
    warehouse: Warehouse, clock: Clock
) -> None:
    huge = [
        article(f"big{n}", at=MORNING, body="artificial intelligence marketing " * 310_000)
        for n in range(2)
    ]
    with serving([*huge, *many(30, at=MORNING)], clock=clock) as api:
        reports = api.run(warehouse, lookback_days=0)
        # One page of 100, then those of 50, 25, 5 and 1 that hold the two.
        assert len(api.searches()) < 20
    assert count(warehouse, final.TABLE) == 30
    assert reports.collect.unusable == 2
    assert column(warehouse, raw.TABLE, "unusable", "unusable IS NOT NULL") == ["too_long"] * 2
    assert min(column(warehouse, raw.TABLE, "length(record)", "uri LIKE 'big%'")) > 10_000_000


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/" + "x" * 3982,
        "https://a.example/" + "ü" * 1500,
        "https://a.example/x?utm_source=" + "".join(map(chr, range(0x4E00, 0x4E00 + 1900))),
        "https://a.example/\x00",
        "https://a.example/\ud800",
        "https://a.example:99999999/",
        "https://[::1/",
        "http://",
        "javascript:alert(1)",
        "//a.example/x",
        "https://" + "a" * 300 + ".example/",
        "https://xn--\u0000.example/",
    ],
    ids=lambda url: ascii(url)[:30],
)
def test_a_url_that_can_be_no_key(warehouse: Warehouse, url: str) -> None:
    reports = run_on(warehouse, [*good("1"), record("bad", MORNING, url=url), *good("2")])
    assert_good_arrived(warehouse, "1", "2")
    assert reports.collect.unusable in (0, 1)
    stored = row(warehouse, raw.TABLE, "uri = 'bad'")
    assert json.loads(stored["record"])["url"] == url
    if reports.collect.unusable:
        assert stored["unusable"] == "bad_url"
        assert "url" in json.loads(stored["problems"])


def test_nul_and_lone_surrogates_in_every_string(warehouse: Warehouse) -> None:
    dirt = "\x00 \ud800 \udc00\ud800 \x07"

    def soiled(value: Any) -> Any:
        if isinstance(value, str):
            return value + dirt
        if isinstance(value, list):
            return [soiled(one) for one in value]
        if isinstance(value, dict):
            return {key: soiled(one) for key, one in value.items()} | {dirt: dirt}
        return value

    whole = record(
        "bad",
        MORNING,
        body=" ".join(body(f"bad {part}") for part in range(4)),
        concepts=[{"uri": "c", "label": {"eng": "x"}, "score": 3}],
        categories=[{"uri": "news/x", "label": "x", "wgt": 9}],
        eventUri="eng-1",
    )
    sound = {name: whole[name] for name in ("url", "lang", "dateTime")}
    bad = [soiled(whole), {**soiled(whole), "uri": "kept", **sound}]
    run_on(warehouse, [*good("1"), *bad, *good("2")])
    assert_good_arrived(warehouse, "1", "2", "bad")
    stored = row(warehouse, raw.TABLE, "uri = 'kept'")
    assert json.loads(stored["record"])["title"] == whole["title"] + dirt
    article = row(warehouse, processed.TABLE, "url = 'https://adledger.example/bad'")
    assert "\x00" not in str(article)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (
            "dateTime",
            [
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
                "2026-13-01T00:00:00Z",
                "now",
                "9999-12-31T23:59:59-14:00",
                "2026-11-20",
                "20261120T010000Z",
                "-1",
            ],
        ),
        ("dateTimePub", ["0001-01-01T00:00:00+14:00", "3026-11-20T00:00:00Z", "1969-12-31", "x"]),
        ("date", ["0000-00-00", "x" * 5000]),
        ("sentiment", [1e308, -7, 10**400, "0.1", float("inf")]),
        ("wgt", [10**30, -1]),
        ("image", ["http://[", "//[::1", "relative.jpg", "x" * 9000, "data:image/png;base64,x"]),
        ("concepts", [[{"uri": "c", "score": 10**400}], [{"uri": "c", "label": {"x" * 999: "y"}}]]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_absurd_numbers_dates_and_addresses(
    warehouse: Warehouse, field: str, values: list[Any]
) -> None:
    bad = [record(f"bad{n}", MORNING, **{field: value}) for n, value in enumerate(values)]
    run_on(warehouse, [*good("1"), *bad, *good("2")])
    assert_good_arrived(warehouse, "1", "2")
    assert count(warehouse, processed.TABLE) == len(bad) + 2


def test_numbers_longer_than_python_reads(warehouse: Warehouse) -> None:
    digits = "7" * 5000
    results = json.dumps([*good("1"), record("bad", MORNING, wgt="HERE"), *good("2")])
    body = f'{{"articles": {{"results": {results}, "totalResults": 3}}}}'.replace('"HERE"', digits)
    faults = [page_of([]), Fault("status", status=200, body=body)]
    with serving(clock=Clock(), faults=faults) as api:
        api.run(warehouse, lookback_days=1)
    assert_good_arrived(warehouse, "1", "bad", "2")
    assert digits in row(warehouse, raw.TABLE, "uri = 'bad'")["record"]


def test_a_uri_twice_on_one_page(warehouse: Warehouse) -> None:
    same = record("twice", MORNING)
    reports = run_on(warehouse, [*good("1"), same, same, *good("2")])
    assert reports.collect.new == 3
    assert_good_arrived(warehouse, "1", "2", "twice")
    # Both take a place in the list, so that the count is right.
    assert not reports.collect.disagreements


def test_a_uri_twice_on_one_page_with_different_texts(warehouse: Warehouse) -> None:
    changed = record("twice", MORNING, title="Another")
    run_on(warehouse, [*good("1"), record("twice", MORNING), changed, *good("2")])
    assert_good_arrived(warehouse, "1", "2", "twice")


def test_records_without_uri_are_found_again(warehouse: Warehouse, clock: Clock) -> None:
    anonymous = [{**one, "uri": None} for one in good("1", "2")]
    new: list[CollectReport] = []
    for _ in range(2):
        with serving(clock=clock, faults=[page_of([]), page_of(anonymous)]) as api:
            new.append(api.run(warehouse, lookback_days=1).collect)
    assert (new[0].new, new[1].new, new[1].known) == (2, 0, 2)
    assert_good_arrived(warehouse, "1", "2")
