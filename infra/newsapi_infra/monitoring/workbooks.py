"""Two workbooks: the health of the pipeline and of what it runs on."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_azure_native import applicationinsights

from newsapi_infra.context import Context
from newsapi_infra.monitoring.queries import GAUGES, INFRASTRUCTURE_HEALTH, PIPELINE_HEALTH

TIME_RANGE = "TimeRange"

NAT_NAMESPACE = "microsoft.network/natgateways"
AREA_CHART, TOTAL = 3, 1
"""How a workbook's metrics item writes the kind of chart, and the aggregation."""


def create_workbooks(
    context: Context, workspace_id: pulumi.Input[str], nat_id: pulumi.Output[str]
) -> None:
    """Declare both workbooks over the workspace and, for what it can't hold, over metrics."""
    pipeline = [*_tiles(GAUGES), *_charts(PIPELINE_HEALTH, "linechart")]
    _workbook(context, workspace_id, "Pipeline health", document(pipeline, 30))
    infrastructure = _charts(INFRASTRUCTURE_HEALTH, "areachart")
    _workbook(
        context,
        workspace_id,
        "Infrastructure health",
        nat_id.apply(lambda nat: document([*infrastructure, _nat_traffic(nat)], 1)),
    )


def _workbook(
    context: Context, workspace_id: pulumi.Input[str], title: str, serialized: pulumi.Input[str]
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


def document(items: Sequence[Mapping[str, Any]], days: int) -> str:
    """A workbook's document: a choice of the time range, then its items."""
    everything = [_time_range(days), *items]
    return json.dumps({"version": "Notebook/1.0", "items": everything}, separators=(",", ":"))


def _charts(queries: Mapping[str, str], visualization: str) -> list[dict[str, Any]]:
    """One chart for each query over the workspace."""
    return [
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
        for place, (title, query) in enumerate(queries.items())
    ]


def _tiles(queries: Mapping[str, str]) -> list[dict[str, Any]]:
    """One number for each query, large."""
    items = _charts(queries, "tiles")
    for place, item in enumerate(items):
        item["name"] = f"tile-{place}"
        item["customWidth"] = "33"
        item["content"]["size"] = 4
        item["content"]["tileSettings"] = {
            "titleContent": {"columnMatch": "Title", "formatter": 1},
            "leftContent": {"columnMatch": "Value", "formatter": 12},
            "showBorder": True,
        }
    return items


def _nat_traffic(nat_id: str) -> dict[str, Any]:
    """The bytes through the NAT gateway, from its metrics: it can't export them to a workspace."""
    return {
        "type": 10,
        "name": "nat-traffic",
        "customWidth": "50",
        "content": {
            "chartId": "00000000-0000-4000-8000-000000000002",
            "version": "MetricsItem/2.0",
            "title": "NAT gateway, bytes",
            "size": 0,
            "chartType": AREA_CHART,
            "resourceType": NAT_NAMESPACE,
            "metricScope": 0,
            "resourceIds": [nat_id],
            "timeContextFromParameter": TIME_RANGE,
            "metrics": [
                {
                    "namespace": NAT_NAMESPACE,
                    "metric": f"{NAT_NAMESPACE}--ByteCount",
                    "aggregation": TOTAL,
                    "columnName": "Bytes",
                }
            ],
            "gridSettings": {"rowLimit": 10000},
        },
    }


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
