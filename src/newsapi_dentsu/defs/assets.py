"""The tables as assets: each step is a stage plus metadata."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import dagster as dg

from newsapi_dentsu import logs
from newsapi_dentsu.defs.failures import INTERRUPTED
from newsapi_dentsu.defs.resources import ATTENDED, PipelineResource, progress_of_stage
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.meaning import open_embedder, open_tone_reader, unload_models
from newsapi_dentsu.runs.recording import recorded
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.source import load_brands, open_source
from newsapi_dentsu.stages.collect import CollectOptions, DayRange, collect
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.pipeline import (
    COLLECT,
    CURATE,
    DEDUPLICATE,
    GROUP,
    SENTIMENT,
    UNDERSTAND,
    Stage,
)
from newsapi_dentsu.stages.report import (
    AnyReport,
    CollectReport,
    CurateReport,
    DeduplicateReport,
    GroupReport,
    IncompleteError,
    SentimentReport,
    UnderstandReport,
    as_json,
)
from newsapi_dentsu.stages.sentiment import score_sentiment
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.visible import visible
from newsapi_dentsu.warehouse.queries.overview import TableOverview, overview
from newsapi_dentsu.warehouse.tables import assessments, embeddings, final, processed, raw, tone
from newsapi_dentsu.warehouse.tables.dictionary import DICTIONARY

GROUP_NAME = "news"
OWNERS = ["team:data-engineering"]
PREVIEW_ROWS = 5
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""Tries of a stage after trouble that passes: in about 30 s, then 90 s. All other failures are
final at once; within a try the API's client and the warehouse are patient on their own.
"""

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>()#+.!|~&:@$=-]")
"""What may mean something in Markdown, links and formulas of GitHub's kind included."""

_IN_LINKS = "!#$%&'()*+,/:;=?@[]~"
"""Marks that neither end a link nor a table's cell; blanks and bars do."""


class CollectConfig(dg.Config):
    """What to read; by default what is new."""

    backfill_from: str | None = None
    backfill_to: str | None = None
    reread: bool = False


class StageConfig(dg.Config):
    """How much to process; by default what is new."""

    full_refresh: bool = False


def _kinds() -> set[str]:
    return {"python", "postgres" if load_settings().use_postgres else "duckdb"}


def _metadata(table: str, columns: Mapping[str, str]) -> dict[str, Any]:
    return {
        "dagster/table_name": table,
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name, type_, description=DICTIONARY[table][name].description)
                for name, type_ in columns.items()
            ]
        ),
    }


