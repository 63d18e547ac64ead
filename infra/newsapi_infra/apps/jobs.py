"""The jobs beside the apps, from the same image: upgrade, look from outside, smoke test."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import app, managedidentity

from newsapi_infra import names
from newsapi_infra.apps.app_settings import (
    administrator_settings,
    alert_settings,
    database_settings,
    environment_of,
)
from newsapi_infra.apps.containers import (
    Surroundings,
    acting_as,
    as_deployed,
    container,
    registry_login,
    secret_references,
)
from newsapi_infra.apps.environment import PROFILE
from newsapi_infra.context import Context

ALERTS_EVERY = "*/10 * * * *"
"""When somebody other than the daemon looks at the alert rules (UTC)."""


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job: the settings and secrets that its command needs, and how it is started."""

    name: str
    settings: Mapping[str, pulumi.Input[str]]
    secrets: tuple[str, ...]
    timeout_seconds: int
    cron: str | None = None
    """When it starts by itself; None: somebody starts it."""
    administers: bool = False
    """Whether it acts as the identity that is an administrator of the database."""
    retries: int = 0
    """How often it is started again after a failure, by the platform."""


def create_jobs(
    context: Context, around: Surroundings, image: pulumi.Output[str]
) -> dict[str, app.Job]:
    """Declare the jobs; by name."""
    return {plan.name: _job(context, around, image, plan) for plan in _plans(context, around)}


def _plans(context: Context, around: Surroundings) -> list[JobPlan]:
    identities = around.identities

    def database(identity: managedidentity.UserAssignedIdentity) -> dict[str, pulumi.Input[str]]:
        return database_settings(
            context.config, around.database.host, around.password_url, identity
        )

    administrator = database(identities.administration) | administrator_settings(
        context.config, identities
    )
    rotation = []
    if not context.config.by_identity:
        # Started by the notice of a secret that expires; where there is nothing to do, it says so.
        # The notice comes once, and what was interrupted is finished by the next try.
        rotation = [JobPlan(names.ROTATION, administrator, (), 600, administers=True, retries=3)]
    return [
        # Once, and again where somebody else is to be let in: only the apps' subnet reaches the
        # database.
        JobPlan(names.DATABASE_ROLE_JOB, administrator, (), 600, administers=True),
        *rotation,
        # Before the apps of a new image: hosted runners don't reach the database.
        JobPlan(names.UPGRADE, database(identities.jobs), (), 3600),
        # The same where the image of before will refuse the tables: somebody has said so.
        JobPlan(names.UPGRADE_FOR_GOOD, database(identities.jobs), (), 3600),
        # A daemon that is dead can't say so. Its execution fails while something is wrong.
        JobPlan(
            names.ALERTS_CHECK,
            database(identities.jobs) | alert_settings(context.config, around.ui_host),
            ("SMTP_PASSWORD", "SLACK_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY"),
            300,
            ALERTS_EVERY,
        ),
        # The whole pipeline on invented articles and a database in the container.
        JobPlan(names.SMOKE_RUN, {"LOG_FORMAT": "json", "NEWSAPI_SANDBOX": "always"}, (), 600),
    ]


def _job(
    context: Context, around: Surroundings, image: pulumi.Output[str], plan: JobPlan
) -> app.Job:
    identities = around.identities
    identity = identities.administration if plan.administers else identities.jobs
    return app.Job(
        plan.name,
        resource_group_name=context.group_name,
        job_name=plan.name,
        location=context.location,
        environment_id=around.environment.id,
        workload_profile_name=PROFILE,
        identity=acting_as(identity),
        configuration=app.JobConfigurationArgs(
            trigger_type=app.TriggerType.SCHEDULE if plan.cron else app.TriggerType.MANUAL,
            schedule_trigger_config=app.JobConfigurationScheduleTriggerConfigArgs(
                cron_expression=plan.cron, parallelism=1, replica_completion_count=1
            )
            if plan.cron
            else None,
            manual_trigger_config=None
            if plan.cron
            else app.JobConfigurationManualTriggerConfigArgs(
                parallelism=1, replica_completion_count=1
            ),
            replica_timeout=plan.timeout_seconds,
            replica_retry_limit=plan.retries,
            registries=[registry_login(around, identity)],
            secrets=secret_references(around, identity, plan.secrets),
        ),
        template=app.JobTemplateArgs(
            containers=[
                container(context, plan.name, image, environment_of(plan.settings, plan.secrets))
            ]
        ),
        tags=context.tags,
        opts=as_deployed(context, around),
    )
