"""How long the client waits: for one answer, between tries, and in all."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from newsapi_dentsu.errors import SourceUnavailableError
from newsapi_dentsu.eventregistry.client import LONGEST_PAUSE, NewsApi
from newsapi_dentsu.sandbox import SANDBOX_KEY, Fault
from support.api import Api, serving
from support.articles import TOPICS
from support.clock import NOON
from support.http import OK, answering, dripping, raw_server

DAY = NOON.date()
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_is_the_one_that_the_server_asks_for(status: int) -> None:
    with serving(faults=[Fault("status", status=status, retry_after=17)]) as api:
        _search(api)
        assert api.pauses == [17]


def test_a_pause_may_be_asked_for_as_a_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    head = f"HTTP/1.1 503 Busy\r\nRetry-After: {moment}\r\nContent-Length: 0\r\n\r\n"
    pauses = _pauses_of(head)
    assert pauses
    assert 35 <= pauses[0] <= 41


@pytest.mark.parametrize(
    "header",
    ["soon", "1.5.1", "-3", "²", "9" * 5000, "", "Tue, 10 Nov 2026 12:00:00 +99999999999999"],
)
def test_an_unreadable_wish_is_no_reason_to_break(header: str) -> None:
    head = f"HTTP/1.1 503 Busy\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n"
    pauses = _pauses_of(head)
    assert len(pauses) == 1
    assert 0 <= pauses[0] <= LONGEST_PAUSE


def test_pauses_grow_with_jitter_and_have_a_bound() -> None:
    with serving(faults=[Fault("status", status=503, times=None)]) as api:
        for _ in range(20):
            with pytest.raises(SourceUnavailableError):
                _search(api, attempts=9, deadline=1e9)
        pauses = [api.pauses[n : n + 8] for n in range(0, len(api.pauses), 8)]
    assert max(api.pauses) <= LONGEST_PAUSE
    assert len({series[3] for series in pauses}) > 1
    mean = [sum(series[n] for series in pauses) / len(pauses) for n in (0, 7)]
    assert mean[0] < 5 < mean[1]


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_beyond_the_deadline_is_not_begun(status: int) -> None:
    with serving(faults=[Fault("status", status=status, retry_after=100)]) as api:
        with pytest.raises(SourceUnavailableError) as failure:
            _search(api, attempts=5, deadline=50)
        assert api.pauses == []
    assert "gave up after 1 try: it asks to wait 100 s, and fetching may take 50 s in all" in str(
        failure.value
    )


def test_giving_up_is_told_with_the_tries_that_were_made() -> None:
    with serving(faults=[Fault("status", status=503, times=None)]) as api:
        with pytest.raises(SourceUnavailableError, match=r"gave up after 3 tries\. What"):
            _search(api, attempts=3)
        with pytest.raises(SourceUnavailableError, match=r"after 1 try: fetching may take 0\.01 s"):
            _search(api, attempts=3, deadline=0.01)


def test_when_the_time_is_over_nothing_more_is_asked() -> None:
    with serving() as api, api.client(deadline=0.2) as client:
        client.search(TOPICS, DAY, 1)
        time.sleep(0.3)
        with pytest.raises(SourceUnavailableError, match=r"not asked.*0\.2 s in all"):
            client.search(TOPICS, DAY, 1)
        assert len(api.sandbox.requests) == 1


def test_the_deadline_spans_all_requests_of_a_client() -> None:
    hang = Fault("hang", seconds=20, on_request=2)
    with serving(faults=[hang]) as api, api.client(deadline=0.3) as client:
        client.search(TOPICS, DAY, 1)
        started = time.monotonic()
        with pytest.raises(SourceUnavailableError):
            client.search(TOPICS, DAY, 1)
    assert time.monotonic() - started < 3


def test_a_hanging_server_is_left_after_the_timeout() -> None:
    started = time.monotonic()
    with serving(faults=[Fault("hang", seconds=30, times=None)]) as api:
        with pytest.raises(SourceUnavailableError, match="no answer in time"):
            _search(api, attempts=2, timeout=0.2)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("pause", [0.01, 0.15])
def test_a_server_that_drips_its_answer_is_left_after_the_timeout(pause: float) -> None:
    with raw_server(dripping(HEAD, b" ", pause)) as url:
        client = NewsApi(url, "key", attempts=1, timeout=0.4)
        started = time.monotonic()
        with pytest.raises(SourceUnavailableError):
            client.search(TOPICS, DAY, 1)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "header",
    ["Date: \xff\xfe", "Date: Tue, 10 Nov 2026 12:00:00 +99999999999999", "Location: \xff"],
)
def test_a_header_that_can_not_be_read_costs_no_answer(header: str) -> None:
    body = '{"articles": {"results": [], "totalResults": 0}}'
    head = f"{OK}{header}\r\nContent-Length: {len(body)}\r\n\r\n"
    with raw_server(answering((head + body).encode("latin-1"))) as url:
        client = NewsApi(url, "key", attempts=1)
        assert client.search(TOPICS, DAY, 1).records == []
        assert client.clock_offset is None


def _search(api: Api, **options: float) -> None:
    with api.client(**options) as client:
        client.search(TOPICS, DAY, 1)


def _pauses_of(head: str) -> list[float]:
    pauses: list[float] = []
    with raw_server(answering(head)) as url:
        client = NewsApi(url, SANDBOX_KEY, attempts=2, deadline=1e9, sleep=pauses.append)
        with pytest.raises(SourceUnavailableError):
            client.search(TOPICS, DAY, 1)
    return pauses
