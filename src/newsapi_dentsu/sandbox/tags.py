"""Concepts and categories, and how the generated articles get them: from their own words."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from newsapi_dentsu.sandbox.articles import as_words

_WIKIPEDIA = "http://en.wikipedia.org/wiki/"
_MAX_SCORE = 5


@dataclass(frozen=True)
class Concept:
    """A concept and the phrases that make an article carry it."""

    page: str
    phrases: tuple[str, ...]
    type: str = "wiki"

    @property
    def uri(self) -> str:
        """Its Wikipedia address, which is its identity."""
        return _WIKIPEDIA + self.page

    @property
    def label(self) -> str:
        """Its English name."""
        return re.sub(r" \(.*\)", "", self.page.replace("_", " "))


CONCEPTS = (
    Concept("Artificial_intelligence", ("artificial intelligence", "ai", "ia", "ki")),
    Concept("Machine_learning", ("machine learning", "maschinelles lernen")),
    Concept("Generative_artificial_intelligence", ("generative ai", "generative")),
    Concept("Large_language_model", ("language model", "language models")),
    Concept("Chatbot", ("chatbot", "chatbots", "assistant", "assistants")),
    Concept("Intelligent_agent", ("agents", "ai agents")),
    Concept("Deepfake", ("deepfake", "deepfakes", "synthetic voices")),
    Concept("Algorithm", ("algorithm", "algorithms")),
    Concept("Automation", ("automation", "automated")),
    Concept("Marketing", ("marketing", "marketers", "marketer")),
    Concept(
        "Advertising",
        (
            "advertising",
            "advertiser",
            "advertisers",
            "advertisement",
            "advertisements",
            "ads",
            "werbung",
            "publicité",
        ),
    ),
    Concept("Digital_marketing", ("digital marketing", "paid search", "performance marketing")),
    Concept("Advertising_agency", ("agency", "agencies")),
    Concept("Marketing_automation", ("marketing automation", "customer journeys")),
    Concept("Brand", ("brand", "brands")),
    Concept("Search_engine_optimization", ("search optimisation", "answer engines")),
    Concept("Social_media", ("social media", "social feeds")),
    Concept("Influencer_marketing", ("influencer", "influencers", "creators")),
    Concept("Retail_media", ("retail media",)),
    Concept("Programmatic_advertising", ("programmatic",)),
    Concept("Customer_relationship_management", ("crm", "loyalty programme")),
    Concept("Privacy", ("privacy", "consent")),
    Concept("Copyright", ("copyright", "licensing")),
    Concept("Venture_capital", ("venture", "series a", "series b", "series c")),
    Concept("Mergers_and_acquisitions", ("acquisition", "acquires", "deal")),
    Concept("Chief_marketing_officer", ("chief marketing officer", "cmo")),
    Concept("Graphics_processing_unit", ("chips", "accelerators")),
    Concept("New_York_City", ("new york",), "loc"),
    Concept("London", ("london",), "loc"),
    Concept("San_Francisco", ("san francisco",), "loc"),
    Concept("Singapore", ("singapore",), "loc"),
    Concept("European_Union", ("european union", "brussels"), "org"),
)

CATEGORIES: Mapping[str, str] = {
    uri: uri
    for uri in (
        "dmoz/Business",
        "dmoz/Business/Marketing_and_Advertising",
        "dmoz/Business/Marketing_and_Advertising/Internet_Marketing",
        "dmoz/Business/Marketing_and_Advertising/Market_Research",
        "dmoz/Business/Investing",
        "dmoz/Business/Real_Estate",
        "dmoz/Computers",
        "dmoz/Computers/Artificial_Intelligence",
        "dmoz/Computers/Artificial_Intelligence/Machine_Learning",
        "dmoz/Computers/Artificial_Intelligence/Natural_Language",
        "dmoz/Society/Law",
        "dmoz/Sports/Soccer",
        "dmoz/Recreation/Travel",
        "news/Business",
        "news/Technology",
        "news/Politics",
        "news/Sports",
        "news/Environment",
    )
}
# What the tagger gives an article by its topic; a marketing piece about models gets both lists.
AI_CATEGORIES = (
    "dmoz/Computers/Artificial_Intelligence",
    "dmoz/Computers/Artificial_Intelligence/Machine_Learning",
    "dmoz/Computers/Artificial_Intelligence/Natural_Language",
)
MARKETING_CATEGORIES = (
    "dmoz/Business/Marketing_and_Advertising",
    "dmoz/Business/Marketing_and_Advertising/Internet_Marketing",
    "dmoz/Business/Marketing_and_Advertising/Market_Research",
)


def concepts_of(title: str, body: str) -> list[dict[str, Any]]:
    """Return the concepts that the text names, the most prominent first."""
    words = as_words(f"{title} {title} {body}")
    found = []
    for concept in CONCEPTS:
        count = sum(words.count(f" {phrase} ") for phrase in concept.phrases)
        if count:
            found.append(
                {
                    "uri": concept.uri,
                    "type": concept.type,
                    "score": min(count, _MAX_SCORE),
                    "label": {"eng": concept.label},
                }
            )
    return sorted(found, key=lambda concept: -concept["score"])


def categories_of(topics: Sequence[str], news: str, rng: random.Random) -> list[dict[str, Any]]:
    """Return the categories of an article on those topics, with the weights of a real tagger."""
    uris = [news]
    if "ai" in topics:
        uris.append(rng.choice(AI_CATEGORIES))
    if "marketing" in topics:
        uris.append(rng.choice(MARKETING_CATEGORIES))
    return [{"uri": uri, "label": CATEGORIES[uri], "wgt": rng.randint(35, 100)} for uri in uris]
