"""Two workbooks: the health of the pipeline and of what it runs on."""

import json
from typing import Any

import pulumi
from pulumi_azure_native import applicationinsights

from newsapi_infra.context import Context
from newsapi_infra.monitoring.queries import INFRASTRUCTURE_HEALTH, PIPELINE_HEALTH

TIME_RANGE = "TimeRange"


def create_workbooks(context: Context, workspace_id: pulumi.Input[str]) -> None:
    """Declare both workbooks over the workspace."""
    _workbook(context, workspace_id, "Pipeline health", content(PIPELINE_HEALTH, "linechart", 30))
    _workbook(
        context,
        workspace_id,
        "Infrastructure health",
        content(INFRASTRUCTURE_HEALTH, "areachart", 1),
    )


def _workbook(
    context: Context, workspace_id: pulumi.Input[str], title: str, serialized: str
) -> None:
    name = title.lower().replace(" ", "-")
    applicationinsights.Workbook(
        f"workbook-{name}",
        resource_group_name=context.group_name,
        resource_name_=context.names.guid("workbook", name),
        location=context.location,
        kind=applicationinsights.WorkbookSharedTypeKind.SHARED,
        category="workbook",
        display_name=f"{title} ({context.config.stack})",
        serialized_data=serialized,
        source_id=workspace_id,
        version="Notebook/1.0",
        tags=context.tags,
    )


def content(charts: dict[str, str], visualization: str, days: int) -> str:
    """A workbook's document: a choice of the time range, then one chart for each query."""
    items: list[dict[str, Any]] = [_time_range(days)]
    for place, (title, query) in enumerate(charts.items()):
        items.append(
            {
                "type": 3,
                "name": f"chart-{place}",
                "customWidth": "50",
                "content": {
                    "version": "KqlItem/1.0",
                    "title": title,
                    "query": query,
                    "size": 0,
                    "queryType": 0,
                    "resourceType": "microsoft.operationalinsights/workspaces",
                    "timeContextFromParameter": TIME_RANGE,
                    "visualization": visualization,
                },
            }
        )
    return json.dumps({"version": "Notebook/1.0", "items": items}, separators=(",", ":"))


def _time_range(days: int) -> dict[str, Any]:
    return {
        "type": 9,
        "name": "time-range",
        "content": {
            "version": "KqlParameterItem/1.0",
            "parameters": [
                {
                    "id": "00000000-0000-4000-8000-000000000001",
                    "version": "KqlParameterItem/1.0",
                    "name": TIME_RANGE,
                    "label": "Time range",
                    "type": 4,
                    "value": {"durationMs": days * 86_400_000},
                    "typeSettings": {
                        "selectableValues": [
                            {"durationMs": choice * 86_400_000} for choice in (1, 7, 30)
                        ]
                    },
                }
            ],
        },
    }
