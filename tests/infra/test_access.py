"""Roles, private access, and how the UI is entered."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from newsapi_infra import names
from newsapi_infra.identity.roles import (
    BLOB_CONTRIBUTOR,
    DEPLOY_ACTIONS,
    IMAGE_DELETE,
    IMAGE_PULL,
    IMAGE_PUSH,
    LAUNCH_ACTIONS,
    METRICS_PUBLISHER,
    PREVIEW_ACTIONS,
    ROTATION_ACTIONS,
    SECRETS_OFFICER,
    SECRETS_USER,
    SUBSCRIPTION_PREVIEW_ACTIONS,
    UPKEEP_ACTIONS,
)
from newsapi_infra.monitoring import notifications
from newsapi_infra.offline.arm import beyond_the_group
from newsapi_infra.offline.graph import Graph

Graphs = Callable[[str], Graph]


def grants(graph: Graph, identity: str) -> set[tuple[str, str]]:
    """What an identity may do: role's GUID or id, and the resource."""
    by_principal = {
        value: expression
        for value, expression in graph.expressions.items()
        if identity in expression
    }
    return {
        (
            item.inputs["roleDefinitionId"].rsplit("/", 1)[-1],
            item.inputs["scope"].rsplit("/", 1)[-1],
        )
        for item in graph.all("authorization:RoleAssignment")
        if item.inputs["principalId"] in by_principal
    }


ALERTING = {
    (SECRETS_USER.guid, names.EMAIL_SECRET),
    (SECRETS_USER.guid, names.SLACK_SECRET),
    (SECRETS_USER.guid, names.PAGERDUTY_SECRET),
}
PULLING = {(IMAGE_PULL.guid, "newsapiprodcrdnt1")}
PASSWORD = (SECRETS_USER.guid, names.POSTGRES_SECRET)


def test_the_apps_may_do_what_they_need_and_no_more(graphs: Graphs) -> None:
    allowed = {
        (SECRETS_USER.guid, names.NEWSAPI_KEY_SECRET),
        (SECRETS_USER.guid, names.ENTRA_SECRET),
        (SECRETS_USER.guid, names.DIGEST_SLACK_SECRET),
        (BLOB_CONTRIBUTOR.guid, "exports"),
        (BLOB_CONTRIBUTOR.guid, "raw-archive"),
        (METRICS_PUBLISHER.guid, "newsapi-prod-insights"),
        *ALERTING,
        *PULLING,
    }
    assert grants(graphs("prod"), "newsapi-prod-apps-id") == allowed
    assert grants(graphs("passwords"), "newsapi-prod-apps-id") == allowed | {PASSWORD}


def test_the_jobs_beside_the_apps_reach_the_database_and_operators_only(graphs: Graphs) -> None:
    assert grants(graphs("prod"), "newsapi-prod-jobs-id") == ALERTING | PULLING
    assert grants(graphs("passwords"), "newsapi-prod-jobs-id") == ALERTING | PULLING | {PASSWORD}


def test_the_news_api_may_read_what_its_login_needs_and_nothing_else(prod: Graph) -> None:
    assert grants(prod, "newsapi-prod-news-id") == {
        (SECRETS_USER.guid, names.ENTRA_SECRET),
        *PULLING,
    }


def test_the_administration_reads_no_secret_but_a_password_that_it_changes(
    graphs: Graphs,
) -> None:
    assert grants(graphs("prod"), "newsapi-prod-administration-id") == PULLING
    assert grants(graphs("passwords"), "newsapi-prod-administration-id") == {
        (SECRETS_OFFICER.guid, names.POSTGRES_SECRET),
        PASSWORD,
        *PULLING,
    }


def test_the_gateway_reads_its_certificate_and_nothing_else(prod: Graph) -> None:
    assert grants(prod, "newsapi-prod-gateway-id") == {
        (SECRETS_USER.guid, names.CERTIFICATE_SECRET)
    }


def test_deployments_push_images_and_change_apps_only(graphs: Graphs) -> None:
    graph = graphs("everything")
    custom = {
        item.id.rsplit("/", 1)[-1]: item.inputs["permissions"][0]["actions"]
        for item in graph.all("authorization:RoleDefinition")
    }
    granted = grants(graph, "newsapi-prod-deployment-id")
    pushing = (IMAGE_PUSH.guid, "newsapiprodcrdnt1")
    assert pushing in granted
    (deploying,) = granted - {pushing}
    assert custom[deploying[0]] == list(DEPLOY_ACTIONS)
    credential = graph.one(
        "managedidentity:FederatedIdentityCredential", "identity-deployment-github"
    )
    assert credential.inputs["subject"] == "repo:example/newsapi-dentsu:environment:prod"


