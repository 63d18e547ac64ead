"""The database, the storage account, the vault's secrets, the registry."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from newsapi_infra.offline.graph import Declared, Graph, build_graph

Graphs = Callable[[str], Graph]


def test_the_production_database_is_the_designed_one(prod: Graph) -> None:
    server = prod.one("dbforpostgresql:Server", "database-server").inputs
    assert server["sku"] == {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"}
    assert server["storage"]["storageSizeGB"] == 128
    assert server["storage"]["autoGrow"] == "Enabled"
    assert server["highAvailability"] == {
        "mode": "ZoneRedundant",
        "standbyAvailabilityZone": "2",
    }
    assert server["backup"] == {"backupRetentionDays": 7, "geoRedundantBackup": "Enabled"}
    assert prod.one("dbforpostgresql:Database").inputs["databaseName"] == "newsapi_db"


def test_new_servers_take_identities_only_and_passwords_where_they_were_chosen(
    graphs: Graphs,
) -> None:
    for variant, taken in (("prod", "Disabled"), ("passwords", "Enabled")):
        for item in graphs(variant).all("dbforpostgresql:Server"):
            assert item.inputs["authConfig"]["activeDirectoryAuth"] == "Enabled"
            assert item.inputs["authConfig"]["passwordAuth"] == taken
    server = graphs("prod").one("dbforpostgresql:Server", "database-server").inputs
    assert not [name for name in server if name.startswith("administratorLogin")]
    kept = {item.inputs["secretName"] for item in graphs("prod").all("keyvault:Secret")}
    assert not [name for name in kept if "postgres" in name], "there is no password to keep"
    server = graphs("passwords").one("dbforpostgresql:Server", "database-server").inputs
    assert server["administratorLogin"] == "newsapi_admin"


def test_a_group_and_the_identity_of_a_job_administer_the_server(prod: Graph) -> None:
    people, identity = prod.all("dbforpostgresql:AdministratorsMicrosoftEntra")
    assert people.inputs["principalType"] == "Group"
    assert identity.inputs["principalType"] == "ServicePrincipal"
    assert identity.inputs["principalName"] == "newsapi-prod-administration-id"
    # The server takes one change at a time.
    assert [urn for urn in identity.depends_on if urn.endswith("::database-admins")]


def test_the_read_replica_can_follow_and_lies_beside_its_source(graphs: Graphs) -> None:
    graph = graphs("prod")
    source = graph.one("dbforpostgresql:Server", "database-server")
    replica = graph.one("dbforpostgresql:Server", "database-read-replica")
    assert replica.inputs["createMode"] == "Replica"
    assert replica.inputs["sourceServerResourceId"] == source.id
    for part in ("sku", "storage", "network", "authConfig"):
        assert replica.inputs[part] == source.inputs[part], part
    assert "highAvailability" not in replica.inputs
    assert "backup" not in replica.inputs
    parameters = {item.urn for item in graph.all("dbforpostgresql:Configuration")}
    assert parameters
    late = parameters - made_before(graph, replica)
    assert not late, "parameters of a source that is followed need a restart"
    assert not replica.protected, "it holds nothing of its own"
    for stack in ("dev", "dr"):
        assert len(graphs(stack).all("dbforpostgresql:Server")) == 1


def test_raising_the_storage_is_one_setting(graphs: Graphs) -> None:
    server = graphs("everything").one("dbforpostgresql:Server", "database-server")
    assert not [path for path in server.ignored if path.startswith("storage")]
    assert server.inputs["storage"]["storageSizeGB"] == 256
    (container,) = (
        graphs("everything")
        .one("app:ContainerApp", "dagster-daemon")
        .inputs["template"]["containers"]
    )
    told = {item["name"]: item.get("value") for item in container["env"]}
    assert told["DATABASE_SIZE_GB"] == "256"


def test_the_recovery_server_is_restored_from_production(graphs: Graphs) -> None:
    server = graphs("dr").one("dbforpostgresql:Server", "database-server").inputs
    assert server["createMode"] == "GeoRestore"
    assert (
        server["sourceServerResourceId"]
        == graphs("prod").one("dbforpostgresql:Server", "database-server").id
    )
    assert server["pointInTimeUTC"]
    # West US has no zones.
    assert server["highAvailability"]["mode"] == "Disabled"
    assert not server.get("availabilityZone")


def follows(graph: Graph) -> bool:
    """Whether the stack's server is a replica of another region's."""
    return bool(
        graph.one("dbforpostgresql:Server", "database-server").inputs["createMode"] == "Replica"
    )


def test_the_database_insists_on_tls(graph: Graph) -> None:
    if follows(graph):
        pytest.skip("a replica has its primary's parameters")
    values = {
        item.inputs["configurationName"]: item.inputs["value"]
        for item in graph.all("dbforpostgresql:Configuration")
    }
    assert values["require_secure_transport"] == "on"
    assert values["ssl_min_protocol_version"] == "TLSv1.2"


def test_parameters_are_set_one_after_another(graph: Graph) -> None:
    if follows(graph):
        pytest.skip("a replica has its primary's parameters")
    parameters = graph.all("dbforpostgresql:Configuration")
    earlier = {
        item.logical: [urn.rsplit("::", 1)[-1] for urn in item.depends_on] for item in parameters
    }
    followers = [
        name
        for name, waits in earlier.items()
        if any(wait.startswith("parameter-") for wait in waits)
    ]
    assert len(followers) == len(parameters) - 1


def rules(graph: Graph) -> dict[str, dict[str, Any]]:
    policy = graph.one("storage:ManagementPolicy").inputs["policy"]
    return {rule["name"]: rule["definition"] for rule in policy["rules"]}


def days(definition: dict[str, Any], action: str) -> object:
    after = definition["actions"]["baseBlob"].get(action)
    return after and after["daysAfterModificationGreaterThan"]


def version_days(definition: dict[str, Any], action: str) -> object:
    after = definition["actions"]["version"].get(action)
    return after and after["daysAfterCreationGreaterThan"]


def test_old_logs_and_replaced_backups_cool_down_and_are_archived(graph: Graph) -> None:
    assert days(rules(graph)["logs"], "tierToCool") == 30
    assert days(rules(graph)["logs"], "tierToArchive") == 90
    old = rules(graph)["old-exports"]
    assert old["filters"]["prefixMatch"] == ["exports/"]
    assert version_days(old, "tierToCool") == 30
    assert version_days(old, "tierToArchive") == 90
    assert "baseBlob" not in old["actions"], "the newest backups are no versions"


def test_the_lake_and_the_newest_exports_are_never_archived(graph: Graph) -> None:
    for name in ("exports", "raw-archive"):
        assert days(rules(graph)[name], "tierToCool") == 30
        assert days(rules(graph)[name], "tierToArchive") is None
        assert days(rules(graph)[name], "delete") is None
    archiving = [
        prefix
        for definition in rules(graph).values()
        if definition["actions"].get("baseBlob", {}).get("tierToArchive")
        for prefix in definition["filters"]["prefixMatch"]
    ]
    assert sorted(archiving) == ["am-", "insights-", "logs/"]


def test_no_rule_deletes_replaced_backups_before_the_archive_tier_has_them(graph: Graph) -> None:
    deleting = {
        prefix: version_days(definition, "delete")
        for definition in rules(graph).values()
        if "version" in definition["actions"]
        for prefix in definition["filters"]["prefixMatch"]
    }
    assert deleting == {"exports/": 730, "logs/": 90, "raw-archive/": 90}


def test_a_server_that_a_restore_made_can_take_the_place_of_the_stacks_own(
    graphs: Graphs,
) -> None:
    own = graphs("prod").one("dbforpostgresql:Server", "database-server").inputs["serverName"]
    assert own == "newsapi-prod-pg-dnt1"
    restored = graphs("everything").one("dbforpostgresql:Server", "database-server").inputs
    assert restored["serverName"] == "newsapi-prod-pg-dnt1-r1"


def test_the_account_has_an_archive_tier(graph: Graph) -> None:
    sku = graph.one("storage:StorageAccount", "storage").inputs["sku"]["name"]
    assert sku in ("Standard_GRS", "Standard_RAGRS")


def test_deleted_and_overwritten_blobs_can_be_had_back(graph: Graph) -> None:
    blobs = graph.one("storage:BlobServiceProperties", "blobs").inputs
    assert blobs["isVersioningEnabled"] is True
    assert blobs["deleteRetentionPolicy"] == {"enabled": True, "days": 30}
    assert blobs["containerDeleteRetentionPolicy"] == {"enabled": True, "days": 30}


def test_secrets_expire_and_somebody_hears_of_it_before(stack_graph: Graph) -> None:
    expected = date.fromisoformat(stack_graph.config["newsapi-infra:secretsExpire"])
    for secret in stack_graph.all("keyvault:Secret"):
        expires = secret.inputs["properties"]["attributes"]["expires"]
        assert datetime.fromtimestamp(expires, UTC).date() == expected
        assert [urn for urn in secret.depends_on if "vault-expiry" in urn], secret.logical
    subscription = stack_graph.one("eventgrid:SystemTopicEventSubscription").inputs
    assert "Microsoft.KeyVault.SecretNearExpiry" in subscription["filter"]["includedEventTypes"]
    groups = {item.id for item in stack_graph.all("monitor:ActionGroup")}
    assert set(subscription["destination"]["actionGroups"]) <= groups


def test_the_named_secrets_exist(stack_graph: Graph) -> None:
    secrets = {item.inputs["secretName"] for item in stack_graph.all("keyvault:Secret")}
    assert {"newsapi-api-key", "newsapi-email-credentials"} <= secrets


def test_a_password_of_the_database_is_a_secret_where_it_was_chosen(graphs: Graphs) -> None:
    kept = {item.inputs["secretName"] for item in graphs("passwords").all("keyvault:Secret")}
    assert "newsapi-postgres-credentials" in kept


def test_the_registry_keeps_to_what_its_size_can(graphs: Graphs) -> None:
    premium = graphs("prod").one("containerregistry:Registry").inputs
    assert premium["policies"]["retentionPolicy"] == {"days": 30, "status": "enabled"}
    assert graphs("prod").one("containerregistry:Replication").inputs["location"] == "westus"
    basic = graphs("dev").one("containerregistry:Registry").inputs
    assert "policies" not in basic
    assert not graphs("dev").all("containerregistry:Replication")


def test_a_secret_that_is_no_longer_declared_stays_in_the_vault(graph: Graph) -> None:
    """Pulumi deletes one by asking the vault itself, which answers nobody from outside."""
    secrets = graph.all("keyvault:Secret")
    assert secrets
    assert [item.logical for item in secrets if not item.retained] == []


def test_defender_watches_the_databases_logins(graphs: Graphs) -> None:
    deployment = graphs("prod").one("resources:Deployment").inputs
    (setting,) = deployment["properties"]["template"]["resources"]
    assert deployment["properties"]["mode"] == "Incremental"
    assert setting["type"].endswith("flexibleServers/advancedThreatProtectionSettings")
    assert setting["name"] == "newsapi-prod-pg-dnt1/Default"
    assert setting["properties"] == {"state": "Enabled"}
    for variant in ("dev", "pair-standby"):
        assert not graphs(variant).all("resources:Deployment"), variant


def made_before(graph: Graph, item: Declared) -> set[str]:
    """The urns of what a resource waits for, directly or not."""
    known = {item.urn: item for item in graph.resources}
    before: set[str] = set()
    waiting = list(item.depends_on)
    while waiting:
        urn = waiting.pop()
        if urn in known and urn not in before:
            before.add(urn)
            waiting += known[urn].depends_on
    return before


def test_a_server_is_asked_for_one_thing_at_a_time(graph: Graph) -> None:
    """Two changes at once end as ServerIsBusy."""
    server = graph.one("dbforpostgresql:Server", "database-server")
    changing = [
        item
        for item in graph.resources
        if item.id.startswith(f"{server.id}/") and "/providers/" not in item.id[len(server.id) :]
    ]
    changing += [
        item
        for item in graph.resources
        if item.inputs.get("sourceServerResourceId") == server.id
        or item.token.endswith(":Deployment")
    ]
    earlier = {item.urn: made_before(graph, item) for item in changing}
    for place, one in enumerate(changing):
        for other in changing[:place]:
            ordered = one.urn in earlier[other.urn] or other.urn in earlier[one.urn]
            assert ordered, (one.logical, other.logical)


ONCE = {"createMode", "sourceServerResourceId", "pointInTimeUTC"}
"""What the API takes at a server's creation only, so that the provider would replace it."""


