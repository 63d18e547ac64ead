"""Who gets into final: each rule with its reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsapi_dentsu.domain.quality import Candidate, first_rejection, flags
from newsapi_dentsu.domain.record import credible_date

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rejection(**changes: Any) -> str | None:
    fields: dict[str, Any] = {
        "title": "T",
        "body": "What it says",
        "published_at": NOON,
        "lang": "eng",
    }
    found = first_rejection(Candidate(**{**fields, **changes}), ["eng", "deu"], 1)
    return found.reason if found else None


def test_a_whole_article_is_taken() -> None:
    assert rejection() is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": ""}, "no_title"),
        ({"title": "[Removed]"}, "removed"),
        ({"title": "[REMOVED]"}, "removed"),
        ({"body": ""}, "no_body"),
        ({"body": "[removed]"}, "removed"),
        ({"published_at": None}, "no_credible_date"),
        ({"lang": "fra"}, "language"),
        ({"lang": None}, "language"),
    ],
)
def test_each_rule_gives_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert rejection(**changes) == reason


def test_the_first_reason_counts() -> None:
    assert rejection(title="", body="", lang="fra") == "no_title"


def test_every_accepted_language_is_taken() -> None:
    assert rejection(lang="deu") is None


def test_a_title_that_only_mentions_removal_is_taken() -> None:
    assert rejection(title="Posts [Removed] by moderators") is None


def test_the_language_rule_tells_what_is_accepted() -> None:
    found = first_rejection(Candidate("T", "What it says", NOON, None), ["eng", "deu"], 1)
    assert found is not None
    assert found.detail == "unknown, accepted: deu, eng"


@pytest.mark.parametrize(
    ("published", "indexed", "chosen"),
    [
        (timedelta(minutes=-10), timedelta(), "publisher"),
        (timedelta(hours=1), timedelta(), "publisher"),
        (timedelta(hours=1, seconds=1), timedelta(), "index"),
        (timedelta(days=-365), timedelta(), "publisher"),
        (timedelta(days=-365, seconds=-1), timedelta(), "index"),
        (None, timedelta(), "index"),
        (None, None, None),
        (timedelta(hours=-3), None, "publisher"),
        (timedelta(days=-3), timedelta(days=3), "publisher"),
        (None, timedelta(hours=1), "index"),
        (None, timedelta(hours=1, seconds=1), None),
        (timedelta(days=3), timedelta(days=3), None),
    ],
)
def test_the_publishers_date_counts_where_it_is_credible_else_the_indexs(
    published: timedelta | None, indexed: timedelta | None, chosen: str | None
) -> None:
    given = {
        "publisher": None if published is None else NOON + published,
        "index": None if indexed is None else NOON + indexed,
        None: None,
    }
    assert credible_date(given["publisher"], given["index"], NOON) == given[chosen]


PROSE = " ".join(f"Sentence {number} tells what the agency did and why." for number in range(20))


def judged(body: str, title: str = "A title that says something else", min_words: int = 25) -> str:
    candidate = Candidate(title, body, NOON, "eng")
    found = first_rejection(candidate, ["eng"], min_words)
    return found.reason if found else "read"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (PROSE, "read"),
        ("Subscribe to continue reading. " + " ".join(["word"] * 30), "paywall_stub"),
        (f"{PROSE} {PROSE} Subscribe to continue reading our other stories.", "read"),
        ("We value your privacy. Accept all cookies. " + " ".join(["word"] * 30), "cookie_notice"),
        ("Please enable JavaScript to go on. " + " ".join(["word"] * 30), "error_page"),
        ("Access to this page has been denied. " + " ".join(["word"] * 30), "error_page"),
        ("Few words.", "too_short"),
        ("人工知能は広告を変える。" * 20, "read"),
        (PROSE.replace("agency", "agenc\ufffd"), "encoding_damage"),
        (f"{PROSE} One broken \ufffd character.", "read"),
        ("\n".join(f"Flat {number}, two rooms" for number in range(12)), "listing"),
        (" ".join(f"a kettle at ${number}.99, cheap" for number in range(12)), "listing"),
        (f"{PROSE} It cost $5 million.", "read"),
    ],
)
def test_what_is_no_article_is_told_apart_from_articles(body: str, verdict: str) -> None:
    assert judged(body) == verdict


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_body_that_repeats_the_title_is_no_article(times: int) -> None:
    title = "Agency opens a studio in Lisbon"
    assert judged("\n".join([f"{title}."] * times), title, min_words=1) == "title_repeated"
    assert judged(f"{title}. {PROSE}", title) == "read"


def test_a_press_release_is_flagged_and_read() -> None:
    release = f"FOR IMMEDIATE RELEASE\n{PROSE}\nMedia contact: press@agency.example"
    assert judged(release) == "read"
    assert flags(Candidate("T", release, NOON, "eng")) == ["press_release"]
    assert flags(Candidate("T", PROSE, NOON, "eng")) == []


ARTICLES = {
    "earnings bullets": (
        "Third-quarter results of Ad Ledger:\n\n- Revenue: $412 million, up 12 percent\n- Net "
        "income: $31 million, or $1.12 a share\n- Advertising revenue: $290 million\n- "
        "Subscriptions: 1.2 million, up 90,000\n- Outlook: $430 million to $450 million\n\nThe "
        "company said that it would hire 200 people and that its board had approved a dividend "
        "of 20 cents. Shares rose 4 percent after the close, and analysts were pleased with "
        "what they called the best quarter since 2019."
    ),
    "deals article": (
        "Black Friday is here, and these are the offers that are worth your time. The kettle "
        "from Ode is $29 instead of $49, and it boils in a minute. The mixer costs $24, which "
        "is the lowest price that we have seen this year, and the pan is down to $17. If you "
        "need a knife set, wait until Monday, when it will be $39."
    ),
    "script dialog": (
        "Ana: We have to talk.\nKim: Now?\nAna: Now.\nKim: About what?\nAna: The bill.\nKim: I "
        "paid it.\nAna: Not this one.\nKim: Which one is it?\nAna: The one for the model.\n"
        "Kim: It was free.\nAna: It was not.\nKim: How much?"
    ),
    "stats story": (
        "Some 64 percent of marketers use AI daily, up from 41 percent in 2025; 22 percent use "
        "it weekly and 9 percent never do. In Germany 58 percent use it, in France 61, in "
        "Spain 67 and in Portugal 70. Budgets rose 12 percent to 4.1 billion euros."
    ),
    "release with prices": (
        "The chain will sell the lamp for $49, the chair for $129 and the table for $399 "
        "from Monday, it said. Members pay $39 for the lamp, $99 for the chair and $349 "
        "for the table, which is 10 percent less than last year, when the same set cost "
        "$640. “We want to keep prices where they are,” said its head of sales."
    ),
    "review": (
        "The phone costs $799, or $899 with twice the storage, and that is too much. Its "
        "rival sells for $649 and has a better camera. After a week with it I can say that "
        "the battery lasts, that the screen is bright and that nobody needs the pen, which "
        "adds $99. If you wait until spring, it will be $599."
    ),
    "earnings": (
        "Revenue rose 12 percent to $4.2 billion from $3.7 billion a year ago, and net "
        "income was $310 million, or $1.12 a share, after $280 million, or 98 cents. "
        "Advertising brought in $2.9 billion, subscriptions $900 million. Analysts had "
        "expected $4.1 billion. The company sees $4.4 billion to $4.6 billion for the next "
        "quarter."
    ),
    "liveblog": (
        "10:05 a.m.: The keynote has begun.\n\n10:07 a.m.: The head of the company is on "
        "stage.\n\n10:12 a.m.: A new model, twice as fast as the one before.\n\n10:20 a.m.: It "
        "will be free for schools.\n\n10:31 a.m.: Applause when the price is shown.\n\n10:40 "
        "a.m.: Now the partners come on stage.\n\n10:45 a.m.: That was it.\n\n10:50 a.m.: We "
        "will have more on this soon."
    ),
    "interview": (
        "What do you sell?\n\nTime, mostly.\n\nTo whom?\n\nTo brands that have none.\n\nAnd what "
        "does it cost?\n\nMore than they think.\n\nWill models change that?\n\nThey already "
        "have.\n\nHow?\n\nWe do in an hour what took us a week, and nobody has noticed so far."
    ),
    "poem": (
        "The lamp is out,\nthe street is wet,\nand I am here\nto pay the debt\nthat you "
        "forgot\nwhen it was cold\nand all we had\nwas bought and sold.\nThe lamp is out,\nand "
        "so am I."
    ),
    "ten ways": (
        "1. Turn off what you don’t use.\n2. Ask for the price of a month.\n3. Use one model "
        "for one task.\n4. Keep what it said.\n5. Never send it twice.\n6. Let a person read "
        "it.\n7. Count the words.\n8. Pay for what you need.\n9. Write it down.\n10. Stop when "
        "it is good enough."
    ),
    "recipe": (
        "Serves 4\n\n200 g flour\n\n2 eggs\n\n1 pinch of salt\n\n300 ml milk\n\nButter\n\nMix the "
        "flour with the salt, add the eggs and then the milk, and stir until the batter is "
        "smooth. Let it rest for half an hour. Heat the butter in a pan, pour in as much "
        "as it takes to cover the bottom, and turn it when the edge is brown."
    ),
    "job article": (
        "The agency is looking for a writer who knows how models work and who can tell a "
        "client so. You will work with a team of five in Porto, and you will write for two "
        "brands. We pay what the tariff says, and you can work from home on two days of "
        "the week."
    ),
    "price report": (
        "Petrol cost $1.79 a litre in Porto on Monday, $1.74 in Braga and $1.81 in Faro, "
        "the ministry said. A year ago it was $1.62, $1.60 and $1.66. Diesel fell to "
        "$1.65, which is the lowest price since May."
    ),
    "match report": (
        "Ana Reis beat Kim Ode 6-4, 3-6, 7-6 (7-5) in Porto on Saturday and will play Jo "
        "Weiss, who won 6-1, 6-2, in the final. It was her 14th win in a row, and the "
        "first against a player of the top 10 since 2024. “I was 2-5 down and did not "
        "think of winning,” she said after 3 hours and 12 minutes."
    ),
}
LISTS = {
    "box score": (
        "GOLDEN STATE (113) Durant 14-26 8-8 38, Green 3-12 2-4 9, Pachulia 2-3 0-0 4, Curry "
        "11-22 0-0 28, Thompson 3-16 0-2 6, Iguodala 3-7 1-2 7, West 0-1 0-0 0. Totals 45-106 "
        "11-16 113. CLEVELAND (91) James 9-20 7-8 28, Love 4-13 4-4 15, Thompson 0-3 0-0 0, "
        "Irving 10-22 2-3 24."
    ),
    "horse racing": (
        "Porto 2.10: 1 Blue Note 5/1; 2 Old Tom 11/4; 3 Miss Lima 8/1. 2.45: 1 Red Sky 2/1; 2 "
        "Big Ben 7/2; 3 Lady Sul 9/1. 3.20: 1 Fast Cat 6/4; 2 Iron Will 10/1; 3 Sea Fog 12/1. "
        "3.55: 1 Gold Bar 3/1; 2 Wild Oak 4/1."
    ),
    "exchange rates": (
        "USD/EUR 0.9210\nGBP/EUR 1.1702\nJPY/EUR 0.0061\nCHF/EUR 1.0420\nSEK/EUR 0.0880\n"
        "NOK/EUR 0.0862\nPLN/EUR 0.2330\nCZK/EUR 0.0398\nHUF/EUR 0.0025\n"
        "CAD/EUR 0.6720\nAUD/EUR 0.6011\nNZD/EUR 0.5503\nDKK/EUR 0.1340\n"
        "TRY/EUR 0.0284"
    ),
    "football results": (
        "Premier League\nArsenal 2-1 Chelsea\nLeeds 0-0 Hull\nEverton 3-2 Fulham\nBurnley 1-1 "
        "Luton\nPorto 4-0 Braga\nFaro 2-2 Evora\nLeixoes 0-1 Viseu\nAveiro 3-3 Tomar\nBeja 1-0 "
        "Sines"
    ),
    "results in one line": (
        "Results: Arsenal 2-1 Chelsea; Leeds 0-0 Hull; Everton 3-2 Fulham; Burnley 1-1 "
        "Luton; Porto 4-0 Braga; Faro 2-2 Evora; Leixoes 0-1 Viseu; Aveiro 3-3 Tomar; Beja "
        "1-0 Sines; Lagos 2-0 Silves."
    ),
    "table": (
        "P W D L F A Pts\nArsenal 38 26 7 5 85 31 85\nChelsea 38 24 6 8 80 40 78\nLeeds 38 20 "
        "9 9 66 44 69\nEverton 38 19 8 11 60 48 65\nHull 38 17 9 12 55 50 60"
    ),
    "tennis": (
        "Women’s Singles\n\nSecond Round\n\nAna Reis (2), Portugal, def. Kim Ode, Norway, 7-5, "
        "6-1.\n\nJo Weiss (11), Germany, def. Eva Lund, Sweden, 6-3, 6-2.\n\nMia Sol, Spain, "
        "def. Lia Roth (5), Austria, 4-6, 6-4, 6-3.\n\nIda Berg (7), Norway, def. Pia Klee, "
        "Germany, 6-0, 6-1."
    ),
    "tickers": (
        "AAPL 189.20 +0.4%\nMSFT 410.10 -0.2%\nGOOGL 140.33 +1.1%\nAMZN 178.20 +0.9%\nMETA "
        "480.01 -1.2%\nNVDA 870.44 +2.3%\nTSLA 177.90 -0.8%\nNFLX 610.20 +0.1%\nORCL 120.77 "
        "0.0%"
    ),
    "calendar": (
        "June 5: Jazz night, Blue Note, 8 p.m., $20\nJune 6: Poetry slam, Casa Velha, 7 "
        "p.m., free\nJune 7: Flea market, Praça Nova, 10 a.m.\nJune 8: Film: Porto 1950, "
        "Cine Sul, 9 p.m., $8\nJune 9: Yoga, Parque Norte, 8 a.m., free\nJune 10: Wine "
        "tasting, Adega Lima, 6 p.m., $35\nJune 11: Book fair, Rua Alta, 10 a.m.\nJune 12: "
        "Chess open, Clube Sul, 2 p.m., $5"
    ),
    "offers": (
        "Kettle, steel, 1.7 l: $29.99, was $49.99. Toaster, two slots: $19.99, was $34.99. "
        "Mixer, 500 W: $24.99, was $39.99. Pan, 28 cm: $17.99, was $29.99. Knife set: "
        "$39.99, was $79.99."
    ),
    "job list": (
        "Art Director, Porto, full time\nCopywriter, Braga, part time\nMedia Planner, Faro, "
        "full time\nData Analyst, Lisbon, remote\nAccount Manager, Porto, full time\nUX "
        "Designer, Lisbon, contract\nSEO Specialist, Evora, full time\nIntern, Social Media, "
        "Porto\nStrategist, Lisbon, full time"
    ),
    "headlines": (
        "Porto agency buys studio\nBank chatbot goes live\nRetailers cut print budgets\nRadio "
        "ads hit record\nModel writes winning spot\nBraga bans posters\nSearch prices fall "
        "again\nBrand safety tool launched\nInfluencer fined twice"
    ),
}


WORDS = tuple(f"{first}{last}" for first in "abcdefghij" for last in "klmnop")


@pytest.mark.parametrize("kind", ARTICLES)
def test_articles_full_of_figures_or_short_lines_are_read(kind: str) -> None:
    assert judged(ARTICLES[kind]) == "read"


@pytest.mark.parametrize("kind", LISTS)
def test_lists_of_offers_results_and_headlines_are_no_articles(kind: str) -> None:
    assert judged(LISTS[kind]) == "listing"
    report = ARTICLES["job article"] + ARTICLES["match report"]
    assert judged(f"{report}\n\n{LISTS[kind]}") == "read"


def test_a_long_guide_in_notes_is_read() -> None:
    assert (
        judged("\n".join(f"Landing page {word}, clear call, strong proof" for word in WORDS))
        == "read"
    )


def test_a_short_introduction_makes_no_article_of_a_list() -> None:
    assert judged(f"These are the results of Saturday.\n\n{LISTS['football results']}") == "listing"


@pytest.mark.parametrize(
    ("lang", "kind", "verdict"),
    [
        *(("tur", kind, "listing") for kind in ("offers", "tickers", "table")),
        *(("tur", kind, "read") for kind in ("headlines", "job list")),
        *(("deu", kind, "listing") for kind in LISTS),
    ],
)
def test_lists_are_known_in_other_languages_as_far_as_can_be(
    lang: str, kind: str, verdict: str
) -> None:
    found = first_rejection(Candidate("T", LISTS[kind], NOON, lang), [lang], 1)
    assert (found.reason if found else "read") == verdict


def test_a_poem_in_another_language_is_read() -> None:
    poem = "Der Mond ist aufgegangen,\ndie goldnen Sternlein prangen\nam Himmel hell und klar.\n"
    assert first_rejection(Candidate("T", poem * 4, NOON, "deu"), ["deu"], 1) is None


@pytest.mark.parametrize(
    ("note", "verdict"),
    [
        # paywalls
        ("To continue reading, please log in or subscribe.", "paywall_stub"),
        ("Sign in to read the full story.", "paywall_stub"),
        ("This article is only available to subscribers.", "paywall_stub"),
        ("You have reached your limit of free articles.", "paywall_stub"),
        ("The rest of this story is for members.", "paywall_stub"),
        ("Already a subscriber? Log in", "read"),
        ("Subscribe to our newsletter for more stories like this.", "read"),
        ("Start your free trial today.", "read"),
        ("Subscribe to read, says the banner, but nobody does.", "read"),
        ("“Log in to continue reading,” the page said.", "read"),
        ("The paper is available to subscribers, and to schools.", "read"),
        # notices
        ("This site uses cookies. By continuing, you accept our cookie policy.", "read"),
        ("The court ruled that the chain uses cookies to follow people.", "read"),
        ("The page was not found by searchers until Friday.", "read"),
        ("Captchas ask: are you a robot?", "read"),
    ],
)
def test_a_line_of_the_site_makes_no_stub_of_an_article(note: str, verdict: str) -> None:
    report = " ".join(PROSE.split()[:60]) + "."
    assert judged(f"{report}\n\n{note}") == verdict
    assert judged(f"{PROSE}\n\n{note}") == "read"


def test_an_invitation_before_a_report_makes_no_stub_of_it() -> None:
    report = " ".join(PROSE.split()[:80]) + "."
    assert judged(f"Sign up to get access to our briefing. {report}") == "read"
    assert judged("Sign up to get access to this story. It is about a studio. " + "w " * 25) == (
        "paywall_stub"
    )


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            "We value your privacy. We and our 842 partners store and access information on a "
            "device, such as cookies, and process personal data for personalised advertising. With "
            "your permission we and our partners may use precise data. You may click to consent "
            "or refuse to consent. Your preferences will apply to this website only.",
            "cookie_notice",
        ),
        (
            "Access denied. You don't have permission to access this page on our server. Please "
            "enable cookies and reload the page, or contact our support with the reference number "
            "below. If you are not a robot, please confirm that you are human.",
            "error_page",
        ),
        ("Please enable JavaScript. Your browser doesn't support it, so we can't show " * 2, ""),
    ],
)
def test_the_page_of_a_banner_or_a_server_is_no_article(page: str, reason: str) -> None:
    assert judged(page) == (reason or "error_page")


def test_a_text_that_can_be_read_in_spite_of_broken_characters_is_flagged() -> None:
    broken = PROSE.replace("Sentence 1", "Sentence \ufffd")
    assert judged(broken) == "read"
    assert flags(Candidate("T", broken, NOON, "eng")) == ["damaged"]


def test_what_is_doubtful_is_flagged_and_read() -> None:
    def told(body: str) -> list[str]:
        return flags(Candidate("T", body, NOON, "eng"))

    assert told(ARTICLES["poem"]) == ["list_like"]
    assert told(f"{PROSE} Subscribe to continue reading.") == ["cut_off"]
