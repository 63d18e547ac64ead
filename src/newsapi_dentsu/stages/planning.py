"""What a full refresh would change, told before it does so: it is rehearsed, and nothing stays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.progress import Bars, no_progress
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import HORIZON_DAYS, group
from newsapi_dentsu.stages.understand import Missing, missing, understand
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final

SHOWN = 10
"""Articles of each kind that are named."""


@dataclass(frozen=True, slots=True)
class Moving:
    """An article that would enter final or leave it, and why it would leave."""

    link: str
    title: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a full refresh of what is stored now would do.

    Some of the articles that would enter final and leave it are named; of those that leave, none
    that is merged into another. `missing` tells of the texts that it has to understand.
    """

    before: int
    after: int
    entering: int
    leaving: int
    entrants: Sequence[Moving]
    leavers: Sequence[Moving]
    missing: Missing


def plan(
    warehouse: Warehouse,
    topics: Topics,
    embedder: Embedder,
    *,
    now: datetime,
    horizon_days: int = HORIZON_DAYS,
    told: Callable[[Missing], None] = lambda _: None,
    bars: Bars = lambda _: no_progress,
) -> Plan:
    """Rehearse a full refresh. The caller holds the run lock.

    Args:
        warehouse: what would be refreshed; nothing is stored in it.
        topics: the topics, languages and rules to judge by.
        embedder: what makes vectors.
        now: the time.
        horizon_days: how many days may lie between an article and its copy.
        told: is told what has to be understood before that begins.
        bars: give each stage its progress.

    Raises:
        WarehouseError: there is no room for a copy, or no database.
        ModelError: the model can't be used.
    """
    with warehouse.rehearsal() as trial:
        trial.upgrade()
        before = trial.read(final.ids)
        with trial.kept_open():
            deduplicate(trial, now=now, full_refresh=True, progress=bars("deduplicate"))
            lacking = missing(trial, embedder)
            told(lacking)
            understand(trial, embedder, full_refresh=True, progress=bars("understand"))
            group(
                trial,
                topics,
                now=now,
                horizon_days=horizon_days,
                full_refresh=True,
                embedder=embedder,
                progress=bars("group"),
            )
            curate(trial, now=now, full_refresh=True, progress=bars("curate"))
        after = trial.read(final.ids)
        entering, leaving = after - before, before - after
        entrants = trial.read(partial(final.articles, article_ids=sorted(entering)[:SHOWN]))
        leavers = trial.read(partial(final.rejections, article_ids=sorted(leaving)[:SHOWN]))
    return Plan(
        before=len(before),
        after=len(after),
        entering=len(entering),
        leaving=len(leaving),
        entrants=[Moving(one.link, one.title) for one in entrants.values()],
        leavers=[Moving(one.link, one.title, one.reason) for one in leavers.values()],
        missing=lacking,
    )
