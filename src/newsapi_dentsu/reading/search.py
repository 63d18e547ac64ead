"""The language of searches: `agency "series b" -crypto source:adledger since:2026-11-01`.

All of it must hold: each word or "phrase" is in the title or the text, none with a `-` before it
is, and the rest narrows down where, when, about what and in which language. One rule
(`domain/terms.py`) says what a word is; so a search has the same hits on every engine.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from operator import attrgetter
from typing import Final

from newsapi_dentsu.domain.names import domain_key, name_key
from newsapi_dentsu.domain.record import parse_day
from newsapi_dentsu.domain.terms import terms
from newsapi_dentsu.reading.tones import OF_ARTICLES, label_of_target

MOST_CHARACTERS: Final = 400
"""As many as fit into an address, whatever script they are of."""

MOST_PARTS: Final = 20
MOST_TERMS: Final = 100

Terms = tuple[str, ...]
"""Terms that follow each other."""

_QUOTES: Final = str.maketrans("“”„«»", '"""""')
_IN_QUOTES: Final = r"""(?:"(?P<{0}>[^"]*)"|['‘’](?P<{0}_single>[^'‘’"]*)['‘’](?=\s|$))"""
"""What is quoted; single quotes are apostrophes where they stand within words."""

_PART: Final = re.compile(
    rf"(?P<minus>-?)(?:{_IN_QUOTES.format('phrase')}|"
    rf"(?P<name>source|domain|since|until|topic|lang|brand|tone):(?:{_IN_QUOTES.format('value')}|(?P<plain>\S*))|"
    r"(?P<word>\S+))",
    re.IGNORECASE,
)
_VALUES: Final = ("phrase", "phrase_single", "value", "value_single", "plain", "word")
_EXAMPLE: Final = 'such as agency "series b" -crypto source:adledger since:2026-11-01'


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; days are UTC and inclusive.

    Of `sources`, `domains`, `topics` and `languages` one must hold where there are any. `sources`
    are words of a publication's name or domain, `domains` whole domains as they are compared.
    `brands` are whom an article speaks about, by their whole names as names are compared; `tones`
    are how it speaks of one of them, or in title and first sentence where there are none.
    """

    phrases: tuple[Terms, ...] = ()
    without: tuple[Terms, ...] = ()
    sources: tuple[Terms, ...] = ()
    without_sources: tuple[Terms, ...] = ()
    domains: tuple[str, ...] = ()
    without_domains: tuple[str, ...] = ()
    topics: tuple[Terms, ...] = ()
    without_topics: tuple[Terms, ...] = ()
    languages: tuple[str, ...] = ()
    without_languages: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    without_brands: tuple[str, ...] = ()
    tones: tuple[str, ...] = ()
    without_tones: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    @property
    def reads_texts(self) -> bool:
        """Whether it looks for anything but days."""
        return any(_looked_for(self))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of tones (`tones.labels`) of which an article must have one, if there are any."""
        if not self.brands or not self.tones:
            return self.tones or tuple(map(label_of_target, self.brands))
        return self._told(self.tones)

    @property
    def without_labels(self) -> tuple[str, ...]:
        """Labels of tones of which an article may have none."""
        return (*map(label_of_target, self.without_brands), *self._told(self.without_tones))

    def _told(self, tones: Sequence[str]) -> tuple[str, ...]:
        if not self.brands:
            return tuple(tones)
        return tuple(label_of_target(brand, tone) for brand in self.brands for tone in tones)

    def within(self, since: date | None, until: date | None) -> "Search":
        """The same between these days, where it isn't narrower itself."""
        first, last = self.since or since, self.until or until
        if since and first:
            first = max(first, since)
        if until and last:
            last = min(last, until)
        return replace(self, since=first, until=last)


_looked_for: Final = attrgetter(
    *(one.name for one in fields(Search) if one.name not in ("since", "until"))
)


