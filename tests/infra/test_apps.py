"""The two apps and the job, and what they are told."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from newsapi_infra.app_settings import EXPECTED, KNOWN, SECRETS
from newsapi_infra.offline.graph import DIGEST, Graph

Graphs = Callable[[str], Graph]
SETTINGS = Path(__file__).parents[2] / "src/newsapi_dentsu/settings.py"


def app(graph: Graph, name: str) -> dict[str, Any]:
    return graph.one("app:ContainerApp", name).inputs


def container(graph: Graph, name: str) -> dict[str, Any]:
    (only,) = app(graph, name)["template"]["containers"]
    result: dict[str, Any] = only
    return result


def test_exactly_one_daemon_runs(stack_graph: Graph) -> None:
    scale = app(stack_graph, "dagster-daemon")["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (1, 1)
    assert not scale.get("rules")
    assert "ingress" not in app(stack_graph, "dagster-daemon")["configuration"]
    daemons = [
        item
        for item in stack_graph.all("app:ContainerApp")
        if "newsapi daemon" in " ".join(item.inputs["template"]["containers"][0]["command"])
    ]
    assert len(daemons) == 1


def test_the_webserver_scales_from_two_to_four_by_cpu(prod: Graph) -> None:
    webserver = app(prod, "dagster-webserver")
    scale = webserver["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (2, 4)
    (rule,) = scale["rules"]
    assert rule["custom"] == {"type": "cpu", "metadata": {"type": "Utilization", "value": "70"}}


def test_replicas_share_a_browser_only_with_sticky_sessions_and_one_revision(
    stack_graph: Graph,
) -> None:
    configuration = app(stack_graph, "dagster-webserver")["configuration"]
    assert configuration["activeRevisionsMode"] == "Single"
    assert configuration["ingress"]["stickySessions"] == {"affinity": "sticky"}
    assert configuration["ingress"]["targetPort"] == 3000
    assert configuration["ingress"]["allowInsecure"] is False


def test_sizes_are_the_designed_ones_and_allowed(graphs: Graphs) -> None:
    prod = graphs("prod")
    assert container(prod, "dagster-webserver")["resources"] == {"cpu": 1.0, "memory": "2Gi"}
    assert container(prod, "dagster-daemon")["resources"] == {"cpu": 2.0, "memory": "4Gi"}
    for stack in ("dev", "prod", "dr"):
        for item in graphs(stack).all("app:ContainerApp"):
            resources = item.inputs["template"]["containers"][0]["resources"]
            # On consumption, memory in GiB is twice the number of cores.
            assert float(resources["memory"].removesuffix("Gi")) == 2 * resources["cpu"]


def test_one_image_by_digest_is_all_that_runs(stack_graph: Graph) -> None:
    images = {
        item.inputs["template"]["containers"][0]["image"]
        for kind in ("app:ContainerApp", "app:Job")
        for item in stack_graph.all(kind)
    }
    (image,) = images
    assert image.endswith(f"/newsapi-dagster@{DIGEST}")


def test_the_webserver_is_probed_on_server_info(stack_graph: Graph) -> None:
    probes = container(stack_graph, "dagster-webserver")["probes"]
    assert {item["type"] for item in probes} == {"Startup", "Readiness", "Liveness"}
    assert {(p["httpGet"]["path"], p["httpGet"]["port"]) for p in probes} == {
        ("/server_info", 3000)
    }


def test_the_daemon_is_probed_on_its_health_and_may_stand_by(stack_graph: Graph) -> None:
    daemon = container(stack_graph, "dagster-daemon")
    assert "exec newsapi daemon --health-port 8080" in daemon["command"][-1]
    assert {item["type"] for item in daemon["probes"]} == {"Startup", "Liveness"}
    assert {(p["httpGet"]["path"], p["httpGet"]["port"]) for p in daemon["probes"]} == {
        ("/health", 8080)
    }


def test_a_run_in_the_daemon_gets_time_to_end(stack_graph: Graph) -> None:
    assert app(stack_graph, "dagster-daemon")["template"]["terminationGracePeriodSeconds"] == 600


def test_secrets_come_from_the_vault_unversioned_by_the_apps_identity(
    stack_graph: Graph,
) -> None:
    identity = stack_graph.one("managedidentity:UserAssignedIdentity", "identity-apps").id
    for item in [*stack_graph.all("app:ContainerApp"), *stack_graph.all("app:Job")]:
        for secret in item.inputs["configuration"]["secrets"]:
            assert "value" not in secret
            assert secret["identity"] == identity
            assert secret["keyVaultUrl"].count("/") == 4
        given = {secret["name"] for secret in item.inputs["configuration"]["secrets"]}
        for variable in item.inputs["template"]["containers"][0]["env"]:
            if variable["name"] in SECRETS:
                assert variable["secretRef"] in given
                assert "value" not in variable


def test_the_settings_are_ones_that_the_application_knows_or_will(graphs: Graphs) -> None:
    fields = {
        statement.target.id.upper()
        for node in ast.parse(SETTINGS.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
    assert set(KNOWN) <= fields
    given = {item["name"] for item in container(graphs("everything"), "dagster-daemon")["env"]}
    assert given <= set(KNOWN) | set(EXPECTED)
    assert set(KNOWN) <= given


def test_the_launcher_is_a_setting(graphs: Graphs) -> None:
    def value(variant: str, name: str) -> object:
        environment = container(graphs(variant), "dagster-daemon")["env"]
        return next((item.get("value") for item in environment if item["name"] == name), None)

    assert value("prod", "RUN_LAUNCHER") == "daemon"
    assert value("prod", "ACA_RESOURCE_GROUP") is None
    assert value("everything", "RUN_LAUNCHER") == "jobs"
    assert value("everything", "ACA_RESOURCE_GROUP") == "newsapi-rg"


def test_the_upgrade_job_waits_to_be_started(stack_graph: Graph) -> None:
    job = stack_graph.one("app:Job").inputs
    assert job["configuration"]["triggerType"] == "Manual"
    (only,) = job["template"]["containers"]
    assert only["command"][-1].endswith("newsapi db upgrade")
