"""Every alert as data: resources and the page of the documentation are made from this table."""

from dataclasses import dataclass
from typing import Literal

from newsapi_infra import names
from newsapi_infra.config import StackConfig
from newsapi_infra.monitoring import queries

Target = Literal[
    "webserver",
    "daemon",
    "news",
    "database",
    "replica",
    "cache",
    "gateway",
    "nat",
    "vault",
    "storage",
    "workspace",
]
Channel = Literal["critical", "warning", "info"]
Operator = Literal["GreaterThan", "LessThan"]
Aggregation = Literal["Average", "Maximum", "Minimum", "Total"]

NAMESPACES: dict[Target, str] = {
    "webserver": "Microsoft.App/containerApps",
    "daemon": "Microsoft.App/containerApps",
    "news": "Microsoft.App/containerApps",
    "database": "Microsoft.DBforPostgreSQL/flexibleServers",
    "replica": "Microsoft.DBforPostgreSQL/flexibleServers",
    "cache": "Microsoft.Cache/redisEnterprise",
    "gateway": "Microsoft.Network/applicationGateways",
    "nat": "Microsoft.Network/natGateways",
    "vault": "Microsoft.KeyVault/vaults",
    "storage": "Microsoft.Storage/storageAccounts",
}

SEVERITY: dict[Channel, int] = {"critical": 1, "warning": 2, "info": 3}

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Runbook:
    """What an alert means, where to look, what to do."""

    means: str
    look: str
    do: str


@dataclass(frozen=True, slots=True)
class MetricAlert:
    """An alert on one metric of one resource."""

    name: str
    title: str
    target: Target
    metric: str
    aggregation: Aggregation
    operator: Operator
    threshold: float
    window: str
    every: str
    channel: Channel
    runbook: Runbook
    dimension: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class LogAlert:
    """An alert on one number that a query over the logs gives."""

    name: str
    title: str
    query: str
    measure: str
    operator: Operator
    threshold: float
    window: str
    every: str
    channel: Channel
    runbook: Runbook
    twin: bool = False
    """The application has this rule too: here it speaks only while the application is silent."""


Alert = MetricAlert | LogAlert

_APP_LOOK = (
    "`az containerapp logs show -n APP -g GROUP --tail 100`, the workbook of infrastructure health"
)
_DATABASE_LOOK = (
    "the workbook of infrastructure health; `SELECT pid, state, query_start, query FROM "
    "pg_stat_activity ORDER BY query_start` by `az containerapp exec`"
)


def alerts_for(config: StackConfig) -> list[Alert]:
    """The alerts of one stack: those of resources that it has."""
    alerts: list[Alert] = [
        *_app_alerts("webserver", names.WEBSERVER),
        *_app_alerts("daemon", names.DAEMON),
        _daemon_gone(),
        *_app_alerts("news", names.NEWS_API),
        *_news_alerts(),
        *_database_alerts(config),
        *(_replica_alerts() if config.database_read_replica else ()),
        *(_cache_alerts() if config.redis_sku else ()),
        *(_gateway_alerts() if config.has_gateway else ()),
        *_nat_alerts(),
        *_availability_alerts(),
        *_log_alerts(),
    ]
    return alerts


def _app_alerts(app: Literal["webserver", "daemon", "news"], called: str) -> list[Alert]:
    return [
        MetricAlert(
            f"{app}-cpu",
            f"CPU of {called} over 80 % for 5 minutes",
            app,
            "CpuPercentage",
            "Average",
            "GreaterThan",
            80,
            "PT5M",
            "PT1M",
            "warning",
            Runbook(
                "The app is short of CPU; pages or runs become slow.",
                _APP_LOOK,
                "A run in progress explains it on the daemon: wait. Otherwise raise `SIZES` in "
                "`apps/containers.py` and `pulumi up`.",
            ),
        ),
        MetricAlert(
            f"{app}-memory",
            f"Memory of {called} over 85 %",
            app,
            "MemoryPercentage",
            "Average",
            "GreaterThan",
            85,
            "PT5M",
            "PT1M",
            "warning",
            Runbook(
                "At 100 % the container is killed and its run with it.",
                _APP_LOOK,
                "On the daemon, look for a run with an unusual amount of articles; raise `SIZES` "
                "in `apps/containers.py` and `pulumi up`.",
            ),
        ),
        MetricAlert(
            f"{app}-restarts",
            f"{called} restarted more than 3 times",
            app,
            "RestartCount",
            "Maximum",
            "GreaterThan",
            3,
            "PT15M",
            "PT5M",
            "critical",
            Runbook(
                "The app can't stay up: a bad image, a secret or the database out of reach.",
                "`az containerapp revision list`, `ContainerAppSystemLogs` in the workspace",
                "After a deployment: deploy the previous digest again. Otherwise fix what the "
                "last lines before the restart name.",
            ),
        ),
    ]


