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
        "Jo Weiss covers brands. You can e-mail her here or follow her on Twitter.",
        "Special correspondent Jo Weiss in Porto and staff writer Kim Ode contributed reporting.",
        "Originally published on Ad Ledger as The studio that was never built.",
        "Read the full article, which originally appeared on Ad Ledger, here.",
        "Sponsored content is written by Ad Ledger without any influence by the sponsor.",
        "Want the week in brief? Our newsletter is delivered to your inbox. Sign up here.",
        "More: why a bank was told to switch off its models",
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


@pytest.mark.parametrize(
    "sentence",
    [
        "Sign up for newsletters fell 20 percent after the change, the publisher said.",
        "All rights reserved is what the contract says, and the studio wants them back.",
        "Follow us on Instagram is the most common call to action.",
        "Subscribe to our newsletter, the banner says, but few do.",
        "Like us on Facebook was once worth a million dollars to the brand.",
        "Join the conversation is the slogan that the bank chose for its chatbot.",
        "Get the news to your inbox every morning was the promise of the start-up.",
        "Sign up for email alerts was the only thing that visitors of the page did.",
        "Already a subscriber? That question costs publishers a third of their visitors.",
        "Download our app for all the coupons, the poster read, and thousands came.",
        "Stay tuned for the newsletter, the agency told its clients in May.",
        "For the latest figures, follow the money, the analyst said.",
        "Sponsored content is written by freelancers who are paid by the word.",
        "Copyright 2026 was printed on every poster that the agency made.",
        "Copyright by itself protects no style, the court ruled on Friday.",
        "Photo credit is what the photographers ask for, and nothing else.",
        "Image courtesy matters more than money to the photographers who sued.",
        "With inputs from sensors, the model sets the price of each poster.",
        "This article was translated by a model that costs a cent a page.",
        "Originally published in German, the book is now a bestseller in Spain.",
        "See the original version of the contract and you will find no such clause.",
        "First published in May, the ranking names ten agencies.",
        "Click here to buy is the phrase that the model likes best.",
        "Tags: the small labels that brands put on clothes are now read by phones.",
        "Send us your ideas, the brand asked, and 40,000 people did.",
        "What do you think of ads in chatbots? Two of three would let us know, it found.",
        "Have your say was the title of the hearing.",
        "Let us know was what the union demanded.",
        "Contributed reporting is a skill that few schools teach.",
        "News delivered to your inbox is a habit of people over forty.",
        "The letter is delivered to your inbox and opened by a bot before you see it.",
        "The rule says that ads may not be published, broadcast or printed near a school.",
        "Tom Baker contributed to this report by the ministry with figures from 40 shops.",
        "Subscribe to the channel, Weiss tells viewers at the end of each clip, and they do.",
        "Register for updates here, the ministry wrote, but its page was down.",
        "Follow Anna Reis on Twitter and you will see how a brand talks to its fans.",
        "Not a member? Half of the gym's ads begin with these words.",
        "© is the sign that the brand forgot, and so it lost its case.",
        "Labels: the printer sold four million of them in May.",
        "Updated May 4, the list now has 40 names on it",
        "Like us on Facebook, they wrote on each cup, and sales doubled",
        "Find us on YouTube says the van that tours the country",
        "Sign up for the newsletter and leave, that is the pattern the publisher sees.",
        "Subscribe to alerts from the bank and a bot calls within a minute, customers complain.",
        "Follow the brand on Instagram long enough and every post looks the same.",
        "Like the page on Facebook, get a coupon: the offer broke no law, a judge decided.",
        "Join us on LinkedIn, the recruiter writes to everybody who ever opened the app.",
        "Get the app in your inbox schemes have cost users 4 million euros.",
        "Want the report in your email? The firm sells it for 900 euros instead.",
        "Already a member? Then the price doubles, a reader discovered.",
        "Not a subscriber? Too bad, says the chatbot of the paper.",
        "Download the new shopping app for more discounts, chains tell customers in vain.",
        "Stay connected to the network was the rule in the Facebook office.",
        "For all the latest trends, visit Porto, designers say.",
        "Copyright 2025 saw the most lawsuits since the invention of radio.",
        "Copyright by the agency does not cover prompts.",
        "© 2026 appears on every clip that the model makes, though nobody owns it.",
        "Photo by photo, the model learned what a shoe is.",
        "Image by AI labels became law in Spain.",
        "With files from the server, investigators proved the fraud.",
        "This story is part of why readers distrust ads.",
        "This article has been edited by three models, two people and a cat, the site boasts.",
        "This post was created by a bot that thinks it is a dentist.",
        "Originally published by a tiny press, the book now sells in forty countries.",
        "First appeared in 2014, and the meme never left.",
        "Tags: nobody reads them, but search engines do.",
        "Topics: what people talk about moves faster than brands can.",
        "Click here to win banners are back.",
        "Tap here for help leads to a bot.",
        "Send your ads to the model first, Reis advises clients.",
        "Send feedback to a bot and you get an apology, nothing more.",
        "Have your say on billboards, the council asked, and 4,000 residents answered.",
        "Let us know if it hurts, the dentist's chatbot says before each joke.",
        "What do you think below the line means? Marketers in the survey let us know: nothing.",
        "Do you have a tip for us? asks the paper, and readers send gossip.",
        "All rights reserved, the label told the court.",
        "All rights reserved by Disney end up in the same vault.",
        "Nothing contributed to this report more than the data of the chain itself.",
        "Three interns contributed reporting that won the prize.",
        "The tabloid, delivered to your inbox at dawn, sells more ads than its paper version.",
        "Want it delivered to your inbox? So do thieves, police warn.",
        "Facebook shares more.",
        "Photo: the only thing missing is the model.",
        "Image: what matters to brands.",
        "Follow me on Twitter, the minister begged, and 12 people did.",
        "Contact the author at https://press.example, the page says, but nobody answers.",
        "Reach me at 4 in the morning, the founder tells clients.",
        "By Jo Weiss, for Jo Weiss, about Jo Weiss: the show is a hit.",
        "Follow us on Facebook pages multiply whenever an election nears.",
        "Like us on Facebook buttons vanished from most shops this year.",
        "Subscribe to our newsletter prompts lift revenue by a tenth, the chain reckons.",
        "Copyright 2026 lawsuits pile up in the courts.",
        "For all the latest gadgets, customers still visit shops.",
    ],
)
def test_a_sentence_that_only_begins_like_wrapping_stays(sentence: str) -> None:
    assert own(f"{TEXT}\n\n{sentence}") == f"{TEXT}\n\n{sentence}"
    assert own(f"{sentence}\n\n{TEXT}") == f"{sentence}\n\n{TEXT}"


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
