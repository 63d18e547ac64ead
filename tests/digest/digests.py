"""Digests to form, made by hand."""

from datetime import date, timedelta
from typing import Any

from newsapi_dentsu.reading.digest import BrandTone, Digest, Figures, Period, Told, Tone
from newsapi_dentsu.reading.stories import Story
from newsapi_dentsu.reading.trends import Rising, SourceCount
from support.clock import NOON

WEEK = Period(date(2026, 11, 23), date(2026, 11, 29))


def story(title: str = "A deal", **fields: Any) -> Story:
    values: dict[str, Any] = {
        "story_id": "s", "article_id": "a", "title": title, "body": "", "text_start": None,
        "text_end": None, "link": "https://adledger.example/deal", "lang": "eng",
        "source_name": "Ad Ledger", "source_uri": "adledger.example", "image": None,
        "origin": "eventregistry", "relevance": 0.9, "sentiment": None, "topics": ["Marketing"],
        "first_source": "adledger.example", "first_published_at": NOON,
        "last_published_at": NOON + timedelta(hours=1),
        "sources": ["adledger.example", "other.example"], "source_count": 2, "article_count": 2,
        "copies": 1, "rewrites": 0, "updates": 0, "updated_at": NOON, "change_seq": 1,
        **fields,
    }  # fmt: skip
    return Story(**values)


def digest(*stories: Story, **fields: Any) -> Digest:
    values: dict[str, Any] = {
        "period": WEEK,
        "topic": None,
        "figures": Figures(1_240, 900, 30),
        "before": Figures(1_000, 900, 0),
        "stories": [Told(one, "Ad Ledger", ["Other"]) for one in stories or [story()]],
        "rising": [Rising("Robots", 14, 2.25)],
        "new_sources": [SourceCount("new.example", "New Paper", 3)],
        "new_source_count": 1,
        "change_seq": 12,
        "tones": [BrandTone("Nova", Tone(12, 3, 5, 0.125), Tone(4, 2, 1, -0.25))],
        "newest": WEEK.until,
        "origin": "eventregistry",
        **fields,
    }
    return Digest(**values)


HOSTILE = (
    '<script>alert(1)</script><img src="https://spy.example/pixel.gif">',
    "*bold* _under_ [a](javascript:alert(1)) `code` ![i](https://spy.example/x.png) | cell",
    "<!channel> <!here> <@U123> <https://spy.example|click> :rotating_light: @everyone",
    "\x1b[31mred\x1b]0;title\x07 \r\nBcc: all@example.com\r\n.\r\nMAIL FROM:<x@example.com>",
    "\u202eevil\u202c \u2067אבג שלום עולם\u2069 \u200f",
    "العربية: إعلان جديد",
    "長い" * 300,
    "word" * 400,
    "half \ufffd character \x00 and \u2028 line",
    "{{ 7 * 7 }} {% raw %} ${x} %s &amp; &#x3c;b&#x3e;",
    "",
)
"""Titles that mean harm, or are written otherwise than this program."""
