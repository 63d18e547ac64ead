"""`python -m evaluation.real_stream`: ten days of real records as a stream, put into stories.

Every record is let in, whatever it is about. Prints what is dropped, and what is read twice. With
`--sample N` it prints, for that many dropped articles taken at random, what they have that is not
in the text which final shows for them: whether that is news, only a reader can tell. With
`--shuffle` the records come once more in another order, and must end in the same places.
"""

import argparse
import json
import lzma
import random
import sys
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from evaluation.real_news import FOLDER
from newsapi_dentsu.domain.novelty import evidence, new_stretches
from newsapi_dentsu.domain.similarity import Text, bands, comparable, prepare
from newsapi_dentsu.domain.stories import HELD, NEAREST, Member, Neighbourhood, Rank, regroup
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.wrapping import own_span
from newsapi_dentsu.stages.group import HORIZON_DAYS

RECORDS: Final = "records-2017-05-30_to_06-08.jsonl.xz"
LITTLE: Final = 8
"""New words in a row, fewer than which count as no news, unless they name much that is new."""

FEW_FACTS: Final = 5
_AT_ONCE: Final = 2_000
_BANDS_OF_ALIKE: Final = 15
"""Texts with nine tenths in common share more of their 53 bands."""

_NEARLY: Final = 0.9
_TEXTS_KEPT: Final = 4_000


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the pipeline compares it."""

    key: str
    at: datetime
    title: str
    body: str
    site: str | None


def records(path: Path) -> list[Record]:
    """Read the records, in the order in which they were published."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        found = [_record(json.loads(line)) for line in lines]
    return sorted(found, key=lambda one: (one.at, one.key))


def _record(record: Mapping[str, Any]) -> Record:
    body = clean_text(record["body"])
    at = datetime.fromisoformat(f"{record['date']}T{record['time']}").replace(tzinfo=UTC)
    site = record["source"].get("uri")
    return Record(record["uri"], at, clean_title(record["title"]), own_span(body).of(body), site)


class _Stream(Neighbourhood):
    """The records that came so far, with their places."""

    horizon_days = HORIZON_DAYS

    def __init__(self, every: Iterable[Record]) -> None:
        self._records = {one.key: one for one in every}
        self._members: dict[str, Member] = {}
        self._bands: dict[str, frozenset[int]] = {}
        self._having: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
        self._references: dict[str, set[str]] = defaultdict(set)
        self._owners: dict[str, str] = {}
        self._texts = lru_cache(_TEXTS_KEPT)(self._prepared)

    def put(self, some: Sequence[Record]) -> None:
        """Place records that come now."""
        for one in some:
            text = self.text(one.key)
            self._bands[one.key] = found = bands(text) if comparable(text) else frozenset()
            self._members[one.key] = Member(Rank.of(one.key, one.at, rejected=False))
            for band in found:
                insort(self._having[band], (one.at, one.key))
        keys = [one.key for one in some]
        for key, member in regroup(self, keys, keys).items():
            former = self._members[key]
            if former.standing and former.standing.reference_id:
                self._references[former.standing.reference_id].discard(key)
            if former.story_id and self._owners.get(former.story_id) == key:
                del self._owners[former.story_id]
            self._members[key] = member
            if member.standing and member.standing.reference_id:
                self._references[member.standing.reference_id].add(key)
            elif member.story_id:
                self._owners[member.story_id] = key

    @property
    def members(self) -> Mapping[str, Member]:
        """Every record that came, with its place."""
        return self._members

    def record(self, key: str) -> Record:
        """A record."""
        return self._records[key]

    def _prepared(self, article_id: str) -> Text:
        one = self._records[article_id]
        return prepare(one.body, one.title, one.site)

    def text(self, article_id: str) -> Text:
        return self._texts(article_id)

    def member(self, article_id: str) -> Member:
        return self._members[article_id]

    def is_there(self, article_id: str) -> bool:
        return article_id in self._members

    def candidates(self, article_id: str) -> Mapping[str, int]:
        place = (self._records[article_id].at, article_id)
        found: Counter[str] = Counter()
        for band in self._bands[article_id]:
            having = self._having[band]
            at = bisect_left(having, place)
            near = having[max(0, at - NEAREST) : at] + having[at + 1 : at + 1 + NEAREST]
            found.update(key for _, key in near)
        day = place[0].date()
        return {
            key: n
            for key, n in found.items()
            if abs((self._records[key].at.date() - day).days) <= self.horizon_days
        }

    def dependents(self, article_id: str) -> Collection[str]:
        return self._references.get(article_id, ())

    def owners(self, story_ids: Collection[str]) -> Mapping[str, str]:
        return {one: self._owners[one] for one in story_ids if one in self._owners}

    def role(self, key: str) -> str:
        """What a record is."""
        standing = self._members[key].standing
        return standing.role if standing else ""

    def shown_for(self) -> dict[str, str]:
        """For each record that is not read by itself, the one whose text is shown for it."""
        home: dict[str, str] = {}
        shown: dict[str, str] = {}
        for key in sorted(self._members, key=lambda one: self._members[one].rank):
            standing = self._members[key].standing
            held = standing.reference_id if standing and standing.role in HELD else None
            home[key] = home[held] if held else key
            if not held or self.role(key) == "fuller":
                shown[home[key]] = key
        return {key: shown[place] for key, place in home.items() if shown[place] != key}


