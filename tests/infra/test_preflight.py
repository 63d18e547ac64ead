"""What is looked at before anything is made, and what a command can make."""

import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from newsapi_infra.config import StackConfig
from newsapi_infra.offline.configuration import read_config
from newsapi_infra.offline.graph import Graph
from newsapi_infra.preflight import PROVIDERS, Finding, database_offer, look, make

from .test_az import ask_az, needs_az

SKU = {
    "name": "Standard_D2ds_v5",
    "supportedHaMode": ["SameZone", "ZoneRedundant"],
    "supportedZones": ["1", "2", "3"],
    "status": "Available",
}
OFFER: dict[str, Any] = {
    "zoneRedundantHaSupported": "Enabled",
    "geoBackupSupported": "Enabled",
    "supportedServerEditions": [{"name": "GeneralPurpose", "supportedServerSkus": [SKU]}],
}
"""The parts that are read of an answer of `list-skus`, as the vendor's SDK writes them."""

CALLBACKS = [f"https://{host}.example.com/.auth/login/aad/callback" for host in ("dagster", "news")]
ALWAYS_REGISTERED = {
    *("Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources"),
    # The workbook's and Application Insights' types are Microsoft.Insights in another case.
}


class Tenant:
    """A subscription and its tenant, as far as the preflight's commands reach."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self.providers: dict[str, str] = dict.fromkeys(PROVIDERS, "NotRegistered")
        self.app: dict[str, Any] | None = {"web": {"redirectUris": ["https://old.example.com"]}}
        self.principal: dict[str, Any] | None = None
        self.offer = [copy.deepcopy(OFFER)]
        self.budgets: list[dict[str, str]] | None = [{"name": f"newsapi-{config.stack}-budget"}]
        self.server: dict[str, str] | None = None
        self.asked: list[str] = []

    def __call__(self, *words: str) -> Any:
        self.asked.append(" ".join(words))
        command = " ".join(word for word in words[:3] if not word.startswith("-"))
        options = (
            words[words.index(next(w for w in words if w.startswith("-"))) :]
            if any(word.startswith("-") for word in words)
            else ()
        )
        match command.split():
            case ["account", "show"]:
                return {"id": self.config.subscription_id}
            case ["postgres", "flexible-server", "show"]:
                return self.server
            case ["postgres", *_]:
                return self.offer
            case ["consumption", "budget", "list"]:
                return self.budgets
            case ["provider", "show"]:
                return {"registrationState": self.providers[words[3]]}
            case ["provider", "register"]:
                self.providers[words[3]] = "Registered"
            case ["ad", "group", "show"]:
                return {"id": words[-1]}
            case ["ad", "app", "show"]:
                return self.app
            case ["ad", "app", "create"]:
                self.app = {"web": {}}
            case ["ad", "app", "update"]:
                assert self.app is not None
                if "--web-redirect-uris" in options:
                    # As the real one: what isn't named again is gone.
                    self.app["web"]["redirectUris"] = list(
                        options[options.index("--web-redirect-uris") + 1 :]
                    )
                if "--identifier-uris" in options:
                    self.app["identifierUris"] = list(options)[-1:]
                if "--enable-id-token-issuance" in options:
                    self.app["web"]["implicitGrantSettings"] = {"enableIdTokenIssuance": True}
            case ["ad", "sp", "show"]:
                return self.principal
            case ["ad", "sp", "create"]:
                self.principal = {"appRoleAssignmentRequired": False}
            case ["ad", "sp", "update"]:
                self.principal = {"appRoleAssignmentRequired": True}
            case other:
                raise AssertionError(other)
        return {}


@pytest.fixture
def config() -> StackConfig:
    in_time = datetime.now(UTC).date() + timedelta(days=90)
    return replace(read_config("prod"), secrets_expire=in_time)


@pytest.fixture
def tenant(config: StackConfig) -> Tenant:
    return Tenant(config)


def problems(found: list[Finding]) -> dict[str, str]:
    return {finding.what: finding.problem for finding in found if finding.problem}


def test_what_is_missing_is_made_and_then_nothing_is(config: StackConfig, tenant: Tenant) -> None:
    assert problems(list(look(config, tenant)))
    for _ in range(2):  # The enterprise application comes before what is set on it.
        list(make(list(look(config, tenant)), tenant))
    assert problems(list(look(config, tenant))) == {}
    assert tenant.app is not None
    # The redirect address of somebody else stays.
    assert tenant.app["web"]["redirectUris"] == ["https://old.example.com", *CALLBACKS]
    assert tenant.app["identifierUris"] == [f"api://{config.entra_client_id}"]
    assert tenant.principal == {"appRoleAssignmentRequired": True}


def test_looking_changes_nothing(config: StackConfig, tenant: Tenant) -> None:
    list(look(config, tenant))
    verbs = {words.split(" -")[0].split()[-1] for words in tenant.asked}
    assert verbs <= {"show", "list-skus", "list"}


@pytest.mark.parametrize("budgets", [None, [], [{"name": "somebodys-budget"}]])
def test_a_budget_that_would_start_too_early_is_told_unless_it_is_there(
    config: StackConfig, tenant: Tenant, budgets: list[dict[str, str]] | None
) -> None:
    early = replace(config, budget_start=date(2026, 1, 1))
    what = "start of the budget"
    assert what not in problems(list(look(early, tenant)))
    tenant.budgets = budgets
    assert what in problems(list(look(early, tenant)))
    this_month = datetime.now(UTC).date().replace(day=1)
    assert what not in problems(list(look(replace(config, budget_start=this_month), tenant)))


def test_secrets_that_expire_soon_are_told(config: StackConfig, tenant: Tenant) -> None:
    today = datetime.now(UTC).date()
    for days, told in ((-1, True), (29, True), (31, False)):
        expiring = replace(config, secrets_expire=today + timedelta(days=days))
        found = problems(list(look(expiring, tenant)))
        assert ("expiry of the secrets" in found) is told, days


def test_a_moment_that_no_backup_reaches_is_told_until_the_server_is_there() -> None:
    recovery = read_config("dr")
    tenant = Tenant(recovery)
    today = datetime.now(UTC)
    for days, told in ((-1, True), (1, False), (9, True)):
        moment = (today - timedelta(days=days)).strftime("%Y-%m-%dT05:00:00Z")
        found = problems(list(look(replace(recovery, database_restore_time=moment), tenant)))
        assert ("moment of the restore" in found) is told, days
    tenant.server = {"name": "newsapi-dr-pg-dnt1"}
    old = replace(recovery, database_restore_time="2026-01-01T05:00:00Z")
    assert "moment of the restore" not in problems(list(look(old, tenant)))


@pytest.mark.parametrize(
    "refusal",
    [
        {"zoneRedundantHaSupported": "Disabled", "reason": "temporarily blocked"},
        {"supportedServerEditions": [{"supportedServerSkus": [{**SKU, "supportedHaMode": []}]}]},
        {"supportedServerEditions": [{"supportedServerSkus": [{**SKU, "supportedZones": ["1"]}]}]},
        {"supportedServerEditions": []},
        {"supportedServerEditions": [{"supportedServerSkus": [{**SKU, "status": "Disabled"}]}]},
    ],
)
def test_a_region_without_the_standby_is_told_before_anything_is_made(
    config: StackConfig, refusal: dict[str, Any]
) -> None:
    assert problems(database_offer(config, [OFFER])) == {}
    assert f"standby in {config.location}" in problems(database_offer(config, [OFFER | refusal]))


def test_a_stack_without_a_standby_asks_for_none() -> None:
    blocked = OFFER | {"zoneRedundantHaSupported": "Disabled", "geoBackupSupported": "Disabled"}
    small = {**SKU, "name": "Standard_B2s", "supportedHaMode": []}
    offer = blocked | {"supportedServerEditions": [{"supportedServerSkus": [small]}]}
    assert problems(database_offer(read_config("dev"), [offer])) == {}


def test_an_empty_answer_is_a_problem_not_an_error(config: StackConfig) -> None:
    assert problems(database_offer(config, None))
    assert problems(database_offer(config, [{}]))


def test_without_a_gateway_the_redirect_is_looked_at_once_it_is_known() -> None:
    config = read_config("dev")
    tenant = Tenant(config)
    looked_at = "redirect addresses of the logins"
    assert looked_at not in [item.what for item in look(config, tenant)]
    wanted = (
        "https://dagster-webserver.happy-sea.eastus.azurecontainerapps.io/.auth/login/aad/callback"
    )
    assert wanted in problems(list(look(config, tenant, [wanted])))[looked_at]


def test_every_kind_of_resource_has_its_provider_looked_at(graph: Graph) -> None:
    used = {item.arm_name.split("/")[0].lower() for item in graph.resources}
    known = {name.lower() for name in (*PROVIDERS, *ALWAYS_REGISTERED)}
    assert used <= known


@needs_az
def test_the_real_parser_takes_the_preflights_commands(config: StackConfig, tenant: Tenant) -> None:
    for _ in range(2):
        list(make(list(look(config, tenant)), tenant))
    tenant.app = None
    list(make(list(look(config, tenant)), tenant))
    list(look(read_config("dr"), tenant))
    found = ask_az("parse", tuple(tenant.asked))
    assert {row["command"]: row["refused"] for row in found if row["refused"]} == {}
