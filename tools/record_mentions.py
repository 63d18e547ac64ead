"""Take sentences that name somebody from the index's records: `make sentiment-model`.

They teach the model of tone what nobody has labelled. The records are read as the pipeline reads
articles, and what is marked in a sentence is what it would ask about: a concept that is a person or
an organisation. The sentences are written into a file beside the project and stay out of it.
"""

import argparse
import ast
import json
import lzma
import random
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from newsapi_dentsu.domain.names import words
from newsapi_dentsu.domain.targets import gazetteer, watching
from newsapi_dentsu.domain.text import clean_text, clean_title
from newsapi_dentsu.domain.tone import ENGLISH, Mention, mentions
from newsapi_dentsu.domain.wrapping import own_span

_LENGTHS: Final = range(25, 401)
"""Characters of a sentence that is taken: shorter ones say nothing, longer ones are lists."""

_BRANDS: Final = watching(())


def main(arguments: list[str] | None = None) -> int:
    """Write the sentences in random order; 1 where there are none."""
    parser = argparse.ArgumentParser(prog="python -m tools.record_mentions", description=__doc__)
    parser.add_argument(
        "--records", type=Path, required=True, help="the folder of records-*.jsonl.xz"
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder of NewsMTSC, whose sentences are left"
    )
    parser.add_argument("--out", type=Path, required=True, help="the file that is written")
    parser.add_argument("--most", type=int, default=60_000)
    chosen = parser.parse_args(arguments)
    judged = {
        words(json.loads(line)["sentence"].casefold())
        for path in sorted(chosen.data.glob("newsmtsc-*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    }
    found = list(_taken(chosen.records, judged))
    if not found:
        sys.stderr.write(f"no sentence of records-*.jsonl.xz in {chosen.records} names anybody\n")
        return 1
    random.Random(0).shuffle(found)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with chosen.out.open("w", encoding="utf-8") as file:
        for one in found[: chosen.most]:
            told = {"sentence": one.sentence, "start": one.start, "end": one.end}
            file.write(f"{json.dumps(told, ensure_ascii=False)}\n")
    count = min(chosen.most, len(found))
    sys.stdout.write(f"{count:,} of {len(found):,} mentions are in {chosen.out}\n")
    return 0


def _taken(folder: Path, judged: Collection[tuple[str, ...]]) -> Iterator[Mention]:
    """The mentions of all articles in English, of each place in a sentence one."""
    seen = set()
    for path in sorted(folder.glob("records-*.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if record.get("lang") != ENGLISH:
                    continue
                for one in _mentions(record):
                    read = words(one.sentence.casefold())
                    if len(one.sentence) in _LENGTHS and read not in judged:
                        if (read, one.start) not in seen:
                            yield one
                        seen.add((read, one.start))


def _mentions(record: Mapping[str, Any]) -> list[Mention]:
    body = clean_text(record["body"])
    concepts = record.get("concepts") or []
    if isinstance(concepts, str):
        # The older form has Python's text of a list.
        concepts = ast.literal_eval(concepts)
    names = [(one["type"], one["label"].get(ENGLISH, "")) for one in concepts]
    return mentions(
        clean_title(record["title"]), own_span(body).of(body), gazetteer(names, _BRANDS)
    )


if __name__ == "__main__":
    sys.exit(main())