def test_what_nobody_approves_deletes_old_images_and_deploys_none(graphs: Graphs) -> None:
    graph = graphs("everything")
    granted = grants(graph, "newsapi-prod-upkeep-id")
    of_images = {(IMAGE_PULL.guid, "newsapiprodcrdnt1"), (IMAGE_DELETE.guid, "newsapiprodcrdnt1")}
    assert of_images <= granted
    ((role, scope),) = granted - of_images
    assert scope == "newsapi-rg"
    (actions,) = [
        item.inputs["permissions"][0]["actions"]
        for item in graph.all("authorization:RoleDefinition")
        if item.id.endswith(role)
    ]
    assert actions == list(UPKEEP_ACTIONS)
    assert all(action.endswith("/read") for action in actions)
    credential = graph.one("managedidentity:FederatedIdentityCredential", "identity-upkeep-github")
    assert credential.inputs["subject"] == "repo:example/newsapi-dentsu:environment:prod-upkeep"


def test_previews_of_pull_requests_look_and_change_nothing(graphs: Graphs) -> None:
    graph = graphs("everything")
    allowed = {
        scope: actions
        for role, scope in grants(graph, "newsapi-prod-preview-id")
        for item in graph.all("authorization:RoleDefinition")
        if item.id.endswith(role)
        for actions in [tuple(item.inputs["permissions"][0]["actions"])]
    }
    subscription = graph.config["azure-native:subscriptionId"]
    assert allowed == {"newsapi-rg": PREVIEW_ACTIONS, subscription: SUBSCRIPTION_PREVIEW_ACTIONS}
    # A search for drift reads each resource, those beyond the group as well.
    beyond = {
        f"{item.arm_name}/read"
        for item in graph.resources
        if beyond_the_group(item, graph) and item.logical != "group"
    }
    assert beyond == set(SUBSCRIPTION_PREVIEW_ACTIONS)
    credential = graph.one("managedidentity:FederatedIdentityCredential", "identity-preview-github")
    assert credential.inputs["subject"] == "repo:example/newsapi-dentsu:environment:prod-preview"


def test_previews_may_ask_what_the_program_asks_azure_while_it_is_read(graphs: Graphs) -> None:
    """What is asked at preview is a call of the SDK, not a resource."""
    source = Path(notifications.__file__).parents[1]
    asked = {
        name
        for path in source.rglob("*.py")
        if "offline" not in path.parts
        for name in re.findall(r"\.(list_\w+_output|get_\w+_output)\(", path.read_text("utf-8"))
    }
    assert asked == {"list_workflow_trigger_callback_url_output"}
    assert "Microsoft.Logic/workflows/triggers/listCallbackUrl/action" in PREVIEW_ACTIONS


def test_jobs_are_started_with_a_role_of_their_own_only_when_configured(graphs: Graphs) -> None:
    assert not graphs("prod").all("authorization:RoleDefinition")
    made = [item.logical for item in graphs("passwords").all("authorization:RoleDefinition")]
    assert made == ["role-start-rotation"]
    roles = graphs("everything").all("authorization:RoleDefinition")
    assert {tuple(item.inputs["permissions"][0]["actions"]) for item in roles} == {
        LAUNCH_ACTIONS,
        DEPLOY_ACTIONS,
        PREVIEW_ACTIONS,
        SUBSCRIPTION_PREVIEW_ACTIONS,
        UPKEEP_ACTIONS,
    }
    for item in roles:
        assert not [a for a in item.inputs["permissions"][0]["actions"] if a.endswith("*")]
        writing = [a for a in item.inputs["permissions"][0]["actions"] if a.startswith("*")]
        assert writing in ([], ["*/read"])
        assert item.inputs["assignableScopes"] == [item.inputs["scope"]]
        if item.logical != "role-preview-subscription":
            assert item.inputs["scope"].endswith("/resourceGroups/newsapi-rg")


