"""The generated corpus: each day's articles are a function of the seed, the day and the volume.

A second run an hour later therefore sees the same articles, and those that arrived since.
"""

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from newsapi_dentsu.sandbox.articles import SandboxArticle
from newsapi_dentsu.sandbox.copies import COPY_KINDS, Original, copy_of
from newsapi_dentsu.sandbox.junk import spoil
from newsapi_dentsu.sandbox.records import build
from newsapi_dentsu.sandbox.sources import draw_source
from newsapi_dentsu.sandbox.writer import Writer

# What the corpus is made of. `story` is a sound English news article on AI in marketing; the second
# group is sound too, but beside the subject or not English news; the rest is noise and echoes.
SHARES: Mapping[str, float] = {
    "story": 0.62,
    "ai_only": 0.03,
    "marketing_only": 0.03,
    "neither": 0.02,
    "other_language": 0.04,
    "press_release": 0.03,
    "blog": 0.03,
    "url_variant": 0.03,
    "update": 0.025,
    "wire_copy": 0.03,
    "cut_copy": 0.02,
    "rewrite": 0.025,
    "own_words": 0.02,
    "junk": 0.025,
    "off_topic": 0.025,
}
LATE_SHARE = 0.06
BURST_SHARE = 0.1

_LANGUAGES = ("deu", "fra", "spa")
_ARCHIVE_DAYS = 366
_FIRST_URI_DAY = 730_000
_URIS_PER_DAY = 100_000
_FIRST_URI = 8_000_000_000
# Relative news volume of each hour of the day (UTC).
_HOURS = (2, 1, 1, 1, 2, 3, 5, 7, 8, 8, 7, 7, 8, 9, 9, 9, 8, 7, 6, 5, 4, 3, 3, 2)


@dataclass(frozen=True)
class _Slot:
    """One article to be: its place in the day, its kind, and its own random numbers."""

    number: int
    kind: str
    index_time: datetime
    arrives_at: datetime
    seed: str


class GeneratedCorpus:
    """Invented articles on AI and marketing, day by day.

    `articles_per_day` is an average: some days have two or three times as many. Without `start`
    the corpus has no first day, but one request reads at most the 366 days up to its last.
    """

    def __init__(
        self, seed: int = 7, articles_per_day: float = 20.0, start: date | None = None
    ) -> None:
        if articles_per_day < 0:
            raise ValueError(f"articles_per_day must not be negative, got {articles_per_day}")
        self._seed = seed
        self._articles_per_day = articles_per_day
        self._start = start
        self._lock = threading.Lock()
        self._originals_by_day: dict[date, dict[int, Original]] = {}
        self._by_day: dict[date, list[SandboxArticle]] = {}

    def articles(self, first: date, last: date) -> Sequence[SandboxArticle]:
        """Return the articles whose index day is from `first` to `last`, both included."""
        first = max(first, self._start or last - _days(_ARCHIVE_DAYS))
        days = (last - first).days + 1
        with self._lock:
            return [
                article for offset in range(days) for article in self._day(first + _days(offset))
            ]

    def _day(self, day: date) -> list[SandboxArticle]:
        if day not in self._by_day:
            self._by_day[day] = self._generate(day)
        return self._by_day[day]

    def _generate(self, day: date) -> list[SandboxArticle]:
        today = self._originals(day)
        yesterday = list(self._originals(day - _days(1)).values())
        articles = []
        for slot in self._slots(day):
            if slot.number in today:
                articles.append(today[slot.number].article)
                continue
            earlier = [
                one
                for one in yesterday + list(today.values())
                if one.article.kind == "story" and one.article.index_time < slot.index_time
            ]
            articles.append(_copy(slot, earlier))
        return articles

    def _originals(self, day: date) -> dict[int, Original]:
        """Return the day's articles that copy no other, by number."""
        if day not in self._originals_by_day:
            self._originals_by_day[day] = {
                slot.number: _original(slot)
                for slot in self._slots(day)
                if slot.kind not in COPY_KINDS
            }
        return self._originals_by_day[day]

    def _slots(self, day: date) -> list[_Slot]:
        if self._start and day < self._start:
            return []
        rng = random.Random(f"{self._seed}/{self._articles_per_day}/{day}")
        count = _volume(self._articles_per_day, rng)
        midnight = datetime.combine(day, time(), UTC)
        hours = rng.choices(range(24), _HOURS, k=count)
        moments = sorted(
            midnight + timedelta(hours=hour, seconds=rng.randrange(3600)) for hour in hours
        )
        kinds = rng.choices(list(SHARES), list(SHARES.values()), k=count)
        first_uri = _FIRST_URI + (day.toordinal() - _FIRST_URI_DAY) * _URIS_PER_DAY
        return [
            _Slot(
                first_uri + index,
                kind,
                moment,
                moment + _delay(rng),
                f"{self._seed}/{day}/{index}",
            )
            for index, (kind, moment) in enumerate(zip(kinds, moments, strict=True))
        ]


def _volume(average: float, rng: random.Random) -> int:
    """Return how many articles a day has; bursts are paid for by the other days."""
    burst = rng.random() < BURST_SHARE
    quiet = (1 - BURST_SHARE * 2.5) / (1 - BURST_SHARE)
    exact = average * (rng.uniform(2, 3) if burst else quiet * rng.uniform(0.7, 1.3))
    return int(exact) + (rng.random() < exact % 1)


def _delay(rng: random.Random) -> timedelta:
    if rng.random() < LATE_SHARE:
        return timedelta(hours=rng.uniform(3, 30))
    return timedelta(minutes=rng.uniform(1, 8))


def _original(slot: _Slot) -> Original:
    rng = random.Random(slot.seed)
    if slot.kind == "other_language":
        language = rng.choice(_LANGUAGES)
        source, text = draw_source("news", language, rng), Writer(rng).write_in(language)
    else:
        data_type = {"press_release": "pr", "blog": "blog"}.get(slot.kind, "news")
        source, text = draw_source(data_type, "eng", rng), Writer(rng).write(slot.kind)
    record = build(text, source, slot.number, slot.index_time, rng)
    if slot.kind == "junk":
        spoil(record, slot.index_time, rng)
    article = SandboxArticle(record, slot.index_time, slot.arrives_at, slot.kind)
    return Original(article, text, source)


def _copy(slot: _Slot, originals: Sequence[Original]) -> SandboxArticle:
    rng = random.Random(slot.seed)
    if not originals:
        # Nothing to copy yet: the slot tells a story of its own.
        story = _Slot(slot.number, "story", slot.index_time, slot.arrives_at, slot.seed)
        return _original(story).article
    record = copy_of(originals, slot.kind, slot.number, slot.index_time, rng)
    return SandboxArticle(record, slot.index_time, slot.arrives_at, slot.kind)


def _days(count: int) -> timedelta:
    return timedelta(days=count)
