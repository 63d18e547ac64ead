"""`newsapi dashboard`: the pipeline's health as a page, for people and their browsers."""

import hashlib
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from newsapi_dentsu.dashboard.health import Chart, Health, Storage, health
from newsapi_dentsu.dashboard.page import render
from newsapi_dentsu.domain.alerts.facts import Fetch, Tables
from newsapi_dentsu.warehouse.tables.run_metrics import DIED, RunMetrics
from support.browser import CONTRAST, chromium, needs_chromium, opened
from support.clock import NOON
from support.databases import DuckDBDatabase
from support.limits import LIMITS
from support.runs import history, store

from .conftest import Workspace

pytestmark = pytest.mark.slow

GB = 1024**3


def shown(
    runs: list[RunMetrics],
    now: datetime = NOON,
    storage: Storage = Storage(GB, 20 * GB),  # noqa: B008
    through: datetime | None = None,
) -> Health:
    """The page of these runs, whose collectings are what alerts see of them."""
    fetches = [
        Fetch(run.started_at, 1, 1, 1.0, run.tokens_used or 0, run.tokens_left)
        for run in reversed(runs)
    ]
    return health(
        runs,
        now=now,
        days=30,
        location="data/news.duckdb",
        storage=storage,
        limits=LIMITS,
        tables=Tables(tuple(fetches), through, None),
    )


def page_of(runs: list[RunMetrics], now: datetime = NOON) -> str:
    return render(shown(runs, now))


def gauges(runs: list[RunMetrics], **more: Any) -> dict[str, tuple[str, str]]:
    """Each gauge's value and state."""
    return {gauge.id: (gauge.value, gauge.state) for gauge in shown(runs, **more).gauges}


def chart(runs: list[RunMetrics], id_: str) -> Chart:
    return next(chart for chart in shown(runs).charts if chart.id == id_)


def run(at: datetime, status: str = "succeeded", **figures: object) -> RunMetrics:
    return RunMetrics(f"{at}", status, at, **figures)  # type: ignore[arg-type]


# What it works out


def test_final_is_stale_after_two_intervals() -> None:
    fresh, stale = NOON - timedelta(hours=11, minutes=30), NOON - timedelta(hours=13)

    assert gauges([run(NOON)], through=fresh)["freshness"] == ("11 h 30 min", "good")
    assert gauges([run(NOON)], through=stale)["freshness"] == ("13 h", "bad")
    assert gauges([run(NOON)])["freshness"] == ("–", "unknown")


def test_the_error_rate_is_of_a_day_and_of_runs_that_ended() -> None:
    runs = [
        run(NOON - timedelta(days=2), "failed"),
        run(NOON - timedelta(hours=14), "failed"),
        run(NOON - timedelta(hours=12), "failed"),
        *(run(NOON - timedelta(hours=hours)) for hours in (10, 9, 8, 7, 6, 4)),
        run(NOON, "running"),
    ]

    assert gauges(runs)["errors"] == ("25%", "warning")
    # One failed run is told as such, and is no rate.
    assert gauges(runs[2:])["errors"] == ("14%", "good")
    assert gauges(runs[3:])["errors"] == ("0%", "good")


def test_tokens_that_run_out_at_the_current_pace_are_a_warning() -> None:
    def spending(left: int) -> list[RunMetrics]:
        return [
            run(NOON - timedelta(hours=hours), tokens_used=10, tokens_left=left)
            for hours in range(192, 0, -6)
        ]

    assert gauges(spending(5000))["tokens"] == ("5,000", "good")
    assert gauges(spending(200))["tokens"] == ("200", "warning")
    assert gauges(spending(0))["tokens"] == ("0", "bad")


def test_storage_is_judged_where_its_size_is_known() -> None:
    def of(used: int, limit: int | None) -> tuple[str, str]:
        return gauges([], storage=Storage(used, limit))["storage"]

    assert of(5 * GB, 15 * GB) == ("5.0 GB", "good")
    assert of(5 * GB + 1, 15 * GB) == ("5.0 GB", "bad")
    assert of(5 * GB, None) == ("5.0 GB", "unknown")


def test_days_without_a_run_count_none() -> None:
    days = chart([run(NOON - timedelta(days=2)), run(NOON, "failed")], "runs")

    succeeded, failed = days.series
    assert succeeded.values == (1, 0, 0)
    assert failed.values == (0, 0, 1)


