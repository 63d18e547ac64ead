"""What must be there before `pulumi up`: looked at, and made where a command can.

    python -m newsapi_infra.preflight prod            # looks
    python -m newsapi_infra.preflight prod --make     # makes what is missing

Needs `az login`: Reader of the subscription to look; to make, Owner of the subscription and
*Application Administrator* of the tenant.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from newsapi_infra.apps.authentication import LOGIN_PATH
from newsapi_infra.config import StackConfig
from newsapi_infra.names import Names
from newsapi_infra.offline.configuration import STACKS, read_config

PROVIDERS = (
    "Microsoft.App",
    "Microsoft.Cache",
    "Microsoft.Compute",
    "Microsoft.ContainerRegistry",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.EventGrid",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.Logic",
    "Microsoft.MachineLearningServices",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Security",
    "Microsoft.Storage",
)
"""Resource providers that a new subscription hasn't registered."""

NOTICE = timedelta(days=30)
"""How long before a secret expires its notice comes."""

RESTORABLE = timedelta(days=7)
"""How far back the database's backups reach."""

Az = Callable[..., Any]
"""Runs `az` with the given words and returns its answer; None: it isn't found."""


class PreflightError(Exception):
    """`az` failed; the message is its last line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is looked at: what is wrong with it, and how it is made right."""

    what: str
    problem: str | None
    make: tuple[str, ...] | None = None
    """The words of the `az` command that makes it; None: a person must."""


def run_az(*words: str) -> Any:
    """Run the `az` command.

    Raises:
        PreflightError: it failed for another reason than that something doesn't exist.
    """
    try:
        done = subprocess.run(
            ["az", *words, "-o", "json"], capture_output=True, text=True, check=False, timeout=900
        )
    except FileNotFoundError:
        raise PreflightError("there is no `az` here: install the Azure CLI") from None
    if done.returncode == 0:
        return json.loads(done.stdout or "null")
    # `az` ends with 3 where a resource isn't found.
    if done.returncode == 3 or "does not exist" in done.stderr:
        return None
    raise PreflightError((done.stderr.strip().splitlines() or ["no reason given"])[-1])


def look(config: StackConfig, az: Az, redirects: Sequence[str] = ()) -> Iterator[Finding]:
    """Look at everything that the stack needs; `redirects`: the logins', where they are known."""
    yield _subscription(config, az)
    yield from _dates(config, az, datetime.now(UTC).date())
    yield from database_offer(
        config, az("postgres", "flexible-server", "list-skus", "-l", config.location)
    )
    for provider in PROVIDERS:
        yield _provider(provider, az("provider", "show", "-n", provider))
    groups = [("databaseAdminGroupId", config.database_admin_group, config.database_admin_group_id)]
    if config.reader_group and config.reader_group_id:
        groups.append(("readerGroupId", config.reader_group, config.reader_group_id))
    for setting, name, object_id in groups:
        group = az("ad", "group", "show", "--group", object_id)
        yield Finding(
            f"group {name}",
            None if group else f"{setting}: there is no such group in the tenant",
        )
    yield from _login(config, az, redirects or login_redirects(config))


def _subscription(config: StackConfig, az: Az) -> Finding:
    selected = az("account", "show")["id"]
    problem = None
    if selected != config.subscription_id:
        problem = f"az has {selected} selected, the stack wants {config.subscription_id}"
    return Finding("subscription", problem, ("account", "set", "-s", config.subscription_id))


def _dates(config: StackConfig, az: Az, today: date) -> Iterator[Finding]:
    """Settings that time has made useless: Azure refuses them when it makes something."""
    here = ("-g", config.resource_group)
    names = Names(config.stack, config.suffix)
    budget = names.of("budget")
    made = any(one["name"] == budget for one in az("consumption", "budget", "list", *here) or [])
    first = today.replace(day=1)
    yield Finding(
        "start of the budget",
        None if made or config.budget_start >= first else f"budgetStart: {first} or later",
    )
    yield Finding(
        "expiry of the secrets",
        None
        if config.secrets_expire > today + NOTICE
        else f"secretsExpire: after {today + NOTICE}, or their notices come at once",
    )
    if config.database_restore_from and config.database_restore_time:
        server = config.database_server or names.unique("pg")
        restored = az("postgres", "flexible-server", "show", "-n", server, *here)
        moment = datetime.fromisoformat(config.database_restore_time).date()
        yield Finding(
            "moment of the restore",
            None
            if restored or today - RESTORABLE <= moment <= today
            else "databaseRestoreTime: within the last seven days",
        )


