"""What an index of searches holds of an article: the same for every engine."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from newsapi_dentsu.domain.names import domain_key
from newsapi_dentsu.domain.passages import passage_hash, passages
from newsapi_dentsu.domain.terms import LONGEST, terms
from newsapi_dentsu.reading.search import Search, Terms
from newsapi_dentsu.reading.tones import Speaks, labels
from newsapi_dentsu.warehouse.engines.base import Row

RULES: Final = 3
"""Which rules make an entry of an article; an index of other rules is made anew."""

FOR_GOOD: Final = 2**62
"""The number of the change that ends an article which hasn't ended."""

# PostgreSQL's full text takes no more: 16,383 places, 255 of a term, and 1 MB in all.
_MOST_PLACES: Final = 16_000
_MOST_OF_A_TERM: Final = 250
_MOST_BYTES: Final = 700_000
_LONGEST_TERM: Final = 4 * LONGEST + 8
"""What the longest of all terms takes of them."""

_OPENING: Final = 60
"""The first terms of a text, which count more where hits are ranked."""

TITLE_POINTS: Final = 3
OPENING_POINTS: Final = 1
"""What a phrase counts in a title or in an opening, where hits are ranked."""

AROUND: Final = timedelta(days=45)
"""How far before and after an article those lie that may be akin to it."""

COLUMNS: Final = (
    *("article_id", "change_seq", "published_at", "title", "body", "text_start", "text_end"),
    *("story_id", "link", "source_name", "source_uri", "lang", "topics", "relevance"),
    *("sentiment", "origin", "tone"),
)
"""What an entry is made of: columns of `final.articles`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as it was from one change to before another, taken apart for searches.

    A place of `words` is None between title and text, and where a term comes too often.
    """

    article_id: str
    change_seq: int
    ended_seq: int
    published_at: datetime
    words: tuple[str | None, ...]
    title_words: int
    sources: frozenset[str]
    domain: str
    """Its publication's, as domains are compared; empty where it has none."""

    topics: tuple[str, ...]
    lang: str
    tones: frozenset[str]
    """Labels of its tones (`tones.labels`)."""

    vector_hash: str | None
    """The name of the vector that tells what the article means."""

    @property
    def title(self) -> tuple[str | None, ...]:
        """The title's terms."""
        return self.words[: self.title_words]

    @property
    def opening(self) -> tuple[str | None, ...]:
        """The first terms of the text."""
        return self.words[self.title_words + 1 :][:_OPENING]


def own_text(body: str, start: int | None, end: int | None) -> str:
    """A text without what its site wraps around it."""
    return body[start or 0 : end or len(body)].strip() or body.strip()


def entry(row: Row, ended_seq: int = FOR_GOOD, targets: Sequence[Speaks] = ()) -> Entry:
    """The entry of an article in `COLUMNS` that speaks about these targets."""
    article_id, change_seq, published_at, title, body, start, end = row[:7]
    _, _, source_name, source_uri, lang, topics, *_, tone = row[7:]
    text = own_text(body, start, end)
    in_title = terms(title)[: _MOST_PLACES // 2]
    words = tuple(_limited([*in_title, None, *terms(text)]))
    return Entry(
        article_id=article_id,
        change_seq=change_seq,
        ended_seq=ended_seq,
        published_at=published_at.astimezone(UTC),
        words=words,
        title_words=min(len(in_title), len(words)),
        sources=frozenset(terms(f"{source_name or ''} {source_uri or ''}")),
        domain=domain_key(source_uri or ""),
        topics=tuple(topics),
        lang=lang or "",
        tones=frozenset(labels(tone, targets)),
        vector_hash=vector_hash(row),
    )


def vector_hash(row: Row) -> str | None:
    """The name of the vector that tells what an article in `COLUMNS` means."""
    _, _, _, title, body, start, end = row[:7]
    parts = passages(title, own_text(body, start, end))
    return passage_hash(parts[0]) if parts else None


def _limited(words: list[str | None]) -> Iterable[str | None]:
    words = words[:_MOST_PLACES]
    counts = Counter(words)
    size = 2 * len(words) + _LONGEST_TERM * len(counts)
    # Nearly every article is far below all limits, which is told without a look at each place.
    if max(counts.values()) <= _MOST_OF_A_TERM and size <= _MOST_BYTES:
        return words
    return _within_limits(words)


def _within_limits(words: Iterable[str | None]) -> Iterator[str | None]:
    counts: Counter[str | None] = Counter()
    size = 0
    for word in words:
        counts[word] += 1
        if word is None or counts[word] > _MOST_OF_A_TERM:
            yield None
            continue
        size += len(word.encode()) + 8 if counts[word] == 1 else 2
        if size > _MOST_BYTES:
            return
        yield word


def topic_name(topic: str) -> str:
    """A topic as it is compared: by its terms."""
    return "_".join(terms(topic))


def day_of(moment: datetime) -> date:
    """The day, UTC."""
    return moment.astimezone(UTC).date()


def matches(search: Search, article: Entry) -> bool:
    """Whether an article is a hit: what every index must agree with."""
    day = day_of(article.published_at)
    topics = {topic_name(topic) for topic in article.topics}

    def from_source(source: Terms) -> bool:
        *whole, last = source
        return all(word in article.sources for word in whole) and any(
            word.startswith(last) for word in article.sources
        )

    def about(topic: Terms) -> bool:
        return "_".join(topic) in topics

    return (
        all(contains(article.words, phrase) for phrase in search.phrases)
        and not any(contains(article.words, phrase) for phrase in search.without)
        and (not search.sources or any(map(from_source, search.sources)))
        and not any(map(from_source, search.without_sources))
        and (not search.domains or article.domain in search.domains)
        and article.domain not in search.without_domains
        and (not search.topics or any(map(about, search.topics)))
        and not any(map(about, search.without_topics))
        and (not search.languages or article.lang in search.languages)
        and article.lang not in search.without_languages
        and (not search.labels or not article.tones.isdisjoint(search.labels))
        and article.tones.isdisjoint(search.without_labels)
        and (search.since is None or day >= search.since)
        and (search.until is None or day <= search.until)
    )


def points(search: Search, article: Entry) -> int:
    """How high a hit ranks: by what of the search is in its title, and in its opening."""
    return sum(
        TITLE_POINTS * contains(article.title, phrase)
        + OPENING_POINTS * contains(article.opening, phrase)
        for phrase in search.phrases
    )


def contains(words: Sequence[str | None], phrase: Terms) -> bool:
    """Whether terms follow each other somewhere."""
    length = len(phrase)
    return any(
        words[place : place + length] == phrase
        for place, word in enumerate(words)
        if word == phrase[0]
    )