@lru_cache(maxsize=256)
def parse_search(text: str) -> Search:
    """Read a search as people type it.

    Raises:
        ValueError: it is too long, has nothing to look for, or a part that means nothing; the
            message says so.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a search has at most {MOST_CHARACTERS:,} characters")
    found = list(_PART.finditer(text.translate(_QUOTES)))
    if len(found) > MOST_PARTS:
        raise ValueError(f"a search has at most {MOST_PARTS} words and phrases")
    phrases: dict[str, list[Terms]] = {}
    exact: dict[str, list[str]] = {}
    days: dict[str, date] = {}
    for part in found:
        name, minus = (part["name"] or "").lower(), part["minus"]
        value = next(part[one] for one in _VALUES if part[one] is not None)
        if name in ("since", "until"):
            days[name] = _day(name, value)
        elif name in _EXACT:
            exact.setdefault(minus + name, []).append(_EXACT[name](value))
        elif looked_for := tuple(terms(value)):
            phrases.setdefault(minus + name, []).append(looked_for)
        elif name:
            raise ValueError(f"{name}: needs a name, {_EXAMPLE}")
    if sum(len(one) for each in phrases.values() for one in each) > MOST_TERMS:
        raise ValueError(f"a search has at most {MOST_TERMS} words")
    search = _made(phrases, exact, days)
    if text.strip() and search == Search():
        raise ValueError(f"there is no word to look for: give one, {_EXAMPLE}")
    if search.since and search.until and search.since > search.until:
        raise ValueError("since: must not lie after until:")
    return search


def narrowed(text: str, name: str, value: str) -> str:
    """A search narrowed down to a value of an operator, whatever characters that has.

    Of several parts of one operator one must hold, so those of the search make room.
    """
    kept = [
        # A quotation mark that is never closed would begin at the next one.
        text[slice(*part.span())] + '"' * (part[0].count('"') % 2)
        for part in _PART.finditer(text.translate(_QUOTES))
        if part["minus"] or (part["name"] or "").lower() != name
    ]
    plain = value.translate(_QUOTES).replace('"', " ")
    is_word = plain.replace(".", "").replace("-", "").isalnum()
    return " ".join([*kept, f"{name}:{plain}" if is_word else f'{name}:"{plain}"'])


def _made(
    phrases: Mapping[str, list[Terms]],
    exact: Mapping[str, list[str]],
    days: Mapping[str, date],
) -> Search:
    return Search(
        phrases=tuple(phrases.get("", ())),
        without=tuple(phrases.get("-", ())),
        sources=tuple(phrases.get("source", ())),
        without_sources=tuple(phrases.get("-source", ())),
        domains=tuple(exact.get("domain", ())),
        without_domains=tuple(exact.get("-domain", ())),
        topics=tuple(phrases.get("topic", ())),
        without_topics=tuple(phrases.get("-topic", ())),
        languages=tuple(exact.get("lang", ())),
        without_languages=tuple(exact.get("-lang", ())),
        brands=tuple(exact.get("brand", ())),
        without_brands=tuple(exact.get("-brand", ())),
        tones=tuple(exact.get("tone", ())),
        without_tones=tuple(exact.get("-tone", ())),
        since=days.get("since"),
        until=days.get("until"),
    )


def _day(name: str, text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise ValueError(
            f"{name}: needs a day from 1900 to 2999 such as {name}:2026-11-28"
        ) from None


def _language(text: str) -> str:
    """A language's code of three letters, of a code of two or three."""
    # Its tables take as long to load as a small search.
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    try:
        return langcodes.get(text.strip()).to_alpha3()
    except (LookupError, LanguageTagError):
        raise ValueError("lang: needs a language such as lang:eng or lang:de") from None


def _domain(text: str) -> str:
    """The domain of a publication, as domains are compared."""
    key = domain_key(text)
    if not key or not key.isprintable():
        raise ValueError("domain: needs a whole domain such as domain:adledger.example")
    return key


def _brand(text: str) -> str:
    """The name of whom an article speaks about, as names are compared."""
    key = name_key(text)
    if not key:
        raise ValueError('brand: needs a whole name such as brand:Nova or brand:"Nova Motors"')
    return key


def _tone(text: str) -> str:
    """A tone as it is stored."""
    tone = "_".join(terms(text))
    if tone not in OF_ARTICLES:
        names = ", ".join(OF_ARTICLES)
        raise ValueError(f"tone: needs one of {names}, such as tone:negative")
    return tone


_EXACT: Final[Mapping[str, Callable[[str], str]]] = {
    "domain": _domain,
    "lang": _language,
    "brand": _brand,
    "tone": _tone,
}
"""What isn't looked for by its terms."""
