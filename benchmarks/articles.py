"""Articles to serve: records as the news API gives them, which match the shipped topics."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from newsapi_dentsu.sandbox import SandboxArticle

FIRST_URI = 8_000_000_000
SENTENCES = 42
TITLE = "Generative AI in marketing, report"
FILLER = "of the"
"""Between words that no compression can shorten; a body has about 1,600 characters, and no three
words in a row that another has."""

SOURCE = "adledger.example"
_CONCEPTS = ("Artificial_intelligence", "Marketing")


def url_of(number: int) -> str:
    """The address of an article, in its canonical form."""
    return f"https://{SOURCE}/{number}"


def article(number: int, moment: datetime) -> SandboxArticle:
    """The article of this number, indexed at a moment."""
    stamp = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    record: dict[str, Any] = {
        "uri": str(FIRST_URI + number),
        "lang": "eng",
        "isDuplicate": False,
        "date": stamp[:10],
        "time": stamp[11:19],
        "dateTime": stamp,
        "dateTimePub": stamp,
        "dataType": "news",
        "sim": 0.5,
        "url": url_of(number),
        "title": f"{TITLE} {number}",
        "body": " ".join(f"{FILLER} {_digest(number, place)}" for place in range(SENTENCES)),
        "source": {"uri": SOURCE, "dataType": "news", "title": "Ad Ledger"},
        "authors": [],
        "image": f"https://{SOURCE}/{number}.jpg",
        "eventUri": None,
        "sentiment": 0.1,
        "wgt": 1,
        "relevance": 50,
        "concepts": [
            {
                "uri": f"http://en.wikipedia.org/wiki/{name}",
                "type": "wiki",
                "score": 3,
                "label": {"eng": name.replace("_", " ")},
            }
            for name in _CONCEPTS
        ],
        "categories": [],
        "location": None,
        "originalArticle": None,
    }
    return SandboxArticle.from_record(record)


def _digest(number: int, place: int) -> str:
    return hashlib.md5(f"{number}.{place}".encode(), usedforsecurity=False).hexdigest()
