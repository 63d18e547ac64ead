"""`python -m evaluation.quality`: how often each rule of quality fires on real records, and where.

The records are no part of the repository: one JSON object a line, as newsapi.ai gives them, in
files `records-*.jsonl.xz` of a folder beside it.
"""

import argparse
import random
from datetime import UTC, datetime
from pathlib import Path

from evaluation.wrapping import RECORDS, articles_of
from newsapi_dentsu.domain.language import verified_language
from newsapi_dentsu.domain.quality import Candidate, first_rejection, flags
from newsapi_dentsu.domain.topics import QualityRules
from newsapi_dentsu.domain.wrapping import own_span

_DATED = datetime(2017, 6, 1, tzinfo=UTC)
"""Dates are not judged here: every record gets one that is credible."""

_SHOWN = 160
"""Characters of both ends of a text that are shown."""


def main(arguments: list[str] | None = None) -> int:
    """Return 1 where there are no records."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.quality", description=__doc__)
    parser.add_argument("--records", type=Path, default=RECORDS, help="the folder with the files")
    parser.add_argument("--language", default="eng", help="what they are said to be in")
    parser.add_argument("--rule", default="", help="a rejection or a flag: whose texts to show")
    parser.add_argument("--sample", type=int, default=100, help="how many at most, at random")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    options = parser.parse_args(arguments)
    fired: dict[str, list[str]] = {}
    count = 0
    for source, title, body in articles_of(options.records):
        count += 1
        own = own_span(body).of(body)
        language = verified_language(own, options.language)
        article = Candidate(title, own, _DATED, language)
        rejection = first_rejection(article, [options.language], QualityRules().min_words)
        told = f"{rejection.reason}: {rejection.detail}" if rejection else ""
        for name in (*([rejection.reason] if rejection else []), *flags(article)):
            shown = f"{source}: {title} ({told or 'read'}, {article.word_count} words)\n  "
            ends = (own,) if len(own) <= 2 * _SHOWN else (own[:_SHOWN], own[-_SHOWN:])
            fired.setdefault(name, []).append(shown + "\n  ".join(map(repr, ends)))
    if not count:
        print(f"there are no files records-*.jsonl.xz in {options.records}")
        return 1
    print(f"{count:,} records")
    for name, texts in sorted(fired.items()):
        print(f"{len(texts):6,}  {name}")
    texts = fired.get(options.rule, [])
    for text in random.Random(options.seed).sample(texts, min(options.sample, len(texts))):
        print(f"\n{text}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
