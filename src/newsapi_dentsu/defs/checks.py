"""The warehouse's audits as asset checks, in one step."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from newsapi_dentsu.defs.resources import PipelineResource
from newsapi_dentsu.warehouse.queries.audit import AUDITS, Audit


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
    findings = pipeline.warehouse.read(
        lambda session: [audit.examine(session, datetime.now(UTC)) for audit in chosen]
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