def _asset(
    table: str,
    columns: Mapping[str, str],
    *,
    deps: Sequence[dg.AssetSpec | dg.AssetsDefinition],
    description: str,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The asset of a stage that fills one table."""
    return dg.asset(
        key=table.split("."),
        deps=deps,
        group_name=GROUP_NAME,
        owners=OWNERS,
        kinds=_kinds(),
        retry_policy=RETRIES,
        metadata=_metadata(table, columns),
        description=description,
    )


news_api = dg.AssetSpec(
    ["newsapi.ai"],
    group_name=GROUP_NAME,
    kinds={"api"},
    description="The news API (EventRegistry), or the built-in sandbox: where all records come "
    "from. Nothing here changes it.",
)


@_asset(
    raw.TABLE,
    raw.COLUMNS,
    deps=[news_api],
    description="Every record that newsapi.ai lists for the topics, whole and once, append-only; "
    "a record that comes again changed is kept as its next revision.",
)
def ai_marketing_news_raw(
    context: dg.AssetExecutionContext, config: CollectConfig, pipeline: PipelineResource
) -> dg.MaterializeResult[None]:
    """Read what the index lists and raw doesn't hold."""
    settings = pipeline.settings
    options = CollectOptions(
        lookback_days=settings.lookback_days,
        overlap=timedelta(hours=settings.overlap_hours),
        max_requests=settings.max_requests_per_run,
        backfill=_backfill(config),
        reread=config.reread,
    )

    def execute() -> CollectReport:
        with open_source(settings) as source:
            return collect(
                source,
                pipeline.warehouse,
                pipeline.topics,
                now=datetime.now(UTC),
                options=options,
                progress=progress_of_stage.get()(COLLECT.name),
            )

    return _materialized(context, pipeline, COLLECT, execute)


@_asset(
    processed.TABLE,
    processed.COLUMNS,
    deps=[ai_marketing_news_raw],
    description="One row for each article: the newest text of a page's records, its date and link. "
    "processed.assessments tells each one's story and relevance.",
)
def processed_news(
    context: dg.AssetExecutionContext, config: StageConfig, pipeline: PipelineResource
) -> dg.MaterializeResult[None]:
    """Make articles of the records that were not taken before."""

    def execute() -> DeduplicateReport:
        return deduplicate(
            pipeline.warehouse,
            now=datetime.now(UTC),
            full_refresh=config.full_refresh,
            progress=progress_of_stage.get()(DEDUPLICATE.name),
        )

    return _materialized(context, pipeline, DEDUPLICATE, execute)


@_asset(
    embeddings.TABLE,
    embeddings.COLUMNS,
    deps=[processed_news],
    description="A vector of what each text is about, made once by the sentence model. A cache: "
    "what is missing is made again.",
)
def text_embeddings(
    context: dg.AssetExecutionContext, config: StageConfig, pipeline: PipelineResource
) -> dg.MaterializeResult[None]:
    """Make the vectors that articles waiting for their verdict lack."""

    def execute() -> UnderstandReport:
        return understand(
            pipeline.warehouse,
            open_embedder(pipeline.settings),
            full_refresh=config.full_refresh,
            progress=progress_of_stage.get()(UNDERSTAND.name),
        )

    return _materialized(context, pipeline, UNDERSTAND, execute)


@_asset(
    assessments.TABLE,
    assessments.COLUMNS,
    deps=[processed_news, text_embeddings],
    description="One verdict for each article: whether it may be read, how much it is about the "
    "topics, and its place among the articles that carry one text.",
)
def article_assessments(
    context: dg.AssetExecutionContext, config: StageConfig, pipeline: PipelineResource
) -> dg.MaterializeResult[None]:
    """Judge the articles that are new or changed, and put them into stories."""

    def execute() -> GroupReport:
        return group(
            pipeline.warehouse,
            pipeline.topics,
            now=datetime.now(UTC),
            horizon_days=pipeline.settings.duplicate_horizon_days,
            full_refresh=config.full_refresh,
            embedder=open_embedder(pipeline.settings),
            progress=progress_of_stage.get()(GROUP.name),
        )

    result = _materialized(context, pipeline, GROUP, execute)
    unload_models()
    return result


def _final_spec(table: str, columns: Mapping[str, str], description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        table.split("."),
        deps=[processed_news, article_assessments],
        group_name=GROUP_NAME,
        owners=OWNERS,
        kinds=_kinds(),
        metadata=_metadata(table, columns),
        description=description,
        # Whoever asks for one of the two needn't name the other.
        skippable=True,
    )


@dg.multi_asset(
    name=CURATE.step,
    specs=[
        _final_spec(
            final.TABLE,
            final.COLUMNS,
            "The articles that people read: complete, credibly dated, in an accepted language, on "
            "the topics, each text once. What is rejected is kept in final.rejected_news with the "
            "reason.",
        ),
        _final_spec(
            final.REJECTED,
            final.REJECTED_COLUMNS,
            "The articles that stay out of final, each with the reason: of poor quality, off the "
            "topics, or the copy of another one.",
        ),
    ],
    can_subset=True,
    retry_policy=RETRIES,
)
def filtered_news(
    context: dg.AssetExecutionContext, config: StageConfig, pipeline: PipelineResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Sort the articles that are new or changed into final and rejected."""

    def execute() -> CurateReport:
        return curate(
            pipeline.warehouse,
            now=datetime.now(UTC),
            full_refresh=config.full_refresh,
            progress=progress_of_stage.get()(CURATE.name),
        )

    asked = {".".join(key.path) for key in context.selected_asset_keys}
    for table, metadata in _executed(context, pipeline, CURATE, execute).items():
        if table in asked:
            yield dg.MaterializeResult(asset_key=table.split("."), metadata=metadata)


@_asset(
    tone.TARGETS,
    tone.TARGET_COLUMNS,
    deps=[dg.AssetSpec(final.TABLE.split("."))],
    description="How each final article speaks about each company, person and watched brand that "
    "it names. The sentences behind it are in processed.mentions, the tone of an article's opening "
    "in final.article_tone. Read by the model of tone; what is missing is read again.",
)
def article_sentiment(
    context: dg.AssetExecutionContext, pipeline: PipelineResource
) -> dg.MaterializeResult[None]:
    """Read the final articles that are new, have changed, or were read by another model."""

    def execute() -> SentimentReport:
        return score_sentiment(
            pipeline.warehouse,
            open_tone_reader(pipeline.settings),
            load_brands(pipeline.settings),
            progress=progress_of_stage.get()(SENTIMENT.name),
        )

    result = _materialized(context, pipeline, SENTIMENT, execute)
    unload_models()
    return result


def _materialized(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    stage: Stage,
    execute: Callable[[], AnyReport],
) -> dg.MaterializeResult[None]:
    """Execute the stage of one table."""
    return dg.MaterializeResult(metadata=_executed(context, pipeline, stage, execute)[stage.table])


def _executed(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    stage: Stage,
    execute: Callable[[], AnyReport],
) -> dict[str, dict[str, Any]]:
    """Execute a stage, keep its report and describe with it each table that it fills."""
    run = context.run
    with (
        logs.bound(run_id=run.run_id, job=run.job_name, asset=stage.asset),
        _failing_in_words(context),
        pipeline.warehouse.kept_open(),
    ):
        report = _reported(context, pipeline, stage, execute)
        looks, query, origin = pipeline.warehouse.read(
            lambda session: (
                {
                    table: overview(session, table, PREVIEW_ROWS)
                    for table in (stage.table, *stage.also)
                },
                raw.active_query(session),
                raw.stored_origin(session),
            )
        )
    pipeline.counted.update({table: look.rows for table, look in looks.items()})
    told = {name: value for name, value in as_json(report).items() if value is not None}
    common: dict[str, Any] = {"origin": origin or "none"}
    if query and query.complete_through:
        common["watermark"] = dg.MetadataValue.timestamp(query.complete_through)
    return {table: {**_described(look), **common, **told} for table, look in looks.items()}


def _described(look: TableOverview) -> dict[str, Any]:
    metadata: dict[str, Any] = {"dagster/row_count": look.rows}
    if look.latest:
        metadata["preview"] = dg.MetadataValue.md(_markdown(look.latest))
    if look.first and look.last:
        metadata["date_range"] = f"{look.first:%Y-%m-%d %H:%M} to {look.last:%Y-%m-%d %H:%M} UTC"
    return metadata


@contextmanager
def _failing_in_words(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Say of whatever goes wrong what it is, and whether it may pass by trying again."""
    try:
        yield
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as interrupt:
        # Dagster would try it again, and so go on with a run that somebody wants to end.
        raise dg.Failure(INTERRUPTED, allow_retries=False) from interrupt
    except PipelineError as error:
        again = error.transient and ATTENDED not in context.run.tags
        raise dg.Failure(str(error), allow_retries=again) from error
    except Exception as error:
        # A mistake in the code, which trying again doesn't fix.
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


def _reported(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    stage: Stage,
    execute: Callable[[], AnyReport],
) -> AnyReport:
    """Execute a stage; days that could not be read don't keep the others from going on.

    The check `everything_read` fails the run for them in the end. While nothing can be had of the
    API, the stage is tried again first.
    """
    try:
        return recorded(pipeline.warehouse, context.run.run_id, stage.name, execute)
    except IncompleteError as error:
        tries_left = context.retry_number < (RETRIES.max_retries or 0)
        if error.transient and tries_left and ATTENDED not in context.run.tags:
            raise
        context.log.error(f"Not everything is read: {error}")
        return error.report


def _markdown(rows: list[tuple[Any, ...]]) -> str:
    lines = ["| published (UTC) | title | url |", "| --- | --- | --- |"]
    for published, title, link in rows:
        shown = _MARKDOWN.sub(r"\\\g<0>", visible(" ".join((title or "").split())))
        lines.append(f"| {published:%Y-%m-%d %H:%M} | {shown} | {quote(link or '', _IN_LINKS)} |")
    return "\n".join(lines)


def _backfill(config: CollectConfig) -> DayRange | None:
    if config.backfill_from is None and config.backfill_to is None:
        return None
    try:
        first = date.fromisoformat(config.backfill_from or "")
        last = date.fromisoformat(config.backfill_to or "")
    except ValueError:
        raise dg.Failure(
            "a backfill needs backfill_from and backfill_to as days, YYYY-MM-DD",
            allow_retries=False,
        ) from None
    if first > last:
        raise dg.Failure("backfill_from must not lie after backfill_to", allow_retries=False)
    return DayRange(first, last)