def _news_alerts() -> list[Alert]:
    return [
        MetricAlert(
            "news-replicas",
            "No replica of news-api",
            "news",
            "Replicas",
            "Maximum",
            "LessThan",
            1,
            "PT5M",
            "PT1M",
            "critical",
            Runbook(
                "Nobody reads the news. Runs go on.",
                "`az containerapp replica list -n news-api -g GROUP`",
                "`az containerapp revision restart`; if the image can't be pulled, deploy the last "
                "good digest.",
            ),
        ),
        MetricAlert(
            "news-errors",
            "More than 20 answers of news-api with an error of its own in 5 minutes",
            "news",
            "Requests",
            "Total",
            "GreaterThan",
            20,
            "PT5M",
            "PT1M",
            "warning",
            Runbook(
                "The database can't be read, or the program has a mistake.",
                "the saved query `containerapp-news-api`; `/health` of the news' address",
                "With the database away: its alerts. After a deployment: deploy the previous "
                "digest again.",
            ),
            dimension=("statusCodeCategory", "5xx"),
        ),
        MetricAlert(
            "news-slow",
            "Mean answer of news-api over 2 seconds",
            "news",
            "ResponseTime",
            "Average",
            "GreaterThan",
            2000,
            "PT15M",
            "PT5M",
            "warning",
            Runbook(
                "Readers wait: the replica or the database is busy, or the cache is away.",
                "alerts of the database, the replica and the cache; `Replicas` of news-api",
                "Raise `newsMinReplicas` or `newsMaxReplicas`, then `databaseSku`, and "
                "`pulumi up`.",
            ),
        ),
    ]


def _replica_alerts() -> list[Alert]:
    return [
        MetricAlert(
            "replica-lag",
            "The read replica is more than 60 seconds behind",
            "replica",
            "physical_replication_delay_in_seconds",
            "Maximum",
            "GreaterThan",
            60,
            "PT15M",
            "PT5M",
            "warning",
            Runbook(
                "The news API reads from the primary meanwhile: slower for runs, not wrong.",
                "metrics of both servers: `disk_iops_consumed_percentage`, `cpu_percent`",
                "A rebuild of all tables explains it: wait. Otherwise the replica's size must be "
                "the primary's: `databaseSku`.",
            ),
        ),
        MetricAlert(
            "replica-down",
            "The read replica doesn't answer",
            "replica",
            "is_db_alive",
            "Maximum",
            "LessThan",
            1,
            "PT5M",
            "PT1M",
            "warning",
            Runbook(
                "The news API reads from the primary meanwhile.",
                "Resource health of the replica, the Activity Log",
                "`az postgres flexible-server restart -g GROUP -n SERVER`; if that doesn't help, "
                "delete it and `pulumi up --refresh`. While it is gone but its slot stays, the "
                "primary keeps its log.",
            ),
        ),
    ]


def _cache_alerts() -> list[Alert]:
    return [
        MetricAlert(
            "cache-memory",
            "Memory of the cache over 90 %",
            "cache",
            "usedmemorypercentage",
            "Maximum",
            "GreaterThan",
            90,
            "PT15M",
            "PT5M",
            "info",
            Runbook(
                "Old answers are thrown away sooner. Nothing is lost.",
                "metrics `evictedkeys` and `cachemisses` of the cache",
                "Where misses are many: a larger `redisSku`, and `pulumi up`.",
            ),
        ),
        MetricAlert(
            "cache-load",
            "CPU of the cache over 80 %",
            "cache",
            "percentProcessorTime",
            "Average",
            "GreaterThan",
            80,
            "PT15M",
            "PT5M",
            "info",
            Runbook(
                "Each replica waits a moment for the cache and then does without: answers are "
                "slower, and each replica counts the requests of keys with the database.",
                "metrics `operationsPerSecond` and `connectedclients` of the cache",
                "A larger `redisSku`, and `pulumi up`.",
            ),
        ),
    ]


