"""Finding the lines that recur at a source: an explicit step, no part of a run."""

from dataclasses import dataclass

from newsapi_dentsu.domain.wrapping import LEAST_RECURRENCES, recurring_lines
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import wrapping_lines
from newsapi_dentsu.warehouse.tables.wrapping_lines import WrappingLine

ARTICLES_OF_SOURCE = 500
"""The newest articles of a source that are looked at."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """How many lines are known now, at how many sources, and how many of them came or went."""

    lines: int
    sources: int
    added: int
    removed: int


def renew_wrapping_lines(warehouse: Warehouse, progress: Progress = no_progress) -> Renewal:
    """Find the lines that recur at each source, in place of those that were known.

    What is found follows from the stored articles alone. Articles that come afterwards are judged
    by it at once, the others by the next full refresh.
    """
    lines = warehouse.read(lambda session: _recurring(session, progress))

    def replace(session: Session) -> set[tuple[str, str, str]]:
        before = {_identity(line) for line in wrapping_lines.all_lines(session)}
        wrapping_lines.replace_all(session, lines)
        return before

    before, after = warehouse.write(replace), {_identity(line) for line in lines}
    sources = {line.source_uri for line in lines}
    return Renewal(len(lines), len(sources), len(after - before), len(before - after))


def _recurring(session: Session, progress: Progress) -> list[WrappingLine]:
    recent = wrapping_lines.recent_articles(session, LEAST_RECURRENCES, ARTICLES_OF_SOURCE)
    lines: list[WrappingLine] = []
    waiting: list[str] = []
    for done, article_ids in enumerate(recent.values(), 1):
        waiting += article_ids
        # Many sources have few articles: the texts of some are read at a time.
        if len(waiting) >= ARTICLES_OF_SOURCE or done == len(recent):
            for source_uri, articles in wrapping_lines.texts(session, waiting).items():
                lines += [
                    WrappingLine(source_uri, place, line, count)
                    for place, counts in recurring_lines(articles).items()
                    for line, count in counts.items()
                ]
            waiting.clear()
            progress(done, len(recent))
    return sorted(lines, key=lambda one: (one.source_uri, one.place, -one.articles, one.line))


def _identity(line: WrappingLine) -> tuple[str, str, str]:
    return line.source_uri, line.place, line.line
