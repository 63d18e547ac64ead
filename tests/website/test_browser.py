"""The pages as people see them: in a real Chromium, without JavaScript, small and large."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
import requests
from playwright.sync_api import Browser, Page, ViewportSize

from support.articles import record
from support.browser import CONTRAST, chromium, needs_chromium
from support.clock import NOON
from support.databases import DuckDBDatabases
from support.processing import process, store
from support.searching import published
from support.tones import tell

from .conftest import HOUR, news, serving, source

PAGES = (
    *("/", "/stories?days=7", "/stories?q=nothing", "/feeds", "/story/", "/nowhere"),
    *("/search", "/search?q=story", "/search?q=nothing", "/search?q=-", "/saved", "/trends"),
    *("/trends?concepts=Robots,Radio", "/source/site1.example"),
    *("/search?q=brand:Nova", "/trends?brands=Nova,Acme+Inc."),
)
AXE = Path(__file__).parents[1] / "support" / "axe" / "axe.min.js"
HEAVIEST = 50_000
"""Bytes of a page as it is sent, with its style sheet."""
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def url(
    duckdb_databases: DuckDBDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A site with a few stories, one of them with words that don't fit a phone."""
    warehouse, folder = duckdb_databases.create().open(), tmp_path_factory.mktemp("reading")
    store(warehouse, *news(), record("long", NOON - HOUR, title=LONG, source=source(8)))
    process(warehouse)
    tell(warehouse, "Carried thrice", "negative", of={"Nova": "negative", "Acme Inc.": "positive"})
    tell(warehouse, "The one alone", "not_scored")
    tell(warehouse, LONG, "uncertain", of={LONG: "uncertain", "Nova": "neutral"})
    with serving(published(warehouse, folder)) as served:
        yield served


@contextmanager
def opened(browser: Browser, url: str, path: str = "/", **options: Any) -> Iterator[Page]:
    """A page in a window of its own; what it complains of fails, and what it asks of others."""
    context = browser.new_context(java_script_enabled=False, **options)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    show(page, url, path)
    yield page
    context.close()
    assert [text for text in complaints if "404" not in text] == []
    assert [one for one in asked if not one.startswith((url, "data:"))] == []


def show(page: Page, url: str, path: str) -> None:
    """Go to a page; that of a story by its link on the first page."""
    page.goto(url + path.removesuffix("story/"))
    if path == "/story/":
        page.locator(".card h2 a").first.click()


@contextmanager
def scripted(browser: Browser, **options: Any) -> Iterator[Page]:
    """A window for one page after another, in which scripts of the test's own run."""
    with browser.new_context(bypass_csp=True, **options) as context:
        yield context.new_page()


