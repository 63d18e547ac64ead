"""Who is told: action groups by urgency, and the Logic Apps behind two of them."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import logic, managedidentity, monitor

from newsapi_infra import names
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


JOBS_API = "2025-01-01"

ROTATION_DEFINITION: dict[str, Any] = {
    "$schema": SLACK_DEFINITION["$schema"],
    "contentVersion": "1.0.0.0",
    "parameters": {"job": {"type": "String"}, "identity": {"type": "String"}},
    "triggers": {TRIGGER: {"type": "Request", "kind": "Http", "inputs": {"schema": {}}}},
    "actions": {
        "start": {
            "type": "Http",
            "inputs": {
                "method": "POST",
                "uri": "@concat('https://management.azure.com', parameters('job'), "
                f"'/start?api-version={JOBS_API}')",
                "authentication": {
                    "type": "ManagedServiceIdentity",
                    "identity": "@parameters('identity')",
                    "audience": "https://management.azure.com/",
                },
            },
            "runAfter": {},
        }
    },
    "outputs": {},
}
"""Starts the job that changes the database's password."""


@dataclass(frozen=True, slots=True)
class Notifications:
    """The action group of each urgency, and the one that has a password changed."""

    groups: dict[Channel, monitor.ActionGroup]
    slack: logic.Workflow
    rotate: monitor.ActionGroup | None
    rotation: logic.Workflow | None
    """None where the database knows no password."""


def create_notifications(
    context: Context, rotation_identity: managedidentity.UserAssignedIdentity | None
) -> Notifications:
    """Declare the groups: critical to PagerDuty and mail, warning to mail, info to Slack."""
    config = context.config
    slack = _slack(context)
    rotation = _rotation(context, rotation_identity) if rotation_identity is not None else None
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
                logic_app_receivers=[_receiver(context, "slack", slack)],
            ),
        },
        slack=slack,
        rotate=_group(
            context,
            "rotate",
            "newsapi-rot",
            logic_app_receivers=[_receiver(context, "rotation", rotation)],
        )
        if rotation is not None
        else None,
        rotation=rotation,
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


def _rotation(context: Context, identity: managedidentity.UserAssignedIdentity) -> logic.Workflow:
    job = pulumi.Output.concat(context.group.id, "/providers/Microsoft.App/jobs/", names.ROTATION)
    return logic.Workflow(
        "rotation",
        resource_group_name=context.group_name,
        workflow_name=context.names.of("rotation"),
        location=context.location,
        state=logic.WorkflowState.ENABLED,
        identity=logic.ManagedServiceIdentityArgs(
            type=logic.ManagedServiceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[identity.id],
        ),
        definition=ROTATION_DEFINITION,
        parameters={
            name: logic.WorkflowParameterArgs(type=logic.ParameterType.STRING, value=value)
            for name, value in (("job", job), ("identity", identity.id))
        },
        tags=context.tags,
    )


def _receiver(
    context: Context, name: str, workflow: logic.Workflow
) -> monitor.LogicAppReceiverArgs:
    callback = logic.list_workflow_trigger_callback_url_output(
        resource_group_name=context.group_name, workflow_name=workflow.name, trigger_name=TRIGGER
    )
    return monitor.LogicAppReceiverArgs(
        name=name,
        resource_id=workflow.id,
        callback_url=pulumi.Output.secret(callback.value),
        use_common_alert_schema=True,
    )
