"""The warehouse's audits as asset checks, in one step; and whether a run has read everything."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from newsapi_dentsu.defs.resources import PipelineResource
from newsapi_dentsu.health.limits import limits_in_use
from newsapi_dentsu.runs.summary import last_reports
from newsapi_dentsu.stages.pipeline import COLLECT, EVERYTHING_READ
from newsapi_dentsu.warehouse.queries.audit import AUDITS, Audit
from newsapi_dentsu.warehouse.tables import raw, stage_runs
from newsapi_dentsu.warehouse.tables.run_metrics import FAILED


def _key(audit: Audit) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(dg.AssetKey(audit.table.split(".")), audit.name)


@dg.multi_asset_check(
    name="audits",
    specs=[
        dg.AssetCheckSpec(
            audit.name, asset=dg.AssetKey(audit.table.split(".")), description=audit.promise
        )
        for audit in AUDITS
    ],
    can_subset=True,
)
def audits(
    context: dg.AssetCheckExecutionContext, pipeline: PipelineResource
) -> Iterator[dg.AssetCheckResult]:
    """Examine the tables and report each promise that is kept or broken."""
    chosen = [audit for audit in AUDITS if _key(audit) in context.selected_asset_check_keys]
    # All in one snapshot, which is over before Dagster stores the first result.
    use = limits_in_use(pipeline.settings)
    if use.trouble:
        context.log.warning(f"The shipped alert rules stand in for yours: {use.trouble}")
    findings = pipeline.warehouse.read(
        lambda session: [audit.examine(session, datetime.now(UTC), use.limits) for audit in chosen]
    )
    for audit, finding in zip(chosen, findings, strict=True):
        yield dg.AssetCheckResult(
            passed=finding.passed,
            check_name=audit.name,
            asset_key=_key(audit).asset_key,
            severity=dg.AssetCheckSeverity.ERROR if audit.blocking else dg.AssetCheckSeverity.WARN,
            description=finding.description,
            metadata=finding.figures,
        )


@dg.multi_asset_check(
    name=EVERYTHING_READ,
    specs=[
        dg.AssetCheckSpec(
            EVERYTHING_READ,
            asset=dg.AssetKey(raw.TABLE.split(".")),
            description="Every day that the run had to read is read whole. If not, the run fails, "
            "after what was read has gone on to final.",
        )
    ],
)
def everything_read(
    context: dg.AssetCheckExecutionContext, pipeline: PipelineResource
) -> Iterator[dg.AssetCheckResult]:
    """Fail the run whose collecting left days out."""
    runs = pipeline.warehouse.read(
        lambda session: stage_runs.stage_runs(session, run_id=context.run.run_id)
    )
    last = next((run for run in runs if run.stage == COLLECT.name), None)
    collected = last_reports(runs).collect
    missing = last is not None and last.status == FAILED
    yield dg.AssetCheckResult(
        passed=not missing,
        check_name=EVERYTHING_READ,
        asset_key=dg.AssetKey(raw.TABLE.split(".")),
        description=last.error if last and missing else "every day is read",
        metadata=dict(collected.missing_days) if collected else {},
    )
    if last and missing:
        raise dg.Failure(last.error or "days are missing", allow_retries=False)
