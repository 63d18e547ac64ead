"""Where an article's own text begins and ends, and what of a site recurs around it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.wrapping import Known, line_key, own_span, recurring_lines

TEXT = (
    "The agency opened a studio in Porto on Monday, its third in Europe. It will train models on "
    "the archives of its clients.\n\n“We hired forty people,” said its head, Ana Reis. The studio "
    "is to serve retailers (most of them small) first."
)


def own(body: str, known: Known | None = None) -> str:
    return (own_span(body, known) if known else own_span(body)).of(body)


@pytest.mark.parametrize(
    "wrapping",
    [
        # agencies and those who wrote
        "(Reporting by Jo Weiss in Porto; Editing by Kim Ode)",
        "Additional reporting by Jo Weiss; writing by Kim Ode",
        "[Edited by Kim Ode]",
        "With inputs from agencies",
        "--IANS",
        "AFP",
        "Source: Reuters",
        "___\n\nPress Writer Jo Weiss in Porto contributed to this report.",
        "Follow Jo Weiss on Twitter at https://twitter.example/jo",
        "Jo Weiss is a writer in Porto. Reach him at jo@adledger.example",
        "Written by Jo Weiss for the Ad Ledger, with additional reporting from Kim Ode",
        # where it comes from
        "(This story has not been edited by Ad Ledger staff and is generated from a feed.)",
        "This article was originally published on The Brand Desk.",
        "See the original version of this story on Brand Desk",
        "Published Date: Nov 20, 2026 10:10 pm | Updated Date: Nov 20, 2026",
        "© 2026 Ad Ledger",
        "Copyright 2026 The Associated Press. All rights reserved.",
        # subscribing and sharing
        "Already a subscriber? Log in",
        "Sign up for our daily newsletter here",
        "For all the latest Brand News, download the Ad Ledger App",
        "Get the week's stories in your email every Friday",
        "Download the Ad Ledger app to get news on the go",
        "Share Tweet Email 12 Comments",
        "Share on Facebook Share on Twitter",
        "CONNECTTWEETLINKEDINCOMMENTEMAILMORE",
        "Like us on Facebook\n\nFollow us on Twitter",
        # further links
        "Read more: How a bank answers with models",
        "RELATED STORIES:\n\nA bank answers with models\n\nWhy search is cheap again",
        "Also read\n\nA bank answers with models",
        "Tags: studio, Porto, retail",
        "#Studio#Porto#Retail",
        "Advertisement",
        # several
        "- Reuters\n\nShare\n\nComments\n\nMore stories\n\nA bank answers with models",
    ],
)
def test_what_follows_an_article_is_not_the_article(wrapping: str) -> None:
    assert own(f"{TEXT}\n\n{wrapping}") == TEXT


@pytest.mark.parametrize(
    "wrapping",
    [
        "PORTO, Nov 20 (Reuters) - ",
        "NEW YORK (AP) -- ",
        "Porto, Portugal (AFP) – ",
        "By Jo Weiss and Kim Ode, Ad Ledger\n\n",
        "By Jo Weiss\n\nPublished: 20 November 2026\n\n",
        "Share Tweet Email\n\n",
        "Advertisement\n\nPORTO (AP) - ",
        "Get brand updates directly to your inbox+ SubscribeThank you for subscribing!\n\n",
        "Image copyright: Kim Ode\n\n",
        "Associated Press\n\n",
    ],
)
def test_what_stands_before_an_article_is_not_the_article(wrapping: str) -> None:
    assert own(wrapping + TEXT) == TEXT


@pytest.mark.parametrize("credit", [" (Reporting by Jo Weiss)", " -- Reuters", " – AFP", "(PTI)"])
def test_a_credit_in_the_last_line_ends_the_text(credit: str) -> None:
    assert own(TEXT + credit) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"{TEXT} The report is by Reuters.",
        f"{TEXT}\n\nSubscribe to continue reading.",
        f"{TEXT}\n\nShares of the company rose by 4 percent.",
        f"{TEXT}\n\nMore than 400 readers wrote to us.",
        f"{TEXT}\n\nCopyright law is what the head fears most, she said.",
        f"{TEXT}\n\n“Read more books,” she said.",
        f"{TEXT}\n\nUp next: the studio moves to Braga. It has 40 rooms.",
        f"{TEXT}\n\nMore: they count 40 rooms. Some are empty.",
        f"{TEXT}\n\nWhat do you think a model costs? About 4 million, she said.",
        f"{TEXT}\n\nThis story is about people who write briefs for models.",
        f"{TEXT}\n\nFacebook and Google both train models on it.",
        f"{TEXT}\n\nResearch by Ad Ledger shows that 6 of 10 brands follow.",
        f"{TEXT}\n\nWritten by a model, the spot ran in Braga.",
        f"{TEXT}\n\nThis report was published by Ode, and it counts 40 studios.",
        f"{TEXT}\n\nStores use models to reach them at the right time.",
        f"{TEXT}\n\nThe studio hopes to reach Young Parents at home.",
        f"For the latest quarter, the studio told of a loss.\n\n{TEXT}",
        f"Want to bring models to your email marketing? Five brands tell how.\n\n{TEXT}",
        f"Download the studio's app and ask it for a plan: it asks for money.\n\n{TEXT}",
        f"By Monday the studio had opened.\n\n{TEXT}",
        f"Share prices fell.\n\n{TEXT}",
        f"Porto (population 230,000) - {TEXT}",
    ],
)
def test_text_about_the_same_things_stays(text: str) -> None:
    assert own(text) == text


@pytest.mark.parametrize("body", ["", "Share", "Share\n\nTweet", "Few words.\n\nAdvertisement"])
def test_where_hardly_anything_else_is_left_the_wrapping_is_the_text(body: str) -> None:
    assert own(body) == body


SITE_LINE = "Our desk answers letters each Friday 12."


def articles(count: int, subject: str = "", line: str = SITE_LINE) -> list[tuple[str, str]]:
    subjects = ["studio", "bank", "search", "retail", "radio", "poster", "voice", "price"]
    return [
        (f"{subject} {name}", f"The {name} of the week, told at length for readers.\n\n{line}")
        for name in subjects[:count]
    ]


def test_a_line_that_recurs_at_a_source_is_known() -> None:
    found = recurring_lines(articles(8))
    assert found["end"] == {line_key(SITE_LINE): 8}
    known: Known = {place: frozenset(lines) for place, lines in found.items()}
    assert own(f"{TEXT}\n\nOur desk answers letters each Friday 7.", known) == TEXT
    assert own(f"{SITE_LINE}\n\n{TEXT}", known) != TEXT


@pytest.mark.parametrize(
    "found",
    [
        recurring_lines(articles(4)),
        recurring_lines(articles(8, subject="The Porto fire:")),
        recurring_lines(articles(8)[:1] * 8),
        recurring_lines(articles(8, line="Friday, 20 November 2026")),
    ],
    ids=["rarely", "of one event", "one article under many urls", "a date"],
)
def test_what_recurs_for_another_reason_is_not(found: dict[str, dict[str, int]]) -> None:
    assert not found["end"]


@given(st.permutations(articles(8)))
def test_what_recurs_does_not_depend_on_the_order(shuffled: list[tuple[str, str]]) -> None:
    assert recurring_lines(shuffled) == recurring_lines(articles(8))


LINES = st.lists(
    st.sampled_from(["", "Share", "___", TEXT, "AFP", "Read more", "(Reporting by", ")", "- AFP"])
)


@given(LINES.map("\n".join), st.sampled_from(["", " ", "\n"]))
def test_the_own_text_lies_in_the_body(body: str, around: str) -> None:
    body = around + body + around
    start, end = own_span(body)
    assert 0 <= start <= end <= len(body)


@pytest.mark.parametrize(
    "body",
    [
        *("A/" * 500_000, "Ab, " * 250_000 + "(", "(" * 1_000_000 + ")", "Share\n" * 200_000),
        *("(reporting by " * 70_000 + ")", "mar " * 99, "tweet" * 79 + "x", "\n" * 1_000_000),
    ],
    ids=lambda body: body[:9],
)
def test_a_million_hostile_characters_cost_less_than_a_second(body: str) -> None:
    started = time.process_time()
    own_span(body)
    assert time.process_time() - started < 1
