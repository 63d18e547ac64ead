"""Container Apps Jobs of runs that have ended: `AcaRunLauncher` leaves them behind."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from newsapi_dentsu.dagster_private import FINISHED_STATUSES

RUN_TAG = "dagster-run-id"
"""How the launcher marks the job of a run."""


def delete_finished_jobs(
    instance: dg.DagsterInstance, client: Any, resource_group: str
) -> list[str]:
    """Delete the jobs of runs that have ended or are no longer known; returns their names.

    Args:
        instance: Dagster's instance.
        client: azure-mgmt-appcontainers' client.
        resource_group: where the jobs are.
    """
    jobs = {
        job.name: job.tags[RUN_TAG]
        for job in client.jobs.list_by_resource_group(resource_group)
        if RUN_TAG in (job.tags or {})
    }
    alive = _alive(instance, jobs.values())
    ended = [name for name, run_id in jobs.items() if run_id not in alive]
    for name in ended:
        client.jobs.begin_delete(resource_group, name)
    return ended


def _alive(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> set[str]:
    wanted = list(run_ids)
    # Dagster refuses an empty filter.
    runs = instance.get_runs(dg.RunsFilter(run_ids=wanted)) if wanted else []
    return {run.run_id for run in runs if run.status not in FINISHED_STATUSES}


@dg.op(description="Delete the Container Apps Jobs of runs that have ended (RUN_LAUNCHER=jobs).")
def delete_jobs(context: dg.OpExecutionContext) -> None:
    """Delete them, where runs have jobs of their own."""
    from newsapi_dentsu.settings import load_settings

    settings = load_settings()
    if settings.run_launcher != "jobs":
        return
    from azure.identity import DefaultAzureCredential
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

    client = ContainerAppsAPIClient(DefaultAzureCredential(), settings.aca_subscription_id or "")
    deleted = delete_finished_jobs(context.instance, client, settings.aca_resource_group or "")
    context.log.info(f"Deleted the jobs of {len(deleted)} runs that have ended")
