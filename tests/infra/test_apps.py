"""The two apps and the jobs, and what they are told."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from newsapi_infra.apps.app_settings import ADMINISTRATION, FOR_LIBRARIES, SECRETS
from newsapi_infra.offline.graph import DIGEST, Declared, Graph

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
        if item.inputs["template"]["containers"][0]["args"][:2] == ["newsapi", "daemon"]
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
    assert daemon["args"][:2] == ["newsapi", "daemon"]
    assert {item["type"] for item in daemon["probes"]} == {"Startup", "Liveness"}
    assert {(p["httpGet"]["path"], p["httpGet"]["port"]) for p in daemon["probes"]} == {
        ("/health", 8080)
    }


def test_a_run_in_the_daemon_gets_time_to_end_and_to_be_marked(stack_graph: Graph) -> None:
    assert app(stack_graph, "dagster-daemon")["template"]["terminationGracePeriodSeconds"] == 600
    assert container(stack_graph, "dagster-daemon")["args"][2:] == ["--stop-seconds", "570"]


def test_secrets_come_from_the_vault_unversioned_by_an_identity(stack_graph: Graph) -> None:
    identities = {
        kind: stack_graph.one("managedidentity:UserAssignedIdentity", f"identity-{kind}").id
        for kind in ("apps", "jobs", "administration")
    }
    for kind, token in (("apps", "app:ContainerApp"), ("jobs", "app:Job")):
        for item in stack_graph.all(token):
            secrets = item.inputs["configuration"].get("secrets", [])
            for secret in secrets:
                assert "value" not in secret
                administers = item.logical in ("newsapi-db-role", "newsapi-db-rotate")
                assert secret["identity"] == identities["administration" if administers else kind]
                assert secret["keyVaultUrl"].count("/") == 4
            given = {secret["name"] for secret in secrets}
            for variable in item.inputs["template"]["containers"][0]["env"]:
                if variable["name"] in SECRETS:
                    assert variable["secretRef"] in given
                    assert "value" not in variable


def application_settings() -> set[str]:
    return {
        statement.target.id.upper()
        for node in ast.parse(SETTINGS.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }


def variables(item: Declared) -> set[str]:
    (only,) = item.inputs["template"]["containers"]
    return {variable["name"] for variable in only["env"]}


def test_every_variable_is_one_that_somebody_reads(graphs: Graphs) -> None:
    administration = {*ADMINISTRATION, "POSTGRES_ADMIN_USER"}
    known = application_settings() | set(FOR_LIBRARIES) | administration
    for token in ("app:ContainerApp", "app:Job"):
        for item in graphs("everything").all(token):
            assert variables(item) <= known, item.logical


def test_whoever_tells_operators_has_every_setting_of_the_channels(prod: Graph) -> None:
    channels = {
        name
        for name in application_settings()
        if name.startswith(("SMTP_", "ALERT_EMAIL_", "SLACK_", "PAGERDUTY_R"))
    } | {"UI_BASE_URL", "DATABASE_SIZE_GB"}
    for token, name in (
        ("app:ContainerApp", "dagster-daemon"),
        ("app:Job", "newsapi-alerts-check"),
    ):
        assert channels <= variables(prod.one(token, name)), name


def test_without_a_mail_server_there_is_no_setting_of_mail(graphs: Graphs) -> None:
    given = variables(graphs("vpn").one("app:ContainerApp", "dagster-daemon"))
    assert not [name for name in given if name.startswith(("SMTP_HOST", "ALERT_EMAIL"))]


def test_figures_go_to_application_insights_by_the_apps_identity(stack_graph: Graph) -> None:
    settings = {
        item["name"]: item.get("value") for item in container(stack_graph, "dagster-daemon")["env"]
    }
    assert settings["APPLICATIONINSIGHTS_CONNECTION_STRING"].startswith("InstrumentationKey=")
    login = settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]
    assert login == f"Authorization=AAD;ClientId={settings['AZURE_CLIENT_ID']}"
    assert stack_graph.one("applicationinsights:Component").inputs["disableLocalAuth"] is True


def test_backups_and_the_raw_archive_go_to_their_containers(prod: Graph) -> None:
    settings = {
        item["name"]: item.get("value") for item in container(prod, "dagster-daemon")["env"]
    }
    account = "https://newsapiprodstdnt1.blob.core.windows.net"
    assert settings["BACKUP_LOCATION"] == f"{account}/exports"
    assert settings["LAKE_LOCATION"] == f"{account}/raw-archive"


def test_runs_get_jobs_of_their_own_where_the_stack_says_so(graphs: Graphs) -> None:
    def settings(variant: str) -> dict[str, object]:
        environment = container(graphs(variant), "dagster-daemon")["env"]
        return {item["name"]: item.get("value") for item in environment}

    assert not [name for name in settings("prod") if name.startswith(("RUN_", "ACA_"))]
    jobs = settings("everything")
    assert jobs["RUN_LAUNCHER"] == "jobs"
    assert (jobs["ACA_RESOURCE_GROUP"], jobs["ACA_REGION"]) == ("newsapi-rg", "eastus")
    assert str(jobs["DAGSTER_CURRENT_IMAGE"]).endswith(DIGEST)
    # No password: it would be shown.
    assert (jobs["POSTGRES_AUTH"], jobs["POSTGRES_USER"]) == ("entra", "newsapi-prod-apps-id")
    assert str(jobs["KEY_VAULT_URL"]).startswith("https://newsapi-prod-kv-dnt1.vault.azure.net")


FOR_GOOD = "newsapi-db-upgrade-for-good"


def job(graph: Graph, name: str) -> dict[str, Any]:
    return graph.one("app:Job", name).inputs


def test_the_upgrade_jobs_wait_to_be_started_and_know_the_database_only(
    stack_graph: Graph,
) -> None:
    for name, more in (("newsapi-db-upgrade", ["--keep-way-back"]), (FOR_GOOD, [])):
        upgrade = job(stack_graph, name)
        assert upgrade["configuration"]["triggerType"] == "Manual"
        (only,) = upgrade["template"]["containers"]
        assert only["args"] == ["newsapi", "db", "upgrade", *more]
        assert not [item["name"] for item in only["env"] if "secretRef" in item]


def test_what_acts_as_the_administrator_are_two_jobs_of_the_image_and_nothing_else(
    stack_graph: Graph,
) -> None:
    for name, command in (("newsapi-db-role", "role"), ("newsapi-db-rotate", "rotate")):
        acting = job(stack_graph, name)
        assert acting["configuration"]["triggerType"] == "Manual"
        (only,) = acting["template"]["containers"]
        assert only["args"] == ["newsapi", "db", command]
        assert only["image"].endswith(DIGEST)
        settings = {item["name"]: item.get("value") for item in only["env"]}
        assert settings["POSTGRES_ADMIN_USER"] == "newsapi_admin"
    readers = [
        item.logical
        for kind in ("app:ContainerApp", "app:Job")
        for item in stack_graph.all(kind)
        if "newsapi-postgres-admin" in repr(item.inputs["configuration"].get("secrets"))
    ]
    assert readers == ["newsapi-db-role", "newsapi-db-rotate"]


def test_the_databases_password_is_asked_for_in_the_vault_and_is_no_variable(
    graphs: Graphs,
) -> None:
    graph = graphs("prod")
    vault = graph.one("keyvault:Vault")
    for kind in ("app:ContainerApp", "app:Job"):
        for item in graph.all(kind):
            assert "POSTGRES_PASSWORD" not in str(item.inputs).replace("POSTGRES_PASSWORD_URL", "")
            (only,) = item.inputs["template"]["containers"]
            told = {one["name"]: one.get("value") for one in only["env"]}
            if "USE_POSTGRES" in told:
                name = vault.id.rsplit("/", 1)[-1]
                assert told["POSTGRES_PASSWORD_URL"] == (
                    f"https://{name}.vault.azure.net/secrets/newsapi-postgres-credentials"
                )
                assert told["AZURE_CLIENT_ID"]
    for item in graphs("everything").all("app:ContainerApp"):
        (only,) = item.inputs["template"]["containers"]
        told = {one["name"]: one.get("value") for one in only["env"]}
        assert told["POSTGRES_AUTH"] == "entra"
        assert "POSTGRES_PASSWORD_URL" not in told


def test_somebody_other_than_the_daemon_looks_at_the_alerts(stack_graph: Graph) -> None:
    check = job(stack_graph, "newsapi-alerts-check")
    assert check["configuration"]["triggerType"] == "Schedule"
    assert check["configuration"]["scheduleTriggerConfig"]["cronExpression"] == "*/10 * * * *"
    (only,) = check["template"]["containers"]
    assert only["args"] == ["newsapi", "alerts", "check"]
    assert "NEWSAPI_KEY" not in {item["name"] for item in only["env"]}


def test_the_smoke_run_touches_neither_database_nor_secrets(stack_graph: Graph) -> None:
    smoke = job(stack_graph, "newsapi-smoke-run")
    assert smoke["configuration"]["triggerType"] == "Manual"
    assert not smoke["configuration"]["secrets"]
    (only,) = smoke["template"]["containers"]
    assert {item["name"]: item["value"] for item in only["env"]} == {
        "LOG_FORMAT": "json",
        "NEWSAPI_SANDBOX": "always",
    }


def test_a_deployed_image_is_not_taken_back_by_pulumi(stack_graph: Graph) -> None:
    for token in ("app:ContainerApp", "app:Job"):
        for item in stack_graph.all(token):
            assert item.ignored == ("template.containers[0].image",), item.logical