def test_rare_reasons_share_a_line() -> None:
    reasons = {name: count for count, name in enumerate("abcdefg", start=1)}
    lines = chart([run(NOON, rejected_by_reason=reasons)], "rejected").series

    assert [(line.name, line.values[0]) for line in lines] == [
        *(("g", 7), ("f", 6), ("e", 5), ("d", 4), ("c", 3)),
        ("other reasons", 3),
    ]


def test_what_a_run_does_not_know_is_a_gap_and_not_a_zero() -> None:
    fetched = chart([run(NOON, fetched=5), run(NOON, "failed"), run(NOON, fetched=0)], "fetched")

    assert fetched.series[0].values == (5, None, 0)


# What the page holds


def test_the_page_is_one_file_that_asks_nobody_for_anything() -> None:
    page = page_of(history(NOON))

    without_library = re.sub(r"<script>/\*!\n \* Chart\.js.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(?:src|href)=\"(?!#|data:)", without_library)
    assert "http://" not in without_library
    assert "https://" not in without_library
    assert "default-src &#39;none&#39;" in page


def test_the_chart_library_is_the_pinned_one() -> None:
    assets = resources.files("newsapi_dentsu.dashboard") / "assets"
    digest = hashlib.sha256((assets / "chart.umd.min.js").read_bytes()).hexdigest()

    assert digest == "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"
    assert digest in (assets / "README.md").read_text("utf-8")
    assert "Permission is hereby granted" in (assets / "chart.LICENSE.md").read_text("utf-8")


def test_errors_are_shown_as_text_whatever_they_hold() -> None:
    evil = "</script><script>alert(1)</script>"
    page = page_of([run(NOON, "failed", error=evil, rejected_by_reason={evil: 1})])

    assert evil not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page


def test_sandbox_data_is_marked() -> None:
    assert "Sandbox data: invented articles" in page_of(history(NOON))
    assert "Sandbox data" not in page_of([run(NOON, origin="newsapi.ai")])


def test_before_the_first_run_the_page_says_what_to_do() -> None:
    page = page_of([])

    assert "No runs yet" in page
    assert "newsapi run" in page
    assert "<canvas" not in page


# The command


def test_a_file_of_what_has_run(filled: Workspace) -> None:
    finished = filled.newsapi("dashboard", "--out", "health.html")

    assert finished.code == 0, finished.err
    assert finished.err == "wrote health.html\n"
    page = (filled.folder / "health.html").read_text("utf-8")
    assert "The last run succeeded" in page
    assert "Sandbox data" in page
    assert page.count("<canvas") == 10


def test_a_run_that_died_is_shown_as_failed(filled: Workspace) -> None:
    warehouse = DuckDBDatabase(filled.folder / "data/news.duckdb").open()
    store(warehouse, [RunMetrics("dead", "running", datetime.now(UTC))])
    filled.newsapi("dashboard", "--out", "health.html")

    page = (filled.folder / "health.html").read_text("utf-8")
    assert "The last run failed" in page
    assert DIED in page


def test_nothing_is_made_where_there_is_no_database(workspace: Workspace) -> None:
    finished = workspace.newsapi("dashboard", "--out", "health.html")

    assert finished.code == 0
    assert "No runs yet" in (workspace.folder / "health.html").read_text("utf-8")
    assert [path.name for path in workspace.folder.iterdir()] == ["health.html"]


def test_a_file_that_cannot_be_written_is_told(workspace: Workspace) -> None:
    finished = workspace.newsapi("dashboard", "--out", "no/such/folder.html")

    assert finished.code == 1
    assert "no/such/folder.html can't be written" in finished.err