def test_no_role_reaches_beyond_one_resource_but_custom_ones(graph: Graph) -> None:
    custom = {item.id for item in graph.all("authorization:RoleDefinition")}
    for item in graph.all("authorization:RoleAssignment"):
        role = item.inputs["roleDefinitionId"]
        if role not in custom:
            assert "/providers/" in item.inputs["scope"], item.logical
        group = item.logical in ("grant-secrets-officers", "grant-data-scientists")
        assert item.inputs["principalType"] == ("Group" if group else "ServicePrincipal")


def test_people_may_set_secrets_only_where_a_group_is_named(graphs: Graphs) -> None:
    graph = graphs("everything")
    grant = graph.one("authorization:RoleAssignment", "grant-secrets-officers").inputs
    assert grant["principalId"] == "22222222-2222-2222-2222-222222222222"
    assert grant["roleDefinitionId"].endswith(SECRETS_OFFICER.guid)
    assert grant["scope"] == graph.one("keyvault:Vault").id
    writing = [
        item.logical
        for item in graphs("passwords").all("authorization:RoleAssignment")
        if item.inputs["roleDefinitionId"].endswith(SECRETS_OFFICER.guid)
    ]
    # The job that changes the database's password, and that secret only.
    assert writing == ["grant-rotation"]


def test_the_notice_of_a_secret_that_expires_starts_the_rotation_and_nothing_else(
    graphs: Graphs,
) -> None:
    graph = graphs("passwords")
    group = graph.one("monitor:ActionGroup", "notify-rotate")
    subscription = graph.one("eventgrid:SystemTopicEventSubscription").inputs
    assert group.id in subscription["destination"]["actionGroups"]
    (receiver,) = group.inputs["logicAppReceivers"]
    workflow = graph.one("logic:Workflow", "rotation")
    assert receiver["resourceId"] == workflow.id
    job = graph.one("app:Job", "newsapi-db-rotate")
    assert workflow.inputs["parameters"]["job"]["value"] == job.id
    start = workflow.inputs["definition"]["actions"]["start"]["inputs"]
    assert start["uri"] == (
        "@concat('https://management.azure.com', parameters('job'), "
        f"'/start?api-version={notifications.JOBS_API}')"
    )
    (identity,) = workflow.inputs["identity"]["userAssignedIdentities"]
    assert workflow.inputs["parameters"]["identity"]["value"] == identity
    assert identity.endswith("/newsapi-prod-rotation-id")
    ((role, scope),) = grants(graph, "newsapi-prod-rotation-id")
    assert scope == "newsapi-db-rotate"
    (definition,) = [
        item for item in graph.all("authorization:RoleDefinition") if item.id.endswith(role)
    ]
    assert definition.inputs["permissions"][0]["actions"] == list(ROTATION_ACTIONS)


def test_an_app_starts_after_its_roles_and_the_database(prod: Graph) -> None:
    for app in prod.all("app:ContainerApp"):
        waits = " ".join(app.depends_on)
        for needed in (
            "grant-apps-newsapi-api-key",
            "grant-apps-pull",
            "grant-news-newsapi-entra-client-secret",
            "grant-news-pull",
            "cache-access-news",
            "endpoint-dns-cache",
            "endpoint-dns-vault",
            "::database",
            "grant-apps-exports",
        ):
            assert needed in waits, (app.logical, needed)


def test_data_is_reached_privately_only(graph: Graph) -> None:
    for item in graph.all("keyvault:Vault"):
        vault = item.inputs["properties"]
        assert vault["publicNetworkAccess"] == "Disabled"
        assert vault["networkAcls"]["defaultAction"] == "Deny"
        assert vault["enableRbacAuthorization"] is True
        assert vault["enablePurgeProtection"] is True
    for item in graph.all("storage:StorageAccount"):
        account = item.inputs
        assert account["publicNetworkAccess"] == "Disabled"
        assert account["allowSharedKeyAccess"] is False
        assert account["allowBlobPublicAccess"] is False
    for item in graph.all("dbforpostgresql:Server"):
        place = item.inputs["network"]
        assert place["publicNetworkAccess"] == "Disabled"
        assert place["delegatedSubnetResourceId"].endswith("/subnets/database")
    assert not graph.all("dbforpostgresql:FirewallRule")
    targets = {
        connection["privateLinkServiceId"]
        for item in graph.all("network:PrivateEndpoint")
        for connection in item.inputs["privateLinkServiceConnections"]
    }
    assert graph.one("keyvault:Vault", "vault").id in targets
    assert graph.one("storage:StorageAccount", "storage").id in targets


