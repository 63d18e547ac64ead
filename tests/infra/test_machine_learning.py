"""The workspace of Azure Machine Learning, behind its switch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from newsapi_infra.identity.roles import DATA_SCIENTIST, IMAGE_PULL
from newsapi_infra.offline.graph import Graph

from .test_access import grants

Graphs = Callable[[str], Graph]
FILES = Path(__file__).parents[2] / "infra/azureml"


def described(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FILES / name).read_text("utf-8"))
    return found


def test_there_is_none_unless_the_stack_wants_it(graphs: Graphs) -> None:
    for variant in ("dev", "prod", "dr"):
        kinds = {item.token.split(":")[1] for item in graphs(variant).resources}
        assert "machinelearningservices" not in kinds


def test_its_names_are_those_of_the_files_that_use_it(graphs: Graphs) -> None:
    graph = graphs("learning")
    cluster = graph.one("machinelearningservices:Compute").inputs
    for name in ("batch-deployment.yml", "training-job.yml"):
        assert described(name)["compute"] == f"azureml:{cluster['computeName']}"
    endpoint = graph.one("machinelearningservices:BatchEndpoint").inputs
    assert endpoint["endpointName"] == described("batch-endpoint.yml")["name"]
    assert endpoint["endpointName"] == described("batch-deployment.yml")["endpoint_name"]
    assert endpoint["properties"]["authMode"] == "AADToken"


def test_its_machines_cost_nothing_while_nothing_runs_and_are_reached_by_nobody(
    graphs: Graphs,
) -> None:
    cluster = graphs("learning").one("machinelearningservices:Compute").inputs["properties"]
    assert cluster["properties"]["scaleSettings"]["minNodeCount"] == 0
    assert cluster["properties"]["enableNodePublicIp"] is False
    assert cluster["properties"]["remoteLoginPortPublicAccess"] == "Disabled"
    assert cluster["disableLocalAuth"] is True


def test_what_runs_there_reaches_neither_backups_nor_the_applications_secrets(
    graphs: Graphs,
) -> None:
    graph = graphs("learning")
    allowed = grants(graph, "newsapi-prod-learning-id")
    assert {scope for _, scope in allowed} == {
        "newsapiprodmldnt1",
        "newsapi-prod-ml-dnt1",
        "newsapi-prod-insights",
        "newsapiprodcrdnt1",
    }
    assert (IMAGE_PULL.guid, "newsapiprodcrdnt1") in allowed
    workspace = graph.one("machinelearningservices:Workspace")
    assert workspace.inputs["publicNetworkAccess"] == "Disabled"
    assert workspace.inputs["systemDatastoresAuthMode"] == "Identity"
    assert workspace.inputs["storageAccount"] != graph.one("storage:StorageAccount", "storage").id
    assert workspace.inputs["keyVault"] != graph.one("keyvault:Vault", "vault").id
    people = graph.one("authorization:RoleAssignment", "grant-data-scientists").inputs
    assert people["scope"] == workspace.id
    assert people["roleDefinitionId"].endswith(DATA_SCIENTIST.guid)


def test_the_workspace_is_reached_by_both_its_names_inside_the_network(graphs: Graphs) -> None:
    group = graphs("learning").one("network:PrivateDnsZoneGroup", "endpoint-dns-learning")
    assert {one["name"] for one in group.inputs["privateDnsZoneConfigs"]} == {
        "privatelink-api-azureml-ms",
        "privatelink-notebooks-azure-net",
    }


def test_runs_are_told_of_an_endpoint_and_its_key_comes_from_the_vault(graphs: Graphs) -> None:
    def told(variant: str, app: str) -> dict[str, Any]:
        (only,) = graphs(variant).one("app:ContainerApp", app).inputs["template"]["containers"]
        return {one["name"]: one.get("value") or one.get("secretRef") for one in only["env"]}

    daemon = told("learning", "dagster-daemon")
    assert daemon["SENTIMENT_ENDPOINT"] == "https://tone.eastus.inference.ml.azure.com/score"
    assert daemon["SENTIMENT_ENDPOINT_KEY"] == "newsapi-sentiment-endpoint-key"
    for variant, app in (("prod", "dagster-daemon"), ("learning", "news-api")):
        assert not [name for name in told(variant, app) if name.startswith("SENTIMENT")]
