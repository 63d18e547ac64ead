"""`python -m evaluation.wrapping`: how often wrapping is found on real records, by source.

The records are no part of the repository: one JSON object a line, as newsapi.ai gives them, in
files `records-*.jsonl.xz` of a folder beside it.
"""

import argparse
import json
import lzma
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from newsapi_dentsu.domain.record import read_content
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.wrapping import NOTHING_KNOWN, Known, Span, own_span, recurring_lines

RECORDS = Path(__file__).resolve().parents[2] / "shared" / "real-news"
_SHOWN = 60
"""Characters of the own text that are shown beside its wrapping."""

_MOST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Found:
    """An article, and where its own text lies: by the rules alone, and with what recurs."""

    source: str
    body: str
    by_rules: Span
    by_all: Span

    @property
    def is_wrapped(self) -> bool:
        """Whether any wrapping was found."""
        return self.by_all != (0, len(self.body))


def main(arguments: list[str] | None = None) -> int:
    """Return 1 where there are no records."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.wrapping", description=__doc__)
    parser.add_argument("--records", type=Path, default=RECORDS, help="the folder with the files")
    parser.add_argument("--sources", type=int, default=30, help="how many sources to list")
    parser.add_argument("--sample", type=int, default=0, help="how many cuts to show, at random")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    options = parser.parse_args(arguments)
    found = list(_found(options.records))
    if not found:
        print(f"there are no files records-*.jsonl.xz in {options.records}")
        return 1
    _print_rates(found, options.sources)
    wrapped = [one for one in found if one.is_wrapped]
    for one in random.Random(options.seed).sample(wrapped, min(options.sample, len(wrapped))):
        _print_cuts(one)
    return 0


def articles_of(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Source, cleaned title and cleaned body of every record in the files of a folder."""
    for path in sorted(folder.glob("records-*.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                content = read_content(record, record.get("url") or "")
                source = (record.get("source") or {}).get("uri") or "unknown"
                yield source, clean_title(content.title), clean_text(content.body)


def _found(folder: Path) -> Iterator[Found]:
    """Every article of the files, its wrapping found as after `newsapi wrapping renew`."""
    by_source: dict[str, list[tuple[str, str]]] = {}
    for source, title, body in articles_of(folder):
        by_source.setdefault(source, []).append((title, body))
    for source, articles in by_source.items():
        lines_found = recurring_lines(articles)
        known: Known = {place: frozenset(lines) for place, lines in lines_found.items()}
        if source == "unknown":
            known = NOTHING_KNOWN
        for _, body in articles:
            yield Found(source, body, own_span(body), own_span(body, known))


def _print_rates(found: list[Found], sources: int) -> None:
    by_source: dict[str, list[Found]] = {}
    for one in found:
        by_source.setdefault(one.source, []).append(one)
    print(f"{'articles':>9} {'wrapped':>8} {'by rules':>9} {'cut':>6}  source")
    largest = sorted(by_source, key=lambda source: -len(by_source[source]))[:sources]
    for name, articles in [("all", found), *((name, by_source[name]) for name in largest)]:
        count = len(articles)
        wrapped = sum(one.is_wrapped for one in articles)
        by_rules = sum(one.by_rules != (0, len(one.body)) for one in articles)
        length = sum(len(one.body) for one in articles)
        cut = length - sum(len(one.by_all.of(one.body)) for one in articles)
        print(
            f"{count:9,} {wrapped / count:8.1%} {by_rules / count:9.1%} "
            f"{cut / max(1, length):6.1%}  {name}"
        )


def _print_cuts(one: Found) -> None:
    start, end = one.by_all
    print(f"\n{one.source}: characters {start} to {end} of {len(one.body)}")
    if start:
        print(f"  {one.body[:start][-_MOST_SHOWN:]!r} | {one.body[start : start + _SHOWN]!r}")
    if end < len(one.body):
        shown = one.body[max(start, end - _SHOWN) : end]
        print(f"  {shown!r} | {one.body[end:][:_MOST_SHOWN]!r}")


if __name__ == "__main__":
    raise SystemExit(main())