def _daemon_gone() -> Alert:
    return MetricAlert(
        "daemon-replicas",
        "No replica of dagster-daemon",
        "daemon",
        "Replicas",
        "Maximum",
        "LessThan",
        1,
        "PT5M",
        "PT1M",
        "critical",
        Runbook(
            "Nothing is scheduled and no application alert is sent. The metric is silent when "
            "it is missing: `daemon-heartbeat` covers that.",
            "`az containerapp replica list -n dagster-daemon -g GROUP`",
            "`az containerapp revision restart`; if the image can't be pulled, deploy the last "
            "good digest.",
        ),
    )


def _database_alerts(config: StackConfig) -> list[Alert]:
    full = Runbook(
        "At 95 % used, or with less than 5 GB free, the server turns read-only. Storage grows by "
        "itself, but never shrinks.",
        "the portal's Storage page of the server; table sizes by `pg_total_relation_size`",
        "Check that auto-grow acted; else raise `databaseStorageGb` to the next size and "
        "`pulumi up`. Then find "
        "what grew: Dagster's event log has a retention to set.",
    )
    connections = config.database_sku.connections_alert
    rows: list[tuple[str, str, str, Aggregation, Operator, float, str, Channel, Runbook]] = [
        (
            "database-connections",
            f"More than 80 % of {config.database_sku.max_connections} connections",
            "active_connections",
            "Average",
            "GreaterThan",
            connections,
            "PT5M",
            "critical",
            Runbook(
                "New connections will be refused soon. No metric gives a percentage: the number "
                "follows the size of the server.",
                _DATABASE_LOOK,
                "End idle sessions (`pg_terminate_backend`), restart the app that opened them.",
            ),
        ),
        (
            "database-cpu",
            "CPU of the database over 80 %",
            "cpu_percent",
            "Average",
            "GreaterThan",
            80,
            "PT5M",
            "warning",
            Runbook(
                "Queries become slow; runs take longer.",
                _DATABASE_LOOK,
                "Find the statement in Query Store; scale the server in a quiet hour.",
            ),
        ),
        (
            "database-memory",
            "Memory of the database over 90 %",
            "memory_percent",
            "Average",
            "GreaterThan",
            90,
            "PT15M",
            "warning",
            Runbook(
                "The server may be restarted for lack of memory.",
                _DATABASE_LOOK,
                "Fewer connections, or a larger server in a quiet hour.",
            ),
        ),
        (
            "database-storage-80",
            "Storage of the database over 80 %",
            "storage_percent",
            "Average",
            "GreaterThan",
            80,
            "PT15M",
            "warning",
            full,
        ),
        (
            "database-storage-90",
            "Storage of the database over 90 %",
            "storage_percent",
            "Average",
            "GreaterThan",
            90,
            "PT5M",
            "critical",
            full,
        ),
        (
            "database-storage-free",
            "Less than 10 GB free in the database",
            "storage_free",
            "Average",
            "LessThan",
            10 * GIB,
            "PT5M",
            "critical",
            full,
        ),
        (
            "database-failed-connections",
            "More than 10 refused or failed connections in 5 minutes",
            "connections_failed",
            "Total",
            "GreaterThan",
            10,
            "PT5M",
            "warning",
            Runbook(
                "Somebody logs in with a wrong or old password, or no connection is free.",
                "the saved query `postgresql-newsapi-db` for the role and the reason",
                "With identities, the job `newsapi-db-role` lets in whoever it misses. After a "
                "rotation that was interrupted: start the job `newsapi-db-rotate` again. Otherwise "
                "find the client by its address.",
            ),
        ),
        (
            "database-deadlocks",
            "More than 5 deadlocks in 15 minutes",
            "deadlocks",
            "Total",
            "GreaterThan",
            5,
            "PT15M",
            "info",
            Runbook(
                "Transactions wait for each other. The pipeline does a transaction again that was "
                "ended for it; somebody else's work may be in its way.",
                "the saved query `postgresql-newsapi-db`, which names the statements",
                "Keep other programs from writing to the pipeline's tables while runs are under "
                "way.",
            ),
        ),
        (
            "database-transaction-ids",
            "The oldest transaction id is over 1,000,000,000 back",
            "maximum_used_transactionIDs",
            "Maximum",
            "GreaterThan",
            1_000_000_000,
            "PT15M",
            "critical",
            Runbook(
                "Autovacuum doesn't keep up: at about 2,000,000,000 the server takes no more "
                "writes.",
                "`SELECT datname, age(datfrozenxid) FROM pg_database`; old transactions in "
                "`pg_stat_activity`; idle slots in `pg_replication_slots`",
                "End what holds the old transaction, drop the slot of a replica that is gone, "
                "then `VACUUM (FREEZE)` the oldest tables.",
            ),
        ),
        (
            "database-iops",
            "More than 95 % of the database's IOPS used",
            "disk_iops_consumed_percentage",
            "Average",
            "GreaterThan",
            95,
            "PT15M",
            "warning",
            Runbook(
                "Statements wait for the disk.",
                _DATABASE_LOOK,
                "A rebuild of all tables explains it: wait. Otherwise a larger "
                "`databaseStorageGb` brings more IOPS.",
            ),
        ),
        (
            "database-down",
            "The database doesn't answer",
            "is_db_alive",
            "Maximum",
            "LessThan",
            1,
            "PT5M",
            "critical",
            Runbook(
                "A fail-over takes 60 to 120 seconds; this has lasted longer.",
                "Resource health of the server, the Activity Log",
                "Wait for the fail-over; if it doesn't come, `az postgres flexible-server "
                "restart -g GROUP -n SERVER --failover Forced`; then restore to a new server.",
            ),
        ),
    ]
    return [
        MetricAlert(
            name, title, "database", metric, how, operator, threshold, window, "PT1M", to, runbook
        )
        for name, title, metric, how, operator, threshold, window, to, runbook in rows
    ]