def test_the_registry_knows_no_password(graph: Graph) -> None:
    made = graph.all("containerregistry:Registry")
    assert len(made) == (0 if graph.config.get("newsapi-infra:registryId") else 1)
    for registry in made:
        assert registry.inputs["adminUserEnabled"] is False
        assert registry.inputs["anonymousPullEnabled"] is False


def test_the_environment_is_internal_behind_a_gateway(graph: Graph) -> None:
    environment = graph.one("app:ManagedEnvironment").inputs
    internal = graph.config["newsapi-infra:uiAccess"] != "restricted"
    assert environment["vnetConfiguration"]["internal"] is internal
    assert environment["workloadProfiles"]
    assert environment["appLogsConfiguration"] == {"destination": "azure-monitor"}


def test_the_ui_asks_for_a_login_but_lets_the_probe_pass(stack_graph: Graph) -> None:
    logins = stack_graph.all("app:ContainerAppsAuthConfig")
    open_paths = {"dagster-webserver": ["/server_info"], "news-api": ["/health"]}
    assert {item.inputs["containerAppName"] for item in logins} == open_paths.keys()
    entered = [
        item.logical
        for item in stack_graph.all("app:ContainerApp")
        if item.inputs["configuration"].get("ingress")
    ]
    assert set(entered) == open_paths.keys(), "each app that can be reached has a login"
    for item in logins:
        auth = item.inputs
        assert auth["platform"] == {"enabled": True}
        validation = auth["globalValidation"]
        assert validation["unauthenticatedClientAction"] == "RedirectToLoginPage"
        assert validation["excludedPaths"] == open_paths[auth["containerAppName"]]
        assert auth["httpSettings"]["requireHttps"] is True


def test_the_login_leads_back_to_the_gateways_name(prod: Graph) -> None:
    for item in prod.all("app:ContainerAppsAuthConfig"):
        assert item.inputs["httpSettings"]["forwardProxy"] == {
            "convention": "Custom",
            "customHostHeaderName": "X-Original-Host",
            "customProtoHeaderName": "X-Forwarded-Proto",
        }


def test_the_gateway_speaks_tls_12_and_has_a_firewall(prod: Graph) -> None:
    gateway = prod.one("network:ApplicationGateway").inputs
    assert gateway["sku"] == {"name": "WAF_v2", "tier": "WAF_v2"}
    assert gateway["sslPolicy"]["policyName"] == "AppGwSslPolicy20220101S"
    policy = prod.one("network:WebApplicationFirewallPolicy")
    assert gateway["firewallPolicy"]["id"] == policy.id
    (certificate,) = gateway["sslCertificates"]
    assert certificate["keyVaultSecretId"].endswith("/secrets/newsapi-ui-certificate")


def test_the_gateway_asks_the_right_host_and_waits_for_the_ui(prod: Graph) -> None:
    gateway = prod.one("network:ApplicationGateway").inputs
    asked = {probe["name"]: probe for probe in gateway["probes"]}
    assert {name: probe["path"] for name, probe in asked.items()} == {
        "server-info": "/server_info",
        "news-health": "/health",
    }
    for probe in asked.values():
        assert probe["protocol"] == "Https"
        assert probe["pickHostNameFromBackendHttpSettings"] is True
        assert probe["match"] == {"statusCodes": ["200"]}
    backends = {item["name"]: item for item in gateway["backendHttpSettingsCollection"]}
    for backend in backends.values():
        assert backend["pickHostNameFromBackendAddress"] is True
        assert (backend["protocol"], backend["port"]) == ("Https", 443)
        assert backend["requestTimeout"] == 240
    assert backends["dagster-webserver"]["probe"]["id"].endswith("/probes/server-info")
    assert backends["news-api"]["probe"]["id"].endswith("/probes/news-health")