def database_offer(config: StackConfig, answer: list[dict[str, Any]] | None) -> list[Finding]:
    """Compare what the region offers to this subscription with the server that the stack wants."""
    region = (answer or [{}])[0]
    name = config.database_sku.name
    skus = {
        sku["name"]: sku
        for edition in region.get("supportedServerEditions") or []
        for sku in edition.get("supportedServerSkus") or []
        if sku.get("status") != "Disabled"
    }
    other = f"another region or size: {region.get('reason') or 'not offered'}"
    findings = [Finding(f"{name} in {config.location}", None if name in skus else other)]
    if config.database_standby:
        sku = skus.get(name, {})
        modes = sku.get("supportedHaMode") or []
        zones = set(sku.get("supportedZones") or [])
        blocked = region.get("zoneRedundantHaSupported") == "Disabled"
        problem = None
        if blocked or "ZoneRedundant" not in modes:
            reason = sku.get("reason") or region.get("reason") or "blocked or never offered"
            problem = f"no zone-redundant standby of {name} ({reason}): choose another location"
        elif not set(config.zones[:2]) <= zones:
            problem = f"{name} is offered in the zones {sorted(zones)} only: set `zones`"
        findings.append(Finding(f"standby in {config.location}", problem))
    if config.database_geo_backup:
        offered = region.get("geoBackupSupported") != "Disabled"
        findings.append(
            Finding(
                f"geo-redundant backup in {config.location}",
                None if offered else "not offered: databaseGeoBackup can't be chosen here",
            )
        )
    return findings


def _provider(name: str, answer: dict[str, Any] | None) -> Finding:
    state = (answer or {}).get("registrationState", "unknown")
    return Finding(
        f"resource provider {name}",
        None if state == "Registered" else f"it is {state}",
        ("provider", "register", "-n", name, "--wait"),
    )


def _login(config: StackConfig, az: Az, wanted: Sequence[str]) -> Iterator[Finding]:
    """The app registration: redirect addresses, ID tokens, and that only assigned people enter."""
    client_id = config.entra_client_id
    app = az("ad", "app", "show", "--id", client_id)
    if app is None:
        yield Finding(
            "app registration",
            "entraClientId names none; create one, then set entraClientId to its appId",
            _create_app(config, wanted),
        )
        return
    web = app.get("web") or {}
    if wanted:
        known = web.get("redirectUris") or []
        missing = [one for one in wanted if one not in known]
        yield Finding(
            "redirect addresses of the logins",
            f"missing: {', '.join(missing)}" if missing else None,
            ("ad", "app", "update", "--id", client_id, "--web-redirect-uris", *known, *missing),
        )
    identifier = f"api://{client_id}"
    identifiers = app.get("identifierUris") or []
    yield Finding(
        "identifier of the registration",
        None if identifier in identifiers else "programs can't ask for tokens to read the news",
        ("ad", "app", "update", "--id", client_id, "--identifier-uris", *identifiers, identifier),
    )
    issues = (web.get("implicitGrantSettings") or {}).get("enableIdTokenIssuance")
    yield Finding(
        "ID tokens of the login",
        None if issues else "the registration issues none",
        ("ad", "app", "update", "--id", client_id, "--enable-id-token-issuance", "true"),
    )
    principal = az("ad", "sp", "show", "--id", client_id)
    if principal is None:
        yield Finding(
            "enterprise application of the login",
            "there is none: nobody can log in",
            ("ad", "sp", "create", "--id", client_id),
        )
        return
    yield Finding(
        "assignment of people to the login",
        None if principal.get("appRoleAssignmentRequired") else "everybody of the tenant may enter",
        ("ad", "sp", "update", "--id", client_id, "--set", "appRoleAssignmentRequired=true"),
    )


def login_redirects(config: StackConfig) -> list[str]:
    """Where Entra sends people back to; none: known only once the environment exists."""
    hosts = (config.host_name, config.news_host_name) if config.has_gateway else ()
    return [f"https://{host}{LOGIN_PATH}" for host in hosts]


def _create_app(config: StackConfig, wanted: Sequence[str]) -> tuple[str, ...]:
    return (
        *("ad", "app", "create", "--display-name", f"newsapi-{config.stack}-ui"),
        *("--sign-in-audience", "AzureADMyOrg", "--enable-id-token-issuance", "true"),
        *(("--web-redirect-uris", *wanted) if wanted else ()),
    )


def make(findings: list[Finding], az: Az) -> Iterator[str]:
    """Run the commands that make what is missing; tells each."""
    for finding in findings:
        if finding.problem and finding.make:
            az(*finding.make)
            yield f"made: {finding.what}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="newsapi_infra.preflight", description=__doc__)
    parser.add_argument("stack", choices=STACKS)
    parser.add_argument("--make", action="store_true", help="make what is missing")
    parser.add_argument(
        "--redirect",
        action="append",
        default=[],
        help="the stack's outputs loginRedirect and newsLoginRedirect, once they are known",
    )
    given = parser.parse_args()
    config = read_config(given.stack)
    try:
        findings = list(look(config, run_az, given.redirect))
        if given.make:
            for line in make(findings, run_az):
                sys.stdout.write(f"{line}\n")
            findings = list(look(config, run_az, given.redirect))
    except PreflightError as error:
        sys.exit(f"The preflight failed: {error}")
    for finding in findings:
        sys.stdout.write(f"{'ok  ' if not finding.problem else 'MISSING'} {finding.what}")
        sys.stdout.write(f": {finding.problem}\n" if finding.problem else "\n")
    sys.exit(any(finding.problem for finding in findings))


if __name__ == "__main__":
    main()
