"""Container Apps Jobs go with the runs that they were made for; Azure is a stand-in."""

from dataclasses import dataclass, field

import dagster as dg

from newsapi_dentsu.defs.finished_jobs import RUN_TAG, delete_finished_jobs


@dataclass
class Job:
    name: str
    tags: dict[str, str] | None


@dataclass
class Client:
    """The part of azure-mgmt-appcontainers' client that is used."""

    found: list[Job]
    deleted: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> "Client":
        return self

    def list_by_resource_group(self, group: str) -> list[Job]:
        assert group == "newsapi-rg"
        return self.found

    def begin_delete(self, group: str, name: str) -> None:
        self.deleted.append(name)


def test_jobs_of_ended_and_forgotten_runs_go_and_all_others_stay() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        runs = {
            status: instance.create_run_for_job(_job, status=status).run_id
            for status in (
                dg.DagsterRunStatus.STARTED,
                dg.DagsterRunStatus.STARTING,
                dg.DagsterRunStatus.SUCCESS,
                dg.DagsterRunStatus.FAILURE,
            )
        }
        client = Client(
            [
                *(Job(status.value.lower(), {RUN_TAG: run}) for status, run in runs.items()),
                Job("forgotten", {RUN_TAG: "b1946ac9-2492-4b23-8b42-000000000000"}),
                Job("newsapi-db-upgrade", {"product": "newsapi-dentsu"}),
                Job("of somebody else", None),
            ]
        )
        assert delete_finished_jobs(instance, client, "newsapi-rg") == client.deleted
    assert client.deleted == ["success", "failure", "forgotten"]


def test_without_jobs_nothing_is_asked() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert delete_finished_jobs(instance, Client([]), "newsapi-rg") == []


@dg.op
def _nothing() -> None:
    pass


@dg.job
def _job() -> None:
    _nothing()
