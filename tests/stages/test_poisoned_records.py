"""Whatever JSON one record of a page holds, it is kept whole and the others are stored and read."""

import json
from datetime import UTC, datetime

import pytest

from newsapi_dentsu.errors import SourceUnavailableError
from newsapi_dentsu.sandbox import Fault
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, processed, raw
from support.api import Reports, page_of, serving
from support.articles import record
from support.clock import Clock
from support.processing import broken_promises, process
from support.tables import column, count, row

MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)


def run_on(warehouse: Warehouse, bad: str, *, clock: Clock | None = None) -> Reports:
    """Run the pipeline on a page with this field in one record between 59 others."""
    records = [json.dumps(record(f"good{n}", MORNING)) for n in range(59)]
    records.insert(30, json.dumps(record("bad", MORNING))[:-1] + f", {bad}}}")
    body = f'{{"articles": {{"results": [{", ".join(records)}], "totalResults": 60}}}}'
    faults = [page_of([]), Fault("status", status=200, body=body)]
    with serving(clock=clock or Clock(), faults=faults) as api:
        return api.run(warehouse, lookback_days=1)


@pytest.mark.parametrize(
    ("bad", "kept", "problem"),
    [
        ('"x": ' + "[" * 700 + "7" + "]" * 700, "[" * 600 + "7", "x: nested too deep"),
        ('"x": ' + '{"a":' * 950 + "7" + "}" * 950, "7" + "}" * 800, "x: nested too deep"),
        ('"x": ' + "[" * 90_000 + "7" + "]" * 90_000, "7" + "]" * 80_000, "x: nested too deep"),
        (f'"x": {"7" * 5_000}', "7" * 5_000, "x: number out of range"),
        ('"x": 1e999, "y": [-Infinity]', '"y":["-Infinity"]', "y: number out of range"),
        (r'"x": "\ud800"', r'"x":"\ud800"', "x: broken characters"),
        ('"x": 1, "x": 2', '"x":2,"x (repeated)":[1]', "repeated keys"),
        ('"x": "a\x00b\x07"', r'"x":"a\u0000b\u0007"', None),
        (f'"x": "{"é" * 6_000_000}"', "é" * 6_000_000, None),
    ],
    ids=[
        "lists",
        "objects",
        "very deep",
        "long",
        "infinite",
        "surrogate",
        "keys",
        "controls",
        "big",
    ],
)
def test_a_record_is_kept_and_its_neighbours_are_read(
    warehouse: Warehouse, bad: str, kept: str, problem: str | None
) -> None:
    reports = run_on(warehouse, bad)
    assert (reports.collect.new, count(warehouse, raw.TABLE)) == (60, 60)
    stored = row(warehouse, raw.TABLE, "uri = 'bad'")
    assert problem is None or problem in json.loads(stored["problems"])
    assert kept in stored["record"]
    json.loads(stored["record"])
    urls = set(column(warehouse, final.TABLE, "url"))
    assert {f"https://adledger.example/good{n}" for n in range(59)} <= urls
    # The rest of the record still makes an article, unless it is too long for one.
    assert ("https://adledger.example/bad" in urls) == (stored["unusable"] is None)
    assert broken_promises(warehouse) == set()


@pytest.mark.parametrize(
    "results",
    ["[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "1" + "0" * 5_000, "NaN"],
    ids=["lists", "objects", "long", "NaN"],
)
@pytest.mark.parametrize("place", ["articles", "results", "beside"])
def test_an_envelope_that_is_nested_too_deep_is_no_usable_answer_or_no_harm(
    warehouse: Warehouse, results: str, place: str
) -> None:
    whole = json.dumps([record("good", MORNING)])
    body = {
        "articles": f'{{"articles": {results}}}',
        "results": f'{{"articles": {{"results": {results}, "totalResults": 1}}}}',
        "beside": f'{{"a": {results}, "articles": {{"results": {whole}, "totalResults": 1}}}}',
    }[place]
    answer = Fault("status", status=200, body=body)
    with serving(clock=Clock(), faults=[page_of([]), *[answer] * 3]) as api:
        if place == "beside":
            assert api.collect(warehouse, lookback_days=1).new == 1
        elif place == "results" and results.startswith("["):
            # A list of one record, which is none, and deep.
            assert api.collect(warehouse, lookback_days=1).unusable == 1
        else:
            with pytest.raises(SourceUnavailableError):
                api.collect(warehouse, lookback_days=1)


def test_a_poisoned_record_is_processed_again_and_again(warehouse: Warehouse, clock: Clock) -> None:
    run_on(warehouse, '"concepts": ' + "[" * 5_000 + "]" * 5_000, clock=clock)
    for _ in range(2):
        process(warehouse, full_refresh=True)
    assert row(warehouse, processed.TABLE, "url LIKE '%/bad'")["concepts"] == "[]"
