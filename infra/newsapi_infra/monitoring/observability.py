"""One workspace for all logs and metrics, and everything that sends to it."""

from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi_azure_native import applicationinsights, monitor, operationalinsights

from newsapi_infra.context import Context
from newsapi_infra.monitoring.queries import SAVED

RETENTION_DAYS = 30
EXPORTED_TABLES = ["ContainerAppConsoleLogs", "ContainerAppSystemLogs"]
ACTIVITY = [
    "Administrative",
    "Security",
    "ServiceHealth",
    "Alert",
    "Recommendation",
    "Policy",
    "Autoscale",
    "ResourceHealth",
]

Kind = Literal["logs", "metrics"]


@dataclass(frozen=True, slots=True)
class Observability:
    """Where logs go, and where the application sends traces."""

    workspace: operationalinsights.Workspace
    insights: applicationinsights.Component


def create_observability(context: Context) -> Observability:
    """Declare the workspace with its saved queries, and Application Insights on top of it."""
    workspace = operationalinsights.Workspace(
        "workspace",
        resource_group_name=context.group_name,
        workspace_name=context.names.of("logs"),
        location=context.location,
        sku=operationalinsights.WorkspaceSkuArgs(
            name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018
        ),
        retention_in_days=RETENTION_DAYS,
        features=operationalinsights.WorkspaceFeaturesArgs(
            disable_local_auth=True, enable_log_access_using_only_resource_permissions=True
        ),
        tags=context.tags,
    )
    for name, query in SAVED.items():
        operationalinsights.SavedSearch(
            f"query-{name}",
            resource_group_name=context.group_name,
            workspace_name=workspace.name,
            saved_search_id=name,
            category="newsapi",
            display_name=name,
            query=query,
            version=2,
        )
    insights = applicationinsights.Component(
        "insights",
        resource_group_name=context.group_name,
        resource_name_=context.names.of("insights"),
        location=context.location,
        kind="web",
        application_type=applicationinsights.ApplicationType.WEB,
        workspace_resource_id=workspace.id,
        ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
        disable_local_auth=True,
        retention_in_days=RETENTION_DAYS,
        tags=context.tags,
    )
    return Observability(workspace, insights)


def send_diagnostics(
    observability: Observability,
    name: str,
    resource_id: pulumi.Input[str],
    *kinds: Kind,
    own_tables: bool = False,
    archive: pulumi.Input[str] | None = None,
) -> pulumi.Resource:
    """Send a resource's logs, its metrics or both to the workspace; `archive`: an account too."""
    return monitor.DiagnosticSetting(
        f"diagnostics-{name}",
        name="to-workspace",
        resource_uri=resource_id,
        workspace_id=observability.workspace.id,
        storage_account_id=archive,
        log_analytics_destination_type="Dedicated" if own_tables else None,
        logs=[monitor.DiagnosticsLogSettingsArgs(category_group="allLogs", enabled=True)]
        if "logs" in kinds
        else None,
        metrics=[monitor.DiagnosticsMetricSettingsArgs(category="AllMetrics", enabled=True)]
        if "metrics" in kinds
        else None,
    )


def export_old_logs(
    context: Context, observability: Observability, account_id: pulumi.Input[str]
) -> None:
    """Keep what the workspace forgets of the apps after its retention, in Blob Storage."""
    operationalinsights.DataExport(
        "log-export",
        resource_group_name=context.group_name,
        workspace_name=observability.workspace.name,
        data_export_name="to-storage",
        resource_id=account_id,
        table_names=EXPORTED_TABLES,
        enable=True,
    )


def keep_activity_log(context: Context, observability: Observability) -> None:
    """Send the subscription's Activity Log to the workspace, for audit."""
    monitor.SubscriptionDiagnosticSetting(
        "activity-log",
        name=context.names.of("activity"),
        workspace_id=observability.workspace.id,
        logs=[
            monitor.SubscriptionLogSettingsArgs(category=category, enabled=True)
            for category in ACTIVITY
        ],
    )
