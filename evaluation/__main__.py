"""`python -m evaluation`: judge duplicates, relevance and sentiment on the labelled sets."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from benchmarks.report import print_rows

from evaluation.duplicates.pairs import all_pairs
from evaluation.labelled_articles import labelled_articles
from evaluation.parts import PARTS, Part
from evaluation.printing import print_result
from evaluation.real_news import ARTICLES, FOLDER
from evaluation.real_relevance import Figure, as_rows, relevance_on_real_news
from evaluation.real_teaching import as_rows as taught_rows
from evaluation.real_teaching import teaching_on_real_news
from evaluation.results import SUBJECTS, evaluate
from evaluation.tone import figures as tone
from evaluation.tone.sentences import brand_sentences

_WORST = 15
_SENTIMENT = "sentiment"
_ALL = (*SUBJECTS, _SENTIMENT)


def main(arguments: list[str] | None = None) -> int:
    """Return 1 when a target is missed on the reported part."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation",
        description="How well the pipeline tells copies from other texts, and relevant articles "
        "from others, and reads how texts speak about whom, beside plainer methods. Exits with 1 "
        "when a target is missed on the reported part. How the sets were made: "
        "evaluation/README.md.",
    )
    parser.add_argument(
        "subjects",
        nargs="*",
        metavar="SUBJECT",
        help=f"what to judge (default: all): {', '.join(_ALL)}",
    )
    parser.add_argument(
        "--split",
        choices=[*get_args(Part), "both"],
        default="both",
        help="the part of each set (default: both)",
    )
    parser.add_argument(
        "--real-news",
        type=Path,
        default=FOLDER,
        metavar="FOLDER",
        help="where labelled real articles are (default: REAL_NEWS, else ../shared/real-news)",
    )
    parser.add_argument(
        "--newsmtsc",
        type=Path,
        default=tone.FOLDER,
        metavar="FOLDER",
        help="where NewsMTSC is (default: NEWSMTSC, else ../shared/sentiment)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--worst",
        type=int,
        default=_WORST,
        metavar="N",
        help=f"how many wrong judgements to show of each part (default: {_WORST})",
    )
    parser.add_argument(
        "--show", metavar="ID", help="print the texts of one pair or article, and judge nothing"
    )
    options = parser.parse_args(arguments)
    if options.show:
        texts = texts_of(options.show)
        if not texts:
            parser.error(f"no pair and no article is called {options.show}")
        print("\n\n----\n\n".join(texts))
        return 0
    unknown = [name for name in options.subjects if name not in _ALL]
    if unknown:
        parser.error(f"nothing called {', '.join(unknown)}; there are {', '.join(_ALL)}")
    asked = options.subjects or _ALL
    real = _on_real_news(options.real_news) if "relevance" in asked else None
    results = [
        evaluate(subject, part)
        for subject in SUBJECTS
        if subject in asked
        for part in PARTS
        if options.split in (part, "both")
    ]
    tones = tone.all_figures(options.newsmtsc) if _SENTIMENT in asked else []
    missed = [line for result in results for line in result.missed]
    if options.json:
        figures: dict[str, dict[str, object]] = {}
        for result in results:
            figures.setdefault(result.subject, {})[result.part] = result.as_json(options.worst)
        told = None if real is None else [asdict(one) for one in real]
        print(
            json.dumps(
                {
                    "real": told,
                    **figures,
                    "sentiment": [asdict(one) for one in tones],
                    "missed": missed,
                },
                ensure_ascii=False,
            )
        )
    else:
        if real is not None:
            print("relevance on real articles, no source in both fit and test")
            print_rows(as_rows(real))
            print("\nwhat examples and verdicts add, on sources that taught nothing")
            print_rows(taught_rows(teaching_on_real_news(options.real_news)))
        for result in results:
            print_result(result, options.worst)
        if tones:
            _print_tones(tones)
        print("\n" + ("\n".join(f"MISSED {line}" for line in missed) or "no target missed"))
    return int(bool(missed))


def _print_tones(figures: Sequence[tone.Figures]) -> None:
    print("\nsentiment: how a sentence speaks about what is marked in it")
    print_rows(tone.as_rows(figures))
    for one in figures:
        if one.method == tone.MODEL:
            print(f"\n{one.set}")
            print_rows(tone.confusion_rows(one))
    for line in tone.short_of_goals(figures):
        print(f"goal not reached: {line}")
    alike, kappa = tone.agreement(brand_sentences())
    print(f"\nbrands: {alike} of {len(brand_sentences())} labelled alike twice, kappa {kappa:.3f}")


def _on_real_news(folder: Path) -> list[Figure] | None:
    """The figures that count; None where the material isn't there, which is told."""
    if (folder / ARTICLES).exists():
        return relevance_on_real_news(folder)
    print(
        f"No real articles in {folder}: what follows only checks texts that were written for the "
        "purpose, and doesn't tell how good the pipeline is. docs/evaluation.md has the last "
        "figures.",
        file=sys.stderr,
    )
    return None


def texts_of(name: str) -> list[str]:
    """Return title and body of the article, or of both articles of the pair, with that id."""
    texts = [
        (article.title, article.body)
        for pair in all_pairs()
        if pair.id == name
        for article in (pair.one, pair.other)
    ] or [
        (article.title, article.body)
        for part in PARTS
        for article in labelled_articles(part)
        if article.id == name
    ]
    return [f"{title}\n\n{body}" for title, body in texts]


if __name__ == "__main__":
    raise SystemExit(main())
