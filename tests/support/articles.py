"""Articles that match the tests' topics, of which a test names the fields it is about."""

import random
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.sandbox import SandboxArticle

TOPICS = parse_topics(
    """
    relevance: {threshold: 0}
    quality: {min_words: 1}
    topics:
      - {name: AI, keywords: [artificial intelligence]}
      - {name: Marketing, keywords: [marketing]}
    """,
    "topics.yaml",
)
OTHER_TOPICS = parse_topics(
    """
    relevance: {threshold: 0}
    quality: {min_words: 1}
    topics: [{name: Marketing, keywords: [marketing]}]
    """,
    "topics.yaml",
)


_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro")

REPORT = (
    "The advertising group Norvane has agreed to sell its northern media business to the holding "
    "Fjordal, the two companies said on Tuesday. The deal covers three offices, where about 640 "
    "people plan campaigns for retailers and banks.\n"
    "Norvane will receive $85 million in cash when the transaction closes, which is expected in "
    "the third quarter. Fjordal said that it would keep the local brands and move them onto its "
    "own planning software. Clients had been told of the plan on Monday evening, a spokeswoman "
    "said.\n"
    "Analysts called the price fair and said that Norvane had to reduce its debt after two years "
    "of weak demand. Shares of the group rose slightly in early trading. The sale still needs the "
    "consent of the competition authority, which looked closely at a similar deal last year.\n"
    "Norvane bought the business long ago and expanded it by small acquisitions. Its founder left "
    "the company in the spring and has since started a consultancy of her own."
)
"""A report of which tests make other states."""


def record(uri: str, at: datetime, **fields: Any) -> dict[str, Any]:
    """A whole, sound record that the index found `at`."""
    stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "uri": uri,
        "lang": "eng",
        "isDuplicate": False,
        "date": stamp[:10],
        "time": stamp[11:19],
        "dateTime": stamp,
        "dateTimePub": stamp,
        "dataType": "news",
        "sim": 0.5,
        "url": f"https://adledger.example/{uri}",
        "title": f"Story {uri}",
        "body": body(uri),
        "source": {"uri": "adledger.example", "dataType": "news", "title": "Ad Ledger"},
        "authors": [{"uri": "jo@adledger.example", "name": "Jo Weiss", "type": "author"}],
        "image": f"https://adledger.example/{uri}.jpg",
        "eventUri": None,
        "sentiment": 0.1,
        "wgt": 1,
        "relevance": 50,
        "concepts": [],
        "categories": [],
        "location": None,
        "originalArticle": None,
        **fields,
    }


@lru_cache(maxsize=10_000)
def body(uri: str) -> str:
    """A text about the topics, like no other's."""
    rng = random.Random(uri)
    return f"How artificial intelligence changes marketing, told in story {uri}. " + " ".join(
        "".join(rng.choices(_SYLLABLES, k=3)) for _ in range(40)
    )


def article(
    uri: str,
    *,
    at: datetime,
    arrives: datetime | None = None,
    late: timedelta = timedelta(),
    kind: str = "story",
    **fields: Any,
) -> SandboxArticle:
    """An article that the index dates `at` and lists from `arrives` on (by default `at`)."""
    return SandboxArticle(record(uri, at, **fields), at, arrives or at + late, kind)


def many(count: int, *, at: datetime, prefix: str = "", **options: Any) -> list[SandboxArticle]:
    """`count` articles, a second apart from `at` on, with uris in that order."""
    return [
        article(f"{prefix}{number:05}", at=at + timedelta(seconds=number), **options)
        for number in range(1, count + 1)
    ]


def varied(morning: datetime, days: int) -> list[SandboxArticle]:
    """Days of articles, with twins, copies, fuller texts and unusable records among them."""
    found = []
    for age in range(days):
        at = morning - timedelta(days=age)
        found += many(105, at=at, prefix=f"{age}-")
        for number in range(5):
            original = f"https://adledger.example/{age}-{number + 1:05}"
            found.append(article(f"{age}t{number}", at=at, url=f"{original}?utm_source=x"))
            found.append(article(f"{age}j{number}", at=at, title="[Removed]"))
            found.append(article(f"{age}u{number}", at=at, url="no url"))
            first = f"{body(f'{age}s{number}')} {body(f'{age}t{number}')}"
            fuller = f"{first}\n{body(f'{age}background{number}')}"
            for place, text in enumerate((first, fuller, first, f"{fuller}\n{body('history')}")):
                found.append(
                    article(
                        f"{age}f{number}-{place}",
                        at=at + timedelta(minutes=(7 * place + number) % 11),
                        title=f"Harbour fair {number} opens",
                        body=text,
                        url=f"https://site{place}.example/{age}/{number}",
                    )
                )
    return found
