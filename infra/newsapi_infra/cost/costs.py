"""A monthly estimate from the price table, by resource, with what it rests on."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from newsapi_infra import names
from newsapi_infra.apps.containers import SIZES, SMALL
from newsapi_infra.config import StackConfig
from newsapi_infra.monitoring.alert_rules import LogAlert, alerts_for

DESIGN_TOTAL = 335
"""What the design expected for production in a month, in US dollars."""

JOB_SECONDS = 20
"""How long a look at the alert rules takes, six times an hour, the container's start included."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the estimate."""

    what: str
    price: str
    quantity: float
    usd: float
    status: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """The rows and their sum."""

    lines: tuple[Line, ...]
    recorded: str

    @property
    def total(self) -> float:
        """US dollars a month."""
        return sum(line.usd for line in self.lines)


def price_table() -> dict[str, Any]:
    """The price table as it is kept."""
    text = files("newsapi_infra.cost").joinpath("prices.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


def estimate(config: StackConfig) -> Estimate:
    """Price what a stack declares, at its smallest number of replicas."""
    table = price_table()
    hours = table["hours_per_month"]
    lines = []
    for what, price, quantity in _quantities(config, hours):
        entry = table["prices"][price]
        lines.append(Line(what, price, quantity, quantity * entry["usd"], entry["status"]))
    return Estimate(tuple(lines), table["recorded"])


def _quantities(config: StackConfig, hours: float) -> list[tuple[str, str, float]]:
    sizes = SIZES[config.stack]
    replicas = {
        names.WEBSERVER: config.webserver_min_replicas,
        names.DAEMON: 1,
        names.NEWS_API: config.news_min_replicas,
    }
    cpu = sum(sizes[app].cpu * count for app, count in replicas.items())
    memory = sum(sizes[app].gib * count for app, count in replicas.items())
    job_seconds = hours * 6 * JOB_SECONDS
    servers = 2 if config.database_standby else 1
    sku = config.database_sku.name.removeprefix("Standard_").lower()
    endpoints = 3 if config.registry_sku == "Premium" else 2
    endpoints += config.pair_storage_id is not None
    endpoints += config.redis_sku is not None
    addresses = 1 + config.has_gateway + config.bastion + config.vpn_gateway
    log_rules = sum(isinstance(alert, LogAlert) for alert in alerts_for(config))
    metric_rules = len(alerts_for(config)) - log_rules
    rows: list[tuple[str, str, float]] = [
        (f"Apps, CPU ({cpu:g} vCPU, always active)", "app_vcpu_second", cpu * hours * 3600),
        (f"Apps, memory ({memory:g} GiB)", "app_gib_second", memory * hours * 3600),
        (f"Database, {servers} server(s)", f"postgres_{sku}_hour", servers * hours),
        ("Database, storage", "postgres_storage_gb", servers * config.database_storage_gb),
        ("Alerts job, CPU", "app_vcpu_second", SMALL.cpu * job_seconds),
        ("Alerts job, memory", "app_gib_second", SMALL.gib * job_seconds),
        ("NAT gateway", "nat_hour", hours),
        ("NAT gateway, 10 GB", "nat_gb", 10),
        (f"Public addresses ({addresses})", "public_ip_hour", addresses * hours),
        (f"Private endpoints ({endpoints})", "private_endpoint_hour", endpoints * hours),
        ("Logs and metrics, 10 GB", "logs_gb", 10),
        (f"Log alerts ({log_rules})", "log_alert_15_minutes", log_rules),
        (f"Metric alerts ({metric_rules})", "metric_alert", metric_rules),
        ("Storage, 20 GB", "storage_gb", 20),
        (f"Private DNS zones ({endpoints + 2})", "dns_zone", endpoints + 2),
        ("Logic Apps, 1,000 actions", "logic_app_action", 1000),
    ]
    if config.database_read_replica:
        rows.append(("Database, read replica", f"postgres_{sku}_hour", hours))
        storage = config.database_storage_gb
        rows.append(("Database, read replica's storage", "postgres_storage_gb", storage))
    if config.threat_protection and config.database_replica_of is None:
        rows.append(("Database, Defender", "defender_database_month", 1))
    if config.machine_learning:
        rows.append(("Machine learning, 4 hours of training", "ml_machine_hour", 4))
        rows.append(("Machine learning, private endpoints (5)", "private_endpoint_hour", 5 * hours))
    if config.redis_sku:
        nodes = 2 if config.zones else 1
        price = f"redis_{config.redis_sku.rpartition('_')[2].lower()}_node_hour"
        rows.append((f"Cache, {nodes} node(s)", price, nodes * hours))
    if config.has_gateway:
        rows.append(("Application Gateway, fixed", "gateway_hour", hours))
        rows.append(("Application Gateway, 1 capacity unit", "gateway_capacity_unit", hours))
    if config.registry_id is None:
        rows.append(("Registry", f"registry_{config.registry_sku.lower()}_day", hours / 24))
    if config.pair_network_id is not None:
        rows.append(("Traffic between the regions, 20 GB", "peering_gb", 20))
    if config.second_region:
        rows.append(("Registry, replica", "registry_premium_day", hours / 24))
    if config.database_geo_backup:
        rows.append(("Database, copy of the backups", "postgres_backup_gb", 128))
    if config.bastion:
        rows.append(("Bastion", "bastion_standard_hour", hours))
    if config.vpn_gateway:
        rows.append(("VPN gateway", "vpn_gw1az_hour", hours))
    return rows
