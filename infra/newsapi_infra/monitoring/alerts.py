"""Resources from the table of alerts."""

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import monitor

from newsapi_infra.context import Context
from newsapi_infra.monitoring.alert_rules import (
    NAMESPACES,
    SEVERITY,
    Alert,
    LogAlert,
    MetricAlert,
    Target,
    alerts_for,
)
from newsapi_infra.monitoring.notifications import Notifications

RUNBOOKS = "infrastructure-alerts.md"

Targets = Mapping[Target, pulumi.Input[str]]


def runbook_url(context: Context, alert: Alert) -> str:
    """Where an alert's runbook is."""
    return f"{context.config.docs_url}/{RUNBOOKS}#{alert.name}"


def create_alerts(context: Context, targets: Targets, notifications: Notifications) -> None:
    """Declare the alerts whose target exists in this stage of the deployment."""
    for alert in alerts_for(context.config):
        group_id = notifications.groups[alert.channel].id
        if isinstance(alert, LogAlert):
            _log_alert(context, alert, targets["workspace"], group_id)
        elif alert.target in targets:
            _metric_alert(context, alert, targets[alert.target], group_id)


def tell_of_service_health(context: Context, notifications: Notifications) -> None:
    """Tell owners what Azure says of its own trouble and maintenance in this subscription."""
    monitor.ActivityLogAlert(
        "alert-service-health",
        resource_group_name=context.group_name,
        activity_log_alert_name=context.names.of("service-health"),
        location="global",
        enabled=True,
        description="Azure tells of trouble or maintenance: see Service health in the portal",
        scopes=[f"/subscriptions/{context.config.subscription_id}"],
        condition=monitor.AlertRuleAllOfConditionArgs(
            all_of=[
                monitor.AlertRuleAnyOfOrLeafConditionArgs(field="category", equals="ServiceHealth")
            ]
        ),
        actions=monitor.ActionListArgs(
            action_groups=[
                monitor.ActionGroupArgs(action_group_id=notifications.groups["warning"].id)
            ]
        ),
        tags=context.tags,
    )


def _description(context: Context, alert: Alert) -> str:
    return f"{alert.title}. Runbook: {runbook_url(context, alert)}"


def _metric_alert(
    context: Context, alert: MetricAlert, target: pulumi.Input[str], group_id: pulumi.Input[str]
) -> None:
    dimensions = None
    if alert.dimension is not None:
        name, value = alert.dimension
        dimensions = [monitor.MetricDimensionArgs(name=name, operator="Include", values=[value])]
    monitor.MetricAlert(
        f"alert-{alert.name}",
        resource_group_name=context.group_name,
        rule_name=context.names.of(alert.name),
        location="global",
        description=_description(context, alert),
        severity=SEVERITY[alert.channel],
        enabled=True,
        scopes=[target],
        evaluation_frequency=alert.every,
        window_size=alert.window,
        auto_mitigate=True,
        criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
            odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            all_of=[
                monitor.MetricCriteriaArgs(
                    name="condition",
                    criterion_type="StaticThresholdCriterion",
                    metric_namespace=NAMESPACES[alert.target],
                    metric_name=alert.metric,
                    time_aggregation=alert.aggregation,
                    operator=alert.operator,
                    threshold=alert.threshold,
                    dimensions=dimensions,
                )
            ],
        ),
        actions=[monitor.MetricAlertActionArgs(action_group_id=group_id)],
        tags=context.tags,
    )


def _log_alert(
    context: Context, alert: LogAlert, workspace: pulumi.Input[str], group_id: pulumi.Input[str]
) -> None:
    monitor.ScheduledQueryRule(
        f"alert-{alert.name}",
        resource_group_name=context.group_name,
        rule_name=context.names.of(alert.name),
        location=context.location,
        kind=monitor.Kind.LOG_ALERT,
        display_name=alert.title,
        description=_description(context, alert),
        severity=SEVERITY[alert.channel],
        enabled=True,
        scopes=[workspace],
        evaluation_frequency=alert.every,
        window_size=alert.window,
        auto_mitigate=True,
        # The tables appear with the first line: the rules are declared before.
        skip_query_validation=True,
        criteria=monitor.ScheduledQueryRuleCriteriaArgs(
            all_of=[
                monitor.ConditionArgs(
                    query=alert.query,
                    metric_measure_column=alert.measure,
                    time_aggregation=monitor.TimeAggregation.MAXIMUM,
                    operator=alert.operator,
                    threshold=alert.threshold,
                    failing_periods=monitor.ConditionFailingPeriodsArgs(
                        min_failing_periods_to_alert=1, number_of_evaluation_periods=1
                    ),
                )
            ]
        ),
        actions=monitor.ActionsArgs(action_groups=[group_id]),
        tags=context.tags,
    )
