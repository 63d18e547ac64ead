"""The three tables as assets: each is a stage plus metadata."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import dagster as dg

from newsapi_dentsu import logs
from newsapi_dentsu.defs.resources import ATTENDED, PipelineResource, progress_of_stage
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.runs.recording import AnyReport, as_json, recorded
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.source import open_source
from newsapi_dentsu.stages.collect import CollectOptions, DayRange, collect
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.report import (
    CollectReport,
    CurateReport,
    DeduplicateReport,
    GroupReport,
    IncompleteError,
)
from newsapi_dentsu.warehouse.queries.overview import latest, overview
from newsapi_dentsu.warehouse.tables import final, processed, raw
from newsapi_dentsu.warehouse.tables.dictionary import DICTIONARY

GROUP = "news"
OWNERS = ["team:data-engineering"]
PREVIEW_ROWS = 5
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""Tries of a stage after trouble that passes: in about 30 s, then 90 s. All other failures are
final at once; within a try the API's client and the warehouse are patient on their own.
"""

_IN_LINKS = "!#$%&'()*+,/:;=?@[]~"
"""Marks that neither end a link nor a table's cell; blanks and bars do."""

_INTERRUPTED = "the run was interrupted; what it stored stays: run again to go on there"


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


@dg.asset(
    key=raw.TABLE.split("."),
    group_name=GROUP,
    owners=OWNERS,
    kinds=_kinds(),
    retry_policy=RETRIES,
    metadata=_metadata(raw.TABLE, raw.COLUMNS),
    description="Every record that newsapi.ai lists for the topics, whole and once, append-only; "
    "a record that comes again changed is kept as its next version.",
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
                progress=progress_of_stage.get()("collect"),
            )

    return _materialize(context, pipeline, raw.TABLE, {"collect": execute})


@dg.asset(
    key=processed.TABLE.split("."),
    deps=[ai_marketing_news_raw],
    group_name=GROUP,
    owners=OWNERS,
    kinds=_kinds(),
    retry_policy=RETRIES,
    metadata=_metadata(processed.TABLE, processed.COLUMNS),
    description="One row for each article: the newest text of a page's records, its date and link. "
    "processed.assessments tells each one's story and relevance.",
)
def processed_news(
    context: dg.AssetExecutionContext, config: StageConfig, pipeline: PipelineResource
) -> dg.MaterializeResult[None]:
    """Make articles of the records that were not taken before, and put them into stories."""

    def execute_deduplicate() -> DeduplicateReport:
        return deduplicate(
            pipeline.warehouse,
            now=datetime.now(UTC),
            full_refresh=config.full_refresh,
            progress=progress_of_stage.get()("deduplicate"),
        )

    def execute_group() -> GroupReport:
        return group(
            pipeline.warehouse,
            pipeline.topics,
            now=datetime.now(UTC),
            horizon_days=pipeline.settings.duplicate_horizon_days,
            full_refresh=config.full_refresh,
            progress=progress_of_stage.get()("group"),
        )

    return _materialize(
        context,
        pipeline,
        processed.TABLE,
        {"deduplicate": execute_deduplicate, "group": execute_group},
    )


@dg.asset(
    key=final.TABLE.split("."),
    deps=[processed_news],
    group_name=GROUP,
    owners=OWNERS,
    kinds=_kinds(),
    retry_policy=RETRIES,
    metadata=_metadata(final.TABLE, final.COLUMNS),
    description="The articles that people read: complete, credibly dated, in an accepted "
    "language, on the topics, each text once. What is rejected is kept in final.rejected_news "
    "with the reason.",
)
def filtered_news(
    context: dg.AssetExecutionContext, config: StageConfig, pipeline: PipelineResource
) -> dg.MaterializeResult[None]:
    """Sort the articles that are new or changed into final and rejected."""

    def execute() -> CurateReport:
        return curate(
            pipeline.warehouse,
            now=datetime.now(UTC),
            full_refresh=config.full_refresh,
            progress=progress_of_stage.get()("curate"),
        )

    return _materialize(context, pipeline, final.TABLE, {"curate": execute})


def _materialize(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    table: str,
    stages: Mapping[str, Callable[[], AnyReport]],
) -> dg.MaterializeResult[None]:
    """Execute a table's stages, keep their reports and attach them with a look at the table."""
    asset = context.asset_key.to_user_string()
    with logs.bound(run_id=context.run.run_id, job=context.run.job_name, asset=asset):
        return _executed(context, pipeline, table, stages)


def _executed(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    table: str,
    stages: Mapping[str, Callable[[], AnyReport]],
) -> dg.MaterializeResult[None]:
    try:
        with pipeline.warehouse.kept_open():
            reports = [
                as_json(_reported(context, pipeline, stage, execute))
                for stage, execute in stages.items()
            ]
            size, preview, query, origin = pipeline.warehouse.read(
                lambda session: (
                    overview(session, table),
                    latest(session, table, PREVIEW_ROWS),
                    raw.active_query(session),
                    raw.stored_origin(session),
                )
            )
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as interrupt:
        # Dagster would try it again, and so go on with a run that somebody wants to end.
        raise dg.Failure(_INTERRUPTED, allow_retries=False) from interrupt
    except PipelineError as error:
        again = error.transient and ATTENDED not in context.run.tags
        raise dg.Failure(str(error), allow_retries=again) from error
    except Exception as error:
        # A mistake in the code, which trying again doesn't mend.
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error
    pipeline.counted[table] = size.rows
    metadata: dict[str, Any] = {
        "dagster/row_count": size.rows,
        "origin": origin or "none",
        **{
            name: value for report in reports for name, value in report.items() if value is not None
        },
        "preview": dg.MetadataValue.md(_markdown(preview)),
    }
    if query and query.complete_through:
        metadata["watermark"] = dg.MetadataValue.timestamp(query.complete_through)
    if size.first and size.last:
        metadata["date_range"] = f"{size.first:%Y-%m-%d %H:%M} to {size.last:%Y-%m-%d %H:%M} UTC"
    return dg.MaterializeResult(metadata=metadata)


def _reported(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    stage: str,
    execute: Callable[[], AnyReport],
) -> AnyReport:
    """Execute a stage; days that could not be read don't keep the others from going on.

    The check `everything_read` fails the run for them in the end. While nothing can be had of the
    API, the stage is tried again first.
    """
    try:
        return recorded(pipeline.warehouse, context.run.run_id, stage, execute)
    except IncompleteError as error:
        tries_left = context.retry_number < (RETRIES.max_retries or 0)
        if error.transient and tries_left and ATTENDED not in context.run.tags:
            raise
        context.log.error(f"Not everything is read: {error}")
        return error.report


def _markdown(rows: list[tuple[Any, ...]]) -> str:
    lines = ["| published (UTC) | title | url |", "| --- | --- | --- |"]
    for published, title, link in rows:
        shown = (title or "").replace("|", "\\|")
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
