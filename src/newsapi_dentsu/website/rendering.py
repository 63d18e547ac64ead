"""Stories as HTML and XML."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

import jinja2
import langcodes
from langcodes.tag_parser import LanguageTagError

from newsapi_dentsu.reading import entries
from newsapi_dentsu.reading.search import narrowed
from newsapi_dentsu.reading.stories import Story
from newsapi_dentsu.reading.tones import Mention
from newsapi_dentsu.wording import duration

_TEMPLATES: Final = resources.files(__package__) / "templates"
_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT_SHOWN: Final = 6_000
"""Characters of a text that the page of a story shows."""


def render(template: str, now: datetime, **values: Any) -> str:
    """Fill a template.

    Args:
        template: its file's name.
        now: the time, from which the ages of stories are told.
        values: what it shows.
    """
    return _environment().get_template(template).render(now=now, **values)


@cache
def style() -> str:
    """The style sheet of all pages."""
    return (resources.files(__package__) / "style.css").read_text("utf-8")


def own_text(story: Story) -> str:
    """The text of a story without what its site wraps around it."""
    return entries.own_text(story.body, story.text_start, story.text_end)


def excerpt(story: Story, length: int = 240) -> str:
    """The beginning of a story's text, cut at a word."""
    text = " ".join(own_text(story).split())
    if len(text) <= length:
        return text
    cut = text[:length].rsplit(" ", 1)[0].rstrip(" .,;:–—-")
    return f"{cut}…"


def paragraphs(story: Story) -> tuple[list[str], bool]:
    """The text of a story in paragraphs, and whether some of it is left out."""
    text = own_text(story)
    shown = text[:_TEXT_SHOWN]
    return [part for line in shown.split("\n") if (part := line.strip())], len(text) > len(shown)


def moment(at: datetime | None) -> str:
    """A time in UTC, for people."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else "unknown"


def iso(at: datetime | None) -> str:
    """A time in UTC, for programs."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


@jinja2.pass_context
def _ago(context: jinja2.runtime.Context, at: datetime | None) -> str:
    if at is None:
        return "unknown"
    age = context["now"] - at
    if age < timedelta(minutes=1):
        return "just now" if age > -timedelta(minutes=1) else moment(at)
    if age > timedelta(days=2):
        return moment(at)
    return f"{_roughly(age)} ago"


def _later(after: timedelta) -> str:
    return f"{_roughly(after)} later"


def _seconds(seconds: float) -> str:
    return _roughly(timedelta(seconds=seconds))


def _roughly(span: timedelta) -> str:
    """A length of time in one unit, for reading in passing."""
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)):
        if span >= unit:
            return duration(span - span % unit)
    return duration(span)


def safe_link(link: str) -> str:
    """A link that a browser may follow; anything but web addresses leads nowhere."""
    try:
        scheme = urlsplit(link).scheme.lower()
    except ValueError:
        return "#"
    return link if scheme in ("http", "https") else "#"


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)


@cache
def _tag(code: str) -> str:
    """A language as browsers name it."""
    try:
        return langcodes.standardize_tag(code)
    except LanguageTagError:
        return "und"


def tone_words(label: str) -> str:
    """What a label of tones says: one that isn't known is not the same as neutral."""
    said = label.replace("_", " ")
    return f"{said.capitalize()} tone" if label in _JUDGED else f"Tone {said}"


_JUDGED: Final = frozenset({"negative", "neutral", "positive"})


def _marked(said: Mention, around: int = 150) -> tuple[str, str, str]:
    """A sentence before, in and after the name, what is far from it left out."""
    text, start, end = said.sentence, said.name_start, said.name_end
    before, name, after = text[:start], text[start:end], text[end:]
    if len(before) > around:
        before = "…" + before[-around:].split(" ", 1)[-1]
    if len(after) > around:
        after = after[:around].rsplit(" ", 1)[0] + "…"
    return before, name, after


def language(code: str) -> str:
    """A language's name in English, where it is one that many read."""
    return _LANGUAGES.get(_tag(code), code)


_LANGUAGES: Final = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish",
    "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "zh": "Chinese",
}  # fmt: skip


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (_TEMPLATES / name).read_text("utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        ago=_ago, later=_later, moment=moment, iso=iso, excerpt=excerpt, safe_link=safe_link,
        xml=_xml, language=language, tag=_tag, seconds=_seconds, tone=tone_words, marked=_marked,
        about=partial(narrowed, "", "brand"),
    )  # fmt: skip
    return environment
