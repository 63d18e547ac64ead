"""The warehouse's audits as asset checks, in one step."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from newsapi_dentsu.defs.resources import PipelineResource
from newsapi_dentsu.warehouse.audit import AUDITS, Audit


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
    with pipeline.warehouse.snapshot() as session:
        for audit in AUDITS:
            key = _key(audit)
            if key in context.selected_asset_check_keys:
                finding = audit.examine(session, datetime.now(UTC))
                yield dg.AssetCheckResult(
                    passed=finding.passed,
                    check_name=key.name,
                    asset_key=key.asset_key,
                    severity=dg.AssetCheckSeverity.ERROR
                    if audit.blocking
                    else dg.AssetCheckSeverity.WARN,
                    description=finding.description,
                    metadata=finding.figures,
                )