def _nearly_twice(stream: _Stream, read: Collection[str]) -> tuple[int, int]:
    """How many pairs of shown texts are the same, and how many have nine tenths in common."""
    same = nearly = 0
    chosen = set(read)
    for key in read:
        for other, shared in stream.candidates(key).items():
            if other in chosen and other < key and shared >= _BANDS_OF_ALIKE:
                one, two = stream.text(key), stream.text(other)
                runs = one.distinct_runs, two.distinct_runs
                if one.words == two.words:
                    same += 1
                elif len(runs[0] & runs[1]) >= _NEARLY * len(runs[0] | runs[1]):
                    nearly += 1
    return same, nearly


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 where the records aren't on this machine, or the order mattered."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.real_stream")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--shuffle", action="store_true")
    parser.add_argument("--limit", type=int, help="only the first of the records")
    options = parser.parse_args(arguments)
    if not (FOLDER / RECORDS).exists():
        print(f"the records are not in {FOLDER}, so nothing was streamed")
        return 1
    every = records(FOLDER / RECORDS)[: options.limit]
    stream = _streamed(every, every)
    shown_for = stream.shown_for()
    roles = Counter(map(stream.role, stream.members))
    print(f"{len(every):,} records: " + ", ".join(f"{n:,} {role}" for role, n in roles.items()))
    read = (stream.members.keys() - shown_for.keys()) | set(shown_for.values())
    same, nearly = _nearly_twice(stream, read)
    print(f"{len(read):,} texts are read; pairs of the same: {same}, nearly the same: {nearly}")
    if options.sample:
        _print_sample(stream, shown_for, options.sample)
    if not options.shuffle:
        return 0
    again = _streamed(every, random.Random(1).sample(every, len(every)))
    moved = [
        key for key, one in stream.members.items() if one.standing != again.members[key].standing
    ]
    print(f"in another order {len(moved)} records end in another place")
    return bool(moved)


def _streamed(every: Sequence[Record], order: Sequence[Record]) -> _Stream:
    stream = _Stream(every)
    for start in range(0, len(order), _AT_ONCE):
        stream.put(order[start : start + _AT_ONCE])
    return stream


def _print_sample(stream: _Stream, shown_for: Mapping[str, str], size: int) -> None:
    dropped = sorted(key for key in shown_for if stream.role(key) in HELD)
    sample = random.Random(1).sample(dropped, min(size, len(dropped)))
    doubtful = []
    for key in sample:
        new = evidence(stream.text(shown_for[key]), stream.text(key)).gained
        if new.longest >= LITTLE or new.facts >= FEW_FACTS:
            doubtful.append((new.added, key))
    print(
        f"of {len(sample)} dropped articles {len(sample) - len(doubtful)} have fewer than {LITTLE} "
        f"new words in a row and fewer than {FEW_FACTS} new names or numbers; the others:"
    )
    for added, key in sorted(doubtful, reverse=True):
        one, other = stream.record(key), stream.record(shown_for[key])
        print(f"\n{key} {one.title} ({added} new words); shown is {other.key} {other.title}")
        for stretch in new_stretches(stream.text(key), stream.text(shown_for[key])):
            print(f"  + {stretch}")


if __name__ == "__main__":
    sys.exit(main())