def test_nothing_is_wider_than_the_screen(browser: Browser, url: str) -> None:
    wider = []
    with scripted(browser) as page:
        for path in PAGES:
            show(page, url, path)
            for width in (320, 400, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                found = page.evaluate("document.documentElement.scrollWidth")
                wider += [(path, width, found)] if found > width else []
    assert wider == []


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (400, "light"),
        (1280, "dark"),
        pytest.param(400, "dark", marks=pytest.mark.slow),
        pytest.param(1280, "light", marks=pytest.mark.slow),
    ],
)
@pytest.mark.thorough("tests/website/test_browser.py::test_a_page_has_its_landmarks_and_names")
def test_axe_has_nothing_to_complain_of(
    browser: Browser, url: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    size: ViewportSize = {"width": width, "height": 900}
    told = []
    with scripted(browser, color_scheme=scheme, viewport=size) as page:
        page.add_init_script(path=AXE)
        for path in PAGES:
            show(page, url, path)
            found = page.evaluate(
                "axe.run({resultTypes: ['violations']}).then(told => "
                "[told.passes.length, told.violations.map(one => "
                "[one.id, ...one.nodes.map(node => node.html)])])"
            )
            assert found[0] > 10
            told += [(path, one) for one in found[1]]
    assert told == []


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/story/"])
def test_a_page_is_light(url: str, path: str) -> None:
    sent = [requests.get(url + one, timeout=30, stream=True) for one in (path, "/style.css")]
    assert all(one.headers["Content-Encoding"] == "gzip" for one in sent)
    assert sum(len(one.raw.read()) for one in sent) <= HEAVIEST


def test_all_text_stands_out_enough(browser: Browser, url: str) -> None:
    script = CONTRAST.replace('"h1,', '"a, button, label, .role, .marks li, h1,')
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    with scripted(browser) as page:
        for path in PAGES:
            show(page, url, path)
            for scheme in schemes:
                page.emulate_media(color_scheme=scheme)
                ratios = page.evaluate(script)
                assert len(ratios) > 9
                assert min(ratios) >= 4.5, (path, scheme)


def test_a_card_unfolds_to_where_the_story_ran(browser: Browser, url: str) -> None:
    with opened(browser, url) as page:
        card = page.locator(".card", has_text="Carried thrice")
        assert not card.get_by_role("link", name="Site 3").is_visible()
        card.get_by_text("Also in 2").click()
        assert card.get_by_role("link", name="Site 3").is_visible()


def test_everything_is_reached_by_the_keyboard(browser: Browser, url: str) -> None:
    with opened(browser, url) as page:
        page.keyboard.press("Tab")
        assert page.get_by_text("Skip to the news").is_visible()
        card = page.locator(".card", has_text="Carried thrice")
        card.locator("summary").focus()
        page.keyboard.press("Enter")
        assert card.get_by_role("link", name="Site 2").is_visible()
        card.get_by_role("link", name="Carried thrice", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/story/*")
        assert page.get_by_role("heading", level=1).inner_text() == "Carried thrice"


def test_searching_and_filtering_are_forms(browser: Browser, url: str) -> None:
    with opened(browser, url) as page:
        page.get_by_role("searchbox", name="Search all articles").fill("twice")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search?q=twice")
        assert page.locator(".card").count() == 1
        page.get_by_role("navigation", name="Sections").get_by_text("Browse").click()
        page.get_by_label("Words in title or text").fill("")
        page.get_by_label("Source").select_option("site4.example")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url("**source=site4.example**")
        assert page.locator(".card h2").all_inner_texts() == ["The one alone"]


def test_menus_break_between_words_only(browser: Browser, url: str) -> None:
    script = (
        "[...document.querySelectorAll('.top nav a')]"
        ".map(one => [one.getClientRects().length, one.offsetHeight])"
    )
    with scripted(browser, viewport={"width": 400, "height": 800}) as page:
        show(page, url, "/")
        found = page.evaluate(script)
    assert {lines for lines, _ in found} == {1}
    assert max(height for _, height in found) < 45


def test_a_search_is_narrowed_down_by_links(browser: Browser, url: str) -> None:
    with opened(browser, url, "/search?q=story") as page:
        facets = page.get_by_role("complementary", name="Narrow down")
        facets.get_by_role("link", name="site4.example").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**domain%3Asite4.example")
        assert page.locator(".card h2").all_inner_texts() == ["The one alone"]
        page.get_by_role("link", name="Best match").click()
        page.wait_for_url("**sort=relevance")
        page.get_by_role("link", name="The one alone").click()
        page.wait_for_url("**/story/*")


def test_a_page_has_its_landmarks_and_names(browser: Browser, url: str) -> None:
    unnamed = (
        "boxes => boxes.filter(box => document.querySelectorAll"
        "(`label[for='${box.id}']`).length !== 1).map(box => box.outerHTML)"
    )
    with opened(browser, url) as page:
        for path in PAGES:
            show(page, url, path)
            for role in ("banner", "main", "contentinfo", "search"):
                assert page.get_by_role(role).count() == 1, (path, role)
            assert page.get_by_role("heading", level=1).count() == 1, path
            boxes = page.locator("input:not([type=hidden]), select")
            assert boxes.evaluate_all(unnamed) == [], path


def test_how_a_story_speaks_about_whom_is_read_with_its_sentences(
    browser: Browser, url: str
) -> None:
    with opened(browser, url) as page:
        card = page.locator(".card", has_text="Carried thrice")
        assert "Negative tone" in card.inner_text()
        assert "Tone not scored" in page.locator(".card", has_text="The one alone").inner_text()
        card.locator("h2 a").click()
        told = page.locator(".spoken div", has_text="Nova")
        assert "−0.70" in told.inner_text().replace("-", "−")
        assert told.locator("mark").inner_text() == "Nova"
        told.locator("a").click()
        assert "“brand:Nova”" in page.locator("h1").inner_text()
        assert page.locator(".hit").count() == 2
        page.get_by_role("link", name="Negative tone").click()
        assert page.locator(".hit").count() == 1


def test_a_week_that_is_not_over_is_not_drawn_as_a_whole_one(browser: Browser, url: str) -> None:
    with opened(browser, url, "/trends?brands=Nova") as page:
        first = page.locator("section[aria-labelledby=weeks] tbody tr").first
        assert "of 7 days" in first.inner_text()
        assert first.locator(".fill").count() == 0
        assert first.locator(".part").count() == 1
        tones = page.locator("section[aria-labelledby=spoken] tbody tr").first
        assert "1 badly, 0 well" in tones.inner_text()
        assert "of 7 days" in tones.inner_text()
