"""Who is told: action groups by urgency, and the Logic App that speaks to Slack."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import logic, monitor

from newsapi_infra.context import Context
from newsapi_infra.monitoring.alert_rules import Channel

TRIGGER = "alert"

_MESSAGE = (
    "@{triggerBody()?['data']?['essentials']?['monitorCondition']}: "
    "@{triggerBody()?['data']?['essentials']?['alertRule']}\n"
    "@{triggerBody()?['data']?['essentials']?['description']}"
)

SLACK_DEFINITION: dict[str, Any] = {
    "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/"
    "2016-06-01/workflowdefinition.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {"slackWebhookUrl": {"type": "SecureString"}},
    "triggers": {TRIGGER: {"type": "Request", "kind": "Http", "inputs": {"schema": {}}}},
    "actions": {
        "post": {
            "type": "Http",
            "inputs": {
                "method": "POST",
                "uri": "@parameters('slackWebhookUrl')",
                "headers": {"Content-Type": "application/json"},
                "body": {"text": _MESSAGE},
            },
            "runAfter": {},
            # The address is the credential: it stays out of the run history.
            "runtimeConfiguration": {"secureData": {"properties": ["inputs"]}},
        }
    },
    "outputs": {},
}


@dataclass(frozen=True, slots=True)
class Notifications:
    """The action group of each urgency."""

    groups: dict[Channel, monitor.ActionGroup]
    slack: logic.Workflow


def create_notifications(context: Context) -> Notifications:
    """Declare the groups: critical to PagerDuty and mail, warning to mail, info to Slack."""
    config = context.config
    slack = _slack(context)
    mail = [_mail("owners", config.owner_email)]
    return Notifications(
        groups={
            "critical": _group(
                context,
                "critical",
                "newsapi-crit",
                email_receivers=[_mail("on-call", config.on_call_email), *mail],
                webhook_receivers=[
                    monitor.WebhookReceiverArgs(
                        name="pagerduty",
                        service_uri=config.secrets.pagerduty_url,
                        use_common_alert_schema=True,
                    )
                ],
            ),
            "warning": _group(context, "warning", "newsapi-warn", email_receivers=mail),
            "info": _group(
                context,
                "info",
                "newsapi-info",
                logic_app_receivers=[_slack_receiver(context, slack)],
            ),
        },
        slack=slack,
    )


def _mail(name: str, address: str) -> monitor.MicrosoftCommonEmailReceiverArgs:
    return monitor.MicrosoftCommonEmailReceiverArgs(
        name=name, email_address=address, use_common_alert_schema=True
    )


def _group(context: Context, kind: str, short: str, **receivers: Any) -> monitor.ActionGroup:
    return monitor.ActionGroup(
        f"notify-{kind}",
        resource_group_name=context.group_name,
        action_group_name=context.names.of(f"{kind}-ag"),
        group_short_name=short,
        location="global",
        enabled=True,
        tags=context.tags,
        **receivers,
    )


def _slack(context: Context) -> logic.Workflow:
    return logic.Workflow(
        "slack",
        resource_group_name=context.group_name,
        workflow_name=context.names.of("slack"),
        location=context.location,
        state=logic.WorkflowState.ENABLED,
        definition=SLACK_DEFINITION,
        parameters={
            "slackWebhookUrl": logic.WorkflowParameterArgs(
                type=logic.ParameterType.SECURE_STRING,
                value=context.config.secrets.slack_webhook_url,
            )
        },
        tags=context.tags,
    )


def _slack_receiver(context: Context, slack: logic.Workflow) -> monitor.LogicAppReceiverArgs:
    callback = logic.list_workflow_trigger_callback_url_output(
        resource_group_name=context.group_name, workflow_name=slack.name, trigger_name=TRIGGER
    )
    return monitor.LogicAppReceiverArgs(
        name="slack",
        resource_id=slack.id,
        callback_url=pulumi.Output.secret(callback.value),
        use_common_alert_schema=True,
    )
