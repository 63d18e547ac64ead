"""The pipeline by name: its job, its schedule, and one table of its stages for whoever shows them.

Dagster's steps, the log, progress bars, summaries, alerts and the documentation take the names from
here. It imports no stage, so that processes that only show them don't load the stages' libraries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

from newsapi_dentsu.stages.report import (
    AnyReport,
    CollectReport,
    CurateReport,
    DeduplicateReport,
    GroupReport,
    SentimentReport,
    UnderstandReport,
    from_json,
)
from newsapi_dentsu.warehouse.tables import (
    assessments,
    embeddings,
    final,
    positions,
    processed,
    raw,
    stage_runs,
    tone,
)

JOB = "news_pipeline"
SCHEDULE = "news_every_six_hours"
MONTH_TAG = "newsapi/backfill"
"""Tag of the runs that read a past month, of which only `BACKFILL_JOBS` are started at once."""

DIGEST_SCHEDULE = "weekly_digest"
RUN_HOURS = (0, 6, 12, 18)
"""Hours, UTC, at which the schedule runs the job."""

INTERVAL = timedelta(days=1) / len(RUN_HOURS)
"""The time between two runs of the schedule."""

StageName = Literal["collect", "deduplicate", "understand", "group", "curate", "sentiment"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, and what people are told of it.

    `table` is the table that it fills and the asset of that name; `also` are others that it fills
    on the way. `position` remembers how far it has come, None where the watermark or
    another stage does.
    `report` is what it tells of its work. `in_words` says in two lines what it does, `progress`
    labels its progress bar, and `runbook` names the part of the documentation that says what to do
    when it fails.
    """

    name: StageName
    table: str
    in_words: tuple[str, str]
    progress: str
    runbook: str
    report: type[AnyReport]
    position: str | None = None
    also: tuple[str, ...] = ()

    @property
    def asset(self) -> str:
        """The asset's key, as people read it."""
        return self.table.replace(".", "/")

    @property
    def step(self) -> str:
        """Dagster's name of the step that executes the stage."""
        return self.table.replace(".", "__")


COLLECT = Stage(
    stage_runs.COLLECTING,
    raw.TABLE,
    ("each day again, until", "the counts agree"),
    "Reading days",
    "docs/operations.md#if-collect-fails",
    CollectReport,
)
DEDUPLICATE = Stage(
    "deduplicate",
    processed.TABLE,
    ("one article for all", "records of a page"),
    "Deduplicating",
    "docs/operations.md#if-deduplicate-fails",
    DeduplicateReport,
    positions.DEDUPLICATED,
)
UNDERSTAND = Stage(
    "understand",
    embeddings.TABLE,
    ("a vector of what", "each text is about"),
    "Understanding",
    "docs/operations.md#if-understand-fails",
    UnderstandReport,
)
GROUP = Stage(
    "group",
    assessments.TABLE,
    ("quality, relevance,", "copies of one text"),
    "Grouping",
    "docs/operations.md#if-group-fails",
    GroupReport,
    positions.GROUPED,
)
CURATE = Stage(
    stage_runs.CURATING,
    final.TABLE,
    ("each text once,", "if it is to the point"),
    "Filtering",
    "docs/operations.md#if-curate-fails",
    CurateReport,
    positions.CURATED,
    (final.REJECTED,),
)

SENTIMENT = Stage(
    "sentiment",
    tone.TARGETS,
    ("how articles speak", "about whom"),
    "Reading the tone",
    "docs/operations.md#if-sentiment-fails",
    SentimentReport,
)

STAGES = (COLLECT, DEDUPLICATE, UNDERSTAND, GROUP, CURATE, SENTIMENT)
"""Every stage, in the order in which a run executes them."""

LAST = CURATE
"""The stage after which people read what a run has brought."""

EVERYTHING_READ = "everything_read"
"""The check that fails a run whose collecting left days out."""

STEPS: Mapping[str, Stage] = MappingProxyType(
    {stage.step: stage for stage in STAGES} | {EVERYTHING_READ: COLLECT}
)
"""Dagster's steps, and the stage that each belongs to."""


RUNBOOK = "docs/operations.md#a-failed-run"
"""What to do about a run that failed, in whichever stage or outside of any."""


def stage(name: str | None) -> Stage | None:
    """The stage of a name; None for the name of something else."""
    return next((one for one in STAGES if one.name == name), None)


def read_report(name: str, values: Mapping[str, Any]) -> AnyReport | None:
    """The report that JSON values tell of a stage; None for what is no stage (any more)."""
    known = stage(name)
    return from_json(known.report, values) if known else None


def runbook(name: str | None) -> str:
    """Where the documentation says what to do when a run fails in what has this name."""
    failed = stage(name)
    return failed.runbook if failed else RUNBOOK
