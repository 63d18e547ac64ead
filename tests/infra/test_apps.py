"""The apps and the jobs, and what they are told."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from newsapi_infra.apps.app_settings import FOR_COMMANDS, FOR_LIBRARIES, SECRETS
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
        for kind in ("apps", "jobs", "news")
    }
    for kind, token in (("apps", "app:ContainerApp"), ("jobs", "app:Job")):
        for item in stack_graph.all(token):
            secrets = item.inputs["configuration"].get("secrets", [])
            for secret in secrets:
                assert "value" not in secret
                who = "news" if item.logical == "news-api" else kind
                assert secret["identity"] == identities[who]
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
    known = application_settings() | set(FOR_LIBRARIES) | set(FOR_COMMANDS)
    for variant in ("everything", "passwords"):
        for token in ("app:ContainerApp", "app:Job"):
            for item in graphs(variant).all(token):
                assert variables(item) <= known, item.logical


def test_every_setting_of_the_application_is_given_or_left_for_a_reason(graphs: Graphs) -> None:
    left = yaml.safe_load((Path(__file__).parent / "settings_left.yaml").read_text("utf-8"))
    given = {
        name
        for variant in ("everything", "passwords", "learning", "pair-primary")
        for token in ("app:ContainerApp", "app:Job")
        for item in graphs(variant).all(token)
        for name in variables(item)
    }
    reasons = {name for names in left.values() for name in names.split()}
    assert application_settings() - given == reasons


def test_variables_of_commands_are_those_that_the_commands_read() -> None:
    source = "".join(path.read_text("utf-8") for path in (SETTINGS.parent / "cli").glob("*.py"))
    for name in FOR_COMMANDS:
        assert f'envvar="{name}"' in source, name


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
    assert jobs["POSTGRES_ROLE"] == "dagster_user"
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


def told(item: Declared) -> dict[str, Any]:
    (only,) = item.inputs["template"]["containers"]
    return {one["name"]: one.get("value") for one in only["env"]}


def test_the_job_that_makes_roles_is_the_only_one_that_acts_as_an_administrator(
    graphs: Graphs,
) -> None:
    jobs = {"prod": {"newsapi-db-role": "role"}}
    jobs["passwords"] = {**jobs["prod"], "newsapi-db-rotate": "rotate"}
    for variant, expected in jobs.items():
        graph = graphs(variant)
        acting = {
            item.logical: item
            for kind in ("app:ContainerApp", "app:Job")
            for item in graph.all(kind)
            if any("administration-id" in one for one in _identities(item))
        }
        assert acting.keys() == expected.keys()
        for name, command in expected.items():
            settings = job(graph, name)
            assert settings["configuration"]["triggerType"] == "Manual"
            assert not settings["configuration"]["secrets"]
            (only,) = settings["template"]["containers"]
            assert only["args"] == ["newsapi", "db", command]
            assert only["image"].endswith(DIGEST)
            assert told(acting[name])["POSTGRES_ADMIN_USER"] == "newsapi-prod-administration-id"
            assert told(acting[name])["POSTGRES_ADMIN_AUTH"] == "entra"


def test_the_rotation_is_tried_again_as_its_notice_comes_once(graphs: Graphs) -> None:
    graph = graphs("passwords")
    retries = {
        item.logical: item.inputs["configuration"]["replicaRetryLimit"]
        for item in graph.all("app:Job")
    }
    assert retries.pop("newsapi-db-rotate") == 3
    # A person or a release starts the others, or they come again by themselves.
    assert set(retries.values()) == {0}


def test_no_container_has_a_variable_or_a_secret_twice(graph: Graph) -> None:
    """The platform takes it, and then makes no revision, without a word."""
    for kind in ("app:ContainerApp", "app:Job"):
        for item in graph.all(kind):
            (only,) = item.inputs["template"]["containers"]
            for given in (only["env"], item.inputs["configuration"].get("secrets", [])):
                named = [one["name"] for one in given]
                assert len(named) == len(set(named)), item.logical


def _identities(item: Declared) -> list[str]:
    found: list[str] = item.inputs["identity"]["userAssignedIdentities"]
    return found


def test_the_job_that_makes_roles_lets_in_the_identities_that_log_in_and_nobody_else(
    graphs: Graphs,
) -> None:
    graph = graphs("everything")
    let_in = told(graph.one("app:Job", "newsapi-db-role"))
    owners, readers = (
        dict(one.split("=") for one in let_in[name].split(" "))
        for name in ("POSTGRES_ROLE_LOGINS", "NEWS_READER_LOGINS")
    )
    assert readers.pop("newsapi-readers") == "33333333-3333-3333-3333-333333333333:group"
    for names, role in ((owners, "dagster_user"), (readers, None)):
        acting = {
            settings["POSTGRES_USER"]
            for kind in ("app:ContainerApp", "app:Job")
            for item in graph.all(kind)
            if "POSTGRES_USER" in (settings := told(item))
            and settings.get("POSTGRES_ROLE") == role
            and item.logical != "newsapi-db-role"
        }
        assert names.keys() == acting
        for name, principal in names.items():
            assert name in graph.expressions[principal]
            assert graph.expressions[principal].endswith(".principalId")


def test_identities_log_in_to_the_database_without_a_password(graphs: Graphs) -> None:
    graph = graphs("prod")
    clients = {
        item.id.rsplit("/", 1)[-1]: item.id
        for item in graph.all("managedidentity:UserAssignedIdentity")
    }
    for kind in ("app:ContainerApp", "app:Job"):
        for item in graph.all(kind):
            assert "POSTGRES_PASSWORD" not in str(item.inputs)
            settings = told(item)
            if "USE_POSTGRES" in settings:
                assert settings["POSTGRES_AUTH"] == "entra"
                assert _identities(item) == [clients[settings["POSTGRES_USER"]]]
                client = graph.expressions[settings["AZURE_CLIENT_ID"]]
                assert settings["POSTGRES_USER"] in client


def test_a_password_that_was_chosen_is_asked_for_in_the_vault_and_is_no_variable(
    graphs: Graphs,
) -> None:
    graph = graphs("passwords")
    name = graph.one("keyvault:Vault").id.rsplit("/", 1)[-1]
    for kind in ("app:ContainerApp", "app:Job"):
        for item in graph.all(kind):
            assert "POSTGRES_PASSWORD" not in str(item.inputs).replace("POSTGRES_PASSWORD_URL", "")
            settings = told(item)
            if "USE_POSTGRES" in settings and item.logical != "news-api":
                assert settings["POSTGRES_PASSWORD_URL"] == (
                    f"https://{name}.vault.azure.net/secrets/newsapi-postgres-credentials"
                )
                assert settings["POSTGRES_USER"] == "dagster_user"
    news = told(graph.one("app:ContainerApp", "news-api"))
    assert (news["POSTGRES_AUTH"], news["POSTGRES_USER"]) == ("entra", "newsapi-prod-news-id")


def test_the_news_api_reads_as_a_reader_from_the_replica_and_holds_no_secret(
    graphs: Graphs,
) -> None:
    graph = graphs("prod")
    settings = told(graph.one("app:ContainerApp", "news-api"))
    assert settings["POSTGRES_READ_HOST"].startswith("newsapi-prod-pg-read-dnt1.")
    assert settings["POSTGRES_HOST"].startswith("newsapi-prod-pg-dnt1.")
    assert "POSTGRES_ROLE" not in settings
    assert not [one for one in container(graph, "news-api")["env"] if "secretRef" in one]
    names = [one["name"] for one in app(graph, "news-api")["configuration"]["secrets"]]
    assert names == ["entra-client-secret"]
    alone = told(graphs("passwords").one("app:ContainerApp", "news-api"))
    assert not [name for name in alone if name.startswith("REDIS_")]
    dev = told(graphs("dev").one("app:ContainerApp", "news-api"))
    assert "POSTGRES_READ_HOST" not in dev


def test_the_news_api_has_one_to_ten_replicas_by_requests_under_way(prod: Graph) -> None:
    news = app(prod, "news-api")
    scale = news["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (1, 10)
    (rule,) = scale["rules"]
    assert rule["http"]["metadata"] == {"concurrentRequests": "20"}
    ingress = news["configuration"]["ingress"]
    assert (ingress["targetPort"], ingress["allowInsecure"]) == (8060, False)
    assert ingress["stickySessions"] == {"affinity": "none"}


def test_the_news_api_answers_to_its_public_name_and_to_the_gateways(graphs: Graphs) -> None:
    for variant, public in (
        ("prod", "https://news.example.com"),
        ("dev", f"https://news-api.{graphs('dev').outputs['environmentDomain']}"),
    ):
        graph = graphs(variant)
        args = container(graph, "news-api")["args"]
        assert args[:2] == ["newsapi", "serve"]
        assert args[args.index("--port") + 1] == "8060"
        inside = f"news-api.{graph.outputs['environmentDomain']}"
        assert args[args.index("--allow-host") + 1] == inside
        settings = told(graph.one("app:ContainerApp", "news-api"))
        assert settings["SERVE_PUBLIC_URL"] == graph.outputs["newsUrl"] == public
        assert told(graph.one("app:ContainerApp", "dagster-daemon"))["READING_URL"] == public
        # Behind Entra, and only there.
        assert settings["SERVE_WITHOUT_KEYS"] == "true"
        assert graph.outputs["newsLoginRedirect"] == f"{public}/.auth/login/aad/callback"


def test_the_news_api_is_ready_by_its_health_and_isnt_restarted_with_the_database(
    prod: Graph,
) -> None:
    probes = {item["type"]: item for item in container(prod, "news-api")["probes"]}
    asked = probes["Readiness"]["httpGet"]
    assert (asked["path"], asked["port"]) == ("/health", 8060)
    for kind in ("Startup", "Liveness"):
        assert probes[kind]["tcpSocket"] == {"port": 8060}
        assert "httpGet" not in probes[kind]


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