def _gateway_alerts() -> list[Alert]:
    look = "Backend health of the gateway (`az network application-gateway show-backend-health`)"
    return [
        MetricAlert(
            "gateway-unhealthy",
            "The gateway sees an app behind it that isn't healthy",
            "gateway",
            "UnhealthyHostCount",
            "Average",
            "GreaterThan",
            0,
            "PT5M",
            "PT1M",
            "critical",
            Runbook(
                "The UI or the news answer 502. Runs go on.",
                look,
                "Check `/server_info` of the UI and `/health` of the news inside the network, the "
                "logins' excluded paths, the private DNS zone of the environment.",
            ),
        ),
        MetricAlert(
            "gateway-latency",
            "Mean answer behind the gateway over 5 seconds",
            "gateway",
            "BackendLastByteResponseTime",
            "Average",
            "GreaterThan",
            5000,
            "PT15M",
            "PT5M",
            "warning",
            Runbook(
                "The UI or the news are slow for everybody.",
                f"{look}; CPU of the webserver and of the database",
                "More replicas (`webserverMinReplicas`), or the database: see its alerts.",
            ),
        ),
        MetricAlert(
            "gateway-failures",
            "More than 50 failed requests in 15 minutes",
            "gateway",
            "FailedRequests",
            "Total",
            "GreaterThan",
            50,
            "PT15M",
            "PT5M",
            "warning",
            Runbook(
                "Requests fail at the gateway or behind it.",
                "`AGWAccessLogs` by status, `AGWFirewallLogs` for blocked requests",
                "If the firewall blocks the UI's own requests, add them to `EXCLUDED_ARGUMENTS` in "
                "`apps/gateway.py`.",
            ),
        ),
    ]