def test_no_server_is_replaced_for_how_it_was_made(graph: Graph) -> None:
    for server in graph.all("dbforpostgresql:Server"):
        assert set(server.ignored) >= ONCE, server.logical


def test_a_lock_is_made_after_all_that_it_holds_and_goes_first(graph: Graph) -> None:
    """Azure deletes nothing beneath a lock, so Pulumi must delete the lock before."""
    for lock in graph.all("authorization:ManagementLockByScope"):
        before = made_before(graph, lock)
        scope = lock.inputs["scope"]
        beneath = {
            item.urn
            for item in graph.resources
            if item.id.startswith(f"{scope}/") and item.urn != lock.urn
        }
        assert beneath
        assert beneath - before == set(), lock.logical


def test_what_holds_data_is_locked_where_pulumi_protects_it(stack_graph: Graph) -> None:
    locked = {
        item.inputs["scope"]: item.inputs["level"]
        for item in stack_graph.all("authorization:ManagementLockByScope")
    }
    kinds = (
        ("dbforpostgresql:Server", "database-server"),
        ("storage:StorageAccount", None),
        ("keyvault:Vault", None),
    )
    wanted = {stack_graph.one(kind, name).id: "CanNotDelete" for kind, name in kinds}
    assert locked == ({} if stack_graph.stack == "dev" else wanted)


def test_a_restored_server_takes_the_old_ones_place_in_what_pulumi_remembers(
    graphs: Graphs,
) -> None:
    """As the runbook says: its name is replaced in the exported state, and nothing differs then."""
    runbook = (Path(__file__).parents[2] / "docs/recovery.md").read_text("utf-8")
    (sed,) = re.findall(r"sed -i\.before 's/(\S+)/(\S+)/g' state\.json", runbook)
    (new,) = re.findall(r"pulumi config set databaseServer (\S+)", runbook)
    state = json.dumps([[item.urn, item.id, item.inputs] for item in graphs("prod").resources])
    moved = json.loads(re.sub(sed[0], sed[1], state))
    restored = build_graph("prod", {"databaseServer": new})
    declared = {item.urn: item for item in restored.resources}
    assert len(moved) == len(declared)
    for urn, resource_id, inputs in moved:
        assert (resource_id, inputs) == (declared[urn].id, declared[urn].inputs), urn