def test_each_name_leads_to_its_app_by_https_only(prod: Graph) -> None:
    gateway = prod.one("network:ApplicationGateway").inputs
    part = {
        f"{kind}/{item['name']}": item
        for kind, items in gateway.items()
        if isinstance(items, list)
        for item in items
        if isinstance(item, dict)
    }

    def of(reference: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = part["/".join(reference["id"].split("/")[-2:])]
        return found

    led: dict[tuple[str, str], str] = {}
    for rule in gateway["requestRoutingRules"]:
        listener = of(rule["httpListener"])
        called = (listener["protocol"], listener["hostName"])
        if "redirectConfiguration" in rule:
            target = of(of(rule["redirectConfiguration"])["targetListener"])
            led[called] = f"{target['protocol']} {target['hostName']}"
        else:
            (address,) = of(rule["backendAddressPool"])["backendAddresses"]
            led[called] = address["fqdn"].partition(".")[0]
    assert led == {
        ("Https", "dagster.example.com"): "dagster-webserver",
        ("Http", "dagster.example.com"): "Https dagster.example.com",
        ("Https", "news.example.com"): "news-api",
        ("Http", "news.example.com"): "Https news.example.com",
    }
    priorities = [rule["priority"] for rule in gateway["requestRoutingRules"]]
    assert len(priorities) == len(set(priorities))


def test_the_cache_knows_no_keys_and_lets_in_the_news_api_only(prod: Graph) -> None:
    database = prod.one("redisenterprise:Database").inputs
    assert database["accessKeysAuthentication"] == "Disabled"
    assert (database["clientProtocol"], database["port"]) == ("Encrypted", 10000)
    assert database["clusteringPolicy"] == "EnterpriseCluster", "the client knows no shards"
    cluster = prod.one("redisenterprise:RedisEnterprise").inputs
    assert cluster["publicNetworkAccess"] == "Disabled"
    let_in = prod.one("redisenterprise:AccessPolicyAssignment").inputs["user"]["objectId"]
    assert "newsapi-prod-news-id" in prod.expressions[let_in]
    (endpoint,) = [
        item
        for item in prod.all("network:PrivateEndpoint")
        if item.inputs["privateLinkServiceConnections"][0]["groupIds"] == ["redisEnterprise"]
    ]
    (connection,) = endpoint.inputs["privateLinkServiceConnections"]
    assert connection["privateLinkServiceId"] == prod.one("redisenterprise:RedisEnterprise").id
    zone = prod.one("privatedns:PrivateZone", "zone-cache").inputs["privateZoneName"]
    told = variables(prod, "news-api")
    assert zone == "privatelink.redis.azure.net"
    assert told["REDIS_URL"] == (
        f"rediss://newsapi-prod-redis-dnt1.eastus.{zone.removeprefix('privatelink.')}:10000"
    )
    assert told["REDIS_AUTH"] == "entra"


def variables(graph: Graph, app: str) -> dict[str, Any]:
    (only,) = graph.one("app:ContainerApp", app).inputs["template"]["containers"]
    return {item["name"]: item.get("value") for item in only["env"]}


def test_parts_of_the_gateway_refer_to_parts_that_exist(prod: Graph) -> None:
    gateway = prod.one("network:ApplicationGateway")
    existing = {
        f"{gateway.id}/{kind}/{part['name']}"
        for kind, parts in gateway.inputs.items()
        if isinstance(parts, list)
        for part in parts
        if isinstance(part, dict)
    }
    text = str(gateway.inputs)
    for reference in re.findall(rf"{re.escape(gateway.id)}/[\w/-]+", text):
        assert reference in existing, reference


TAKEN = yaml.safe_load((Path(__file__).parent / "taken_users.yaml").read_text("utf-8"))


def test_the_jump_hosts_user_is_a_name_that_the_machine_can_make(graphs: Graphs) -> None:
    profile = graphs("everything").one("compute:VirtualMachine").inputs["osProfile"]
    user = profile["adminUsername"]
    assert re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", user)
    assert user not in " ".join(TAKEN.values()).split()
    (key,) = profile["linuxConfiguration"]["ssh"]["publicKeys"]
    assert key["path"] == f"/home/{user}/.ssh/authorized_keys"


def test_the_firewall_starts_by_writing_down_and_leaves_the_uis_own_texts_alone(
    graphs: Graphs,
) -> None:
    policy = graphs("prod").one("network:WebApplicationFirewallPolicy").inputs
    assert policy["policySettings"]["mode"] == "Detection"
    assert policy["policySettings"]["state"] == "Enabled"
    excluded = {
        (item["matchVariable"], item["selectorMatchOperator"], item["selector"])
        for item in policy["managedRules"]["exclusions"]
    }
    names = ("code", "id_token", "state", "query", "operationName")
    assert {("RequestArgNames", "Equals", name) for name in names} <= excluded
    assert ("RequestArgNames", "StartsWith", "variables") in excluded
    prevention = graphs("everything").one("network:WebApplicationFirewallPolicy").inputs
    assert prevention["policySettings"]["mode"] == "Prevention"
