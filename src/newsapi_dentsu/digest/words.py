"""A digest in words: what all its forms share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import Final
from urllib.parse import quote, urlsplit

from newsapi_dentsu.reading.digest import BrandTone, Digest, Period, Told, Tone
from newsapi_dentsu.visible import inert
from newsapi_dentsu.wording import counted

LONGEST_TITLE: Final = 200
_LONGEST_NAME: Final = 60
_LONGEST_LINK: Final = 2_000
"""Characters of an address from which on it is no link: programs cut longer ones."""

_NAMES: Final = 3
"""Names of further sources that a story lists; the rest are counted."""

_MOST_BRANDS: Final = 15

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class StoryWords:
    """A story as every form tells it.

    `link` leads to the article, None where that is no web page; `page` to where it is read here.
    """

    title: str
    link: str | None
    about: str
    page: str | None


@dataclass(frozen=True, slots=True)
class FigureWords:
    """A number beside that of the days before."""

    name: str
    now: str
    compared: str


@dataclass(frozen=True, slots=True)
class Section:
    """A list under a heading: names, each with a detail that may be empty."""

    heading: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DigestWords:
    """A digest as every form tells it; what there is nothing of is empty."""

    title: str
    period: str
    notes: tuple[str, ...]
    figures: tuple[FigureWords, ...]
    stories: tuple[StoryWords, ...]
    sections: tuple[Section, ...]
    page: str | None

    def of_stories(self, count: int) -> "DigestWords":
        """These words with only the first `count` stories, and a note of how many there were."""
        if count >= len(self.stories):
            return self
        note = f"Of {len(self.stories)} stories, {count} find room here."
        return replace(self, stories=self.stories[:count], notes=(*self.notes, note))


def words(digest: Digest, page: str | None = None) -> DigestWords:
    """The words of a digest: each text on one line, short, with nothing in it that acts.

    Args:
        digest: what to tell.
        page: the address of the page on which people read, where there is one.
    """
    about = f" about {name(digest.topic)}" if digest.topic else ""
    period = days(digest.period)
    return DigestWords(
        title=f"The news{about}, {period}",
        period=period,
        notes=tuple(_notes(digest)),
        figures=tuple(_figures(digest)),
        stories=tuple(_story(told, digest.period, page) for told in digest.stories),
        sections=tuple(section for section in _sections(digest) if section.rows),
        page=page,
    )


def days(period: Period) -> str:
    """Some days, such as `23 to 29 November 2026`."""
    first, last = period.since, period.until
    end = f"{last.day} {_MONTHS[last.month - 1]} {last.year}"
    if first == last:
        return end
    begin = f"{first.day}"
    if (first.year, first.month) != (last.year, last.month):
        begin += f" {_MONTHS[first.month - 1]}"
    if first.year != last.year:
        begin += f" {first.year}"
    return f"{begin} to {end}"


def name(text: str) -> str:
    """A name from outside, on one line and short."""
    return shortened(inert(text), _LONGEST_NAME)


def shortened(text: str, longest: int) -> str:
    """A text of so many characters at most, cut at a word where there is one."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    whole, space, _ = cut.rpartition(" ")
    return (whole if space and len(whole) > longest // 2 else cut).rstrip() + "…"


def web_link(link: str) -> str | None:
    """A link to a web page, with nothing in it that ends a link anywhere.

    None where it is none, or is longer than programs take.
    """
    try:
        parts = urlsplit(link)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            return None
    except ValueError:
        return None
    address = quote(link, safe="%/:?#[]@!$&'()*+,;=~-._", errors="replace")
    return address if len(address) <= _LONGEST_LINK else None


def _notes(digest: Digest) -> list[str]:
    notes = []
    if digest.origin == "sandbox":
        notes.append("Sandbox data: these articles are invented.")
    if not digest.figures.articles:
        notes.append("There was no news in these days.")
    if digest.newest is None:
        notes.append("Nothing is stored yet.")
    elif digest.newest < digest.period.until:
        newest = days(Period(digest.newest, digest.newest))
        notes.append(f"The newest article is of {newest}: later days may be missing.")
    if digest.before is None and digest.figures.articles:
        span = _span_before(digest.period.days)
        notes.append(f"Not all of {span} is stored, so there is nothing to compare with.")
    return notes


def _figures(digest: Digest) -> list[FigureWords]:
    span = _span_before(digest.period.days)
    told = []
    for what in ("articles", "stories", "sources"):
        now = getattr(digest.figures, what)
        before = getattr(digest.before, what) if digest.before else None
        if before is None:
            compared = ""
        elif not before:
            compared = f"none {span}"
        elif now == before:
            compared = f"as many as {span}"
        else:
            change = round(100 * (now - before) / before)
            compared = f"{change:+,} %, {before:,} {span}"
        told.append(FigureWords(what, f"{now:,}", compared))
    return told


def _span_before(days: int) -> str:
    spans = {1: "the day before", 7: "the week before"}
    return spans.get(days, f"the {days} days before")


def _sections(digest: Digest) -> Iterator[Section]:
    yield Section(
        "Rising concepts",
        tuple(
            (name(one.label), f"{counted(one.articles, 'article')}, usually {one.before:.1f}")
            for one in digest.rising
        ),
    )
    heading = f"Watched brands, {days(digest.tone_weeks)}"
    tones = digest.tones[:_MOST_BRANDS]
    yield Section(heading, tuple((name(one.brand), _tone(one)) for one in tones))
    yield Section("New sources", tuple(_new_sources(digest)))


def _tone(one: BrandTone) -> str:
    told = (
        f"{counted(one.tone.stories, 'story')}, {one.tone.negative:,} negative, "
        f"{one.tone.positive:,} positive; tone {one.tone.score:+.2f}"
    )
    if one.before is None:
        return told
    return f"{told} ({_tone_before(one.before)} before)"


def _tone_before(tone: Tone) -> str:
    return f"{tone.score:+.2f} in {tone.stories:,}" if tone.stories else "none"


def _story(told: Told, period: Period, page: str | None) -> StoryWords:
    story = told.story
    parts = [_day(story.first_published_at.astimezone(UTC).date(), period)]
    if told.first:
        parts = [f"first in {name(told.first)}, {parts[0]}"]
    if also := _also(told):
        parts.append(also)
    if changes := [
        counted(count, noun)
        for count, noun in ((story.rewrites, "rewrite"), (story.updates, "update"))
        if count
    ]:
        parts.append(", ".join(changes))
    if story.relevance is not None:
        topics = ", ".join(name(topic) for topic in story.topics)
        parts.append(f"relevance {story.relevance:.2f}{f' ({topics})' if topics else ''}")
    about = "; ".join(parts)
    title = shortened(inert(story.title), LONGEST_TITLE) or "(no title)"
    return StoryWords(
        title,
        web_link(story.link),
        about[0].upper() + about[1:],
        f"{page}/story/{quote(story.story_id, safe='')}" if page else None,
    )


def _day(day: date, period: Period) -> str:
    year = "" if day.year in (period.since.year, period.until.year) else f" {day.year}"
    return f"{day.day} {_MONTHS[day.month - 1]}{year}"


def _also(told: Told) -> str:
    others = told.story.source_count - (1 if told.first else 0)
    if others < 1:
        return ""
    return f"also in {others:,}{_in_brackets(told.also, others)}"


def _in_brackets(names: Sequence[str], count: int) -> str:
    shown = [shown for one in names[:_NAMES] if (shown := name(one))]
    if not shown:
        return ""
    more = count - len(shown)
    return f" ({', '.join(shown)}{f' and {more:,} more' if more > 0 else ''})"


def _new_sources(digest: Digest) -> list[tuple[str, str]]:
    told = [
        (name(one.source_name or one.source_uri), counted(one.articles, "article"))
        for one in digest.new_sources
    ]
    if more := digest.new_source_count - len(told):
        told.append((f"and {more:,} more", ""))
    return told