def _nat_alerts() -> list[Alert]:
    look = "Metrics of the NAT gateway; Azure's service health"
    return [
        MetricAlert(
            "nat-availability",
            "The NAT gateway is less than 90 % available",
            "nat",
            "DatapathAvailability",
            "Average",
            "LessThan",
            90,
            "PT15M",
            "PT5M",
            "critical",
            Runbook(
                "The apps can't reach the news API, mail or chat.",
                look,
                "An outage of the platform: wait, and tell the readers; the next run catches up.",
            ),
        ),
        MetricAlert(
            "nat-failed-connections",
            "More than 100 failed connections through NAT in 15 minutes",
            "nat",
            "SNATConnectionCount",
            "Total",
            "GreaterThan",
            100,
            "PT15M",
            "PT5M",
            "info",
            Runbook(
                "Ports run out, or a destination refuses.",
                look,
                "Look in the daemon's log for a client that doesn't reuse its connections.",
            ),
            dimension=("ConnectionState", "Failed"),
        ),
    ]


def _availability_alerts() -> list[Alert]:
    services: list[tuple[Target, str, str, str]] = [
        (
            "vault",
            "The vault is less than 90 % available",
            "New connections to the database and restarts of apps fail; what runs goes on.",
            "Metrics of the vault by result; who is refused: `AzureDiagnostics` of the vault",
        ),
        (
            "storage",
            "The storage account is less than 90 % available",
            "Backups and the lake's files can't be written; the next schedule tries again.",
            "Metrics of the account by response type",
        ),
    ]
    return [
        MetricAlert(
            f"{target}-availability",
            title,
            target,
            "Availability",
            "Average",
            "LessThan",
            90,
            "PT15M",
            "PT5M",
            "warning",
            Runbook(
                means,
                look,
                "Azure's service health; if it says nothing, the private endpoint and its name: "
                "`az network private-endpoint list -g GROUP -o table`.",
            ),
        )
        for target, title, means, look in services
    ]


def _log_alerts() -> list[Alert]:
    look = "the workbook of pipeline health; the saved query `containerapp-dagster-daemon`"
    return [
        LogAlert(
            "daemon-heartbeat",
            "No line of dagster-daemon for 30 minutes",
            queries.DAEMON_BEATS,
            "Beats",
            "LessThan",
            1,
            "PT30M",
            "PT15M",
            "critical",
            Runbook(
                "The daemon is gone, hangs, or its logs don't arrive: nothing is scheduled.",
                "`az containerapp replica list`, then the Log Analytics ingestion status",
                "Restart the revision. If lines arrive again but no run starts, look for a second "
                "daemon that holds the database lock.",
            ),
        ),
        LogAlert(
            "runs-failing",
            "More than 3 failed runs in 1 hour",
            queries.FAILED_RUNS,
            "Failures",
            "GreaterThan",
            3,
            "PT2H",
            "PT15M",
            "critical",
            Runbook(
                "Runs fail and the application doesn't say so itself.",
                look,
                "Open the failed run in the UI; nothing is lost, the next good run catches up.",
            ),
            twin=True,
        ),
        LogAlert(
            "runs-failing-share",
            "More than 10 % of runs failed in 24 hours (of at least 4)",
            queries.FAILED_SHARE,
            "Percent",
            "GreaterThan",
            10,
            "P1D",
            "PT1H",
            "warning",
            Runbook(
                "Something fails now and then.",
                look,
                "Compare the errors of the failed runs: one cause, or the news API's bad day.",
            ),
            twin=True,
        ),
        LogAlert(
            "no-articles",
            "No new article in the last 3 runs",
            queries.NO_ARTICLES,
            "Hits",
            "GreaterThan",
            0,
            "P2D",
            "PT1H",
            "warning",
            Runbook(
                "The source gives nothing new: tokens spent, topics too narrow, or its outage.",
                "`newsapi status` by `az containerapp exec`",
                "Check the tokens on the news API's dashboard, then the topics.",
            ),
            twin=True,
        ),
        LogAlert(
            "api-slow",
            "Mean answer of the news API over 5 seconds",
            queries.SLOW_API,
            "Mean",
            "GreaterThan",
            5,
            "PT2H",
            "PT15M",
            "warning",
            Runbook(
                "Runs take longer and may meet their deadline.",
                look,
                "Wait; raise `REQUEST_TIMEOUT_SECONDS` if requests are given up.",
            ),
            twin=True,
        ),
    ]