def test_the_page_is_served_with_the_newest_figures(filled: Workspace) -> None:
    with filled.start("dashboard", "--port", "0") as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert url is not None, said
        first = requests.get(url[0], timeout=30)
        warehouse = DuckDBDatabase(filled.folder / "data/news.duckdb").open()
        store(warehouse, [RunMetrics("later", "failed", datetime.now(UTC), "the disk is full")])
        second = requests.get(url[0], timeout=30)
        nothing = requests.get(url[0] + "favicon.ico", timeout=30)
        elsewhere = requests.get(url[0], headers={"Host": "evil.example"}, timeout=30)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0

    assert elsewhere.status_code == 421
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-store")
    assert "The last run succeeded" in first.text
    assert "the disk is full" in second.text
    assert nothing.status_code == 404


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def thirty_days(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "health.html"
    path.write_text(page_of(history(NOON)), encoding="utf-8")
    return path.as_uri()


DRAWN = """() => [...document.querySelectorAll("canvas")].map((canvas) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colors = new Set();
    for (let at = 0; at < pixels.length; at += 4) {
        if (pixels[at + 3] === 255) colors.add(`${pixels[at]},${pixels[at + 1]},${pixels[at + 2]}`);
    }
    return colors.size;
})"""


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_without_a_complaint(
    browser: Browser, thirty_days: str, scheme: str
) -> None:
    with opened(browser, thirty_days, color_scheme=scheme) as page:
        colors = page.evaluate(DRAWN)

    assert len(colors) == 10
    assert min(colors) > 3


AXES = """() => [...document.querySelectorAll("canvas")].map((canvas) => {
    const chart = Chart.getChart(canvas), axis = chart.scales.x;
    return [axis.ticks.map((tick) => tick.label), axis.min, axis.max];
})"""


@needs_chromium
@pytest.mark.parametrize("minutes", [(0,), (0, 7), (0, 7, 500)])
def test_on_the_first_day_no_date_is_named_twice(
    browser: Browser, tmp_path: Path, minutes: tuple[int, ...]
) -> None:
    runs = [
        run(NOON - timedelta(minutes=ago), new_records=4, fetched=5) for ago in reversed(minutes)
    ]
    path = tmp_path / "page.html"
    path.write_text(page_of(runs), encoding="utf-8")
    with opened(browser, path.as_uri()) as page:
        axes = page.evaluate(AXES)

    assert axes
    for labels, first, last in axes:
        assert len(set(labels)) == len(labels) >= 2
        assert first <= (NOON - timedelta(minutes=minutes[-1])).timestamp() * 1000 <= last


@needs_chromium
def test_the_charts_follow_a_change_of_the_color_scheme(browser: Browser, thirty_days: str) -> None:
    with opened(browser, thirty_days, color_scheme="light") as page:
        light = page.evaluate("document.querySelector('canvas').toDataURL()")
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(
            "before => document.querySelector('canvas').toDataURL() !== before", arg=light
        )


@needs_chromium
@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, thirty_days: str, width: int) -> None:
    with opened(browser, thirty_days, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_chromium
def test_a_chart_is_read_with_the_keyboard_alone(browser: Browser, thirty_days: str) -> None:
    runs = history(NOON)
    with opened(browser, thirty_days) as page:
        page.focus("[data-chart=fetched]")
        page.keyboard.press("ArrowLeft")
        card = page.locator("section.card", has=page.locator("[data-chart=fetched]"))
        said = card.locator(".readout").inner_text()
        page.keyboard.press("ArrowLeft")
        before = card.locator(".readout").inner_text()
        page.keyboard.press("Escape")
        after = card.locator(".readout").inner_text()

    newest = runs[-1]
    assert said == (
        f"{newest.started_at:%Y-%m-%d %H:%M} UTC · fetched {newest.fetched} · "
        f"new {newest.new_records}"
    )
    assert f"{runs[-2].started_at:%Y-%m-%d %H:%M}" in before
    assert after == ""


@needs_chromium
def test_every_chart_has_its_numbers_and_its_words(browser: Browser, thirty_days: str) -> None:
    with opened(browser, thirty_days) as page:
        page.get_by_text("Numbers of “Run duration”").click()
        table = page.get_by_role("region", name="Numbers of Run duration")
        shown = table.locator("tbody tr").count()
        plots = page.get_by_role("img").all()
        names = [plot.get_attribute("aria-labelledby") for plot in plots]
        words = [
            page.locator(f"#{plot.get_attribute('aria-describedby')}").text_content()
            for plot in plots
        ]
        landmarks = [page.get_by_role(role).count() for role in ("banner", "main", "contentinfo")]

    assert shown == 120
    assert len(set(names)) == len(names) == 10
    assert all(text and "at the end" in text for text in words)
    assert landmarks == [1, 1, 1]


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_enough(browser: Browser, thirty_days: str, scheme: str) -> None:
    with opened(browser, thirty_days, color_scheme=scheme) as page:
        ratios = page.evaluate(CONTRAST)

    assert len(ratios) > 50
    assert min(ratios) >= 4.5
