"""Every setting of the pipeline, typed and validated in one place.

Values come from the environment, then from a `.env` file in the working directory, then from the
defaults below. The names of the environment variables are the field names in upper case.
"""

import logging
import os
import re
import stat
import string
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from newsapi_dentsu.domain.host_names import ascii_host
from newsapi_dentsu.domain.mail_addresses import mail_address, mail_addresses
from newsapi_dentsu.errors import PipelineError, SettingsError
from newsapi_dentsu.loopback import is_loopback
from newsapi_dentsu.mistakes import in_plain_words, nearest

if TYPE_CHECKING:
    from dotenv.parser import Binding

ENV_FILE = ".env"
LIVE_HOST = "https://eventregistry.org"
PAGERDUTY = "https://events.pagerduty.com"

_AROUND: Final = string.whitespace + "\u0085\u00a0\u2028\u2029\u200b\u200c\u200d\u2060\ufeff"
"""White space of files and of web pages, where keys are copied from: some of it has no width."""

_NAMES_OF_COMPOSE: Final = ("NEWSAPI_TAG", "COMPOSE_")
"""Names in `.env`, or their beginnings, that `docker compose` reads and no setting has."""

# It would name its own library, and once for each time that the file is read.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip(_AROUND))


def _file(path: Path) -> Path:
    """A path on this machine's disk, with `~` for a home replaced."""
    text = str(path)
    if text == ":memory:" or text.startswith(":memory:"):
        raise ValueError("must be a file's path: what is kept in memory ends with the process")
    if re.match(r"\w[\w.+-]+:", text):
        raise ValueError("must be a path on this machine's disk: hosted services can't be used")
    if re.match(r"\$|%\w+%", text):
        raise ValueError("has a variable that nobody replaced: in .env, write it as ${NAME}")
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("begins with ~ and a name, but this machine has no such user") from None


def _database(path: Path) -> Path:
    path = _file(path)
    if path.name in ("", ".."):
        raise ValueError("must be a file's path, such as data/news.duckdb, and not a folder's")
    with suppress(OSError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(
                "must be a file's path, such as data/news.duckdb, but there is a folder, a pipe or "
                "a device"
            )
    return path


def _place(location: str) -> str:
    """A folder's path, expanded; an address stands as it is, for whoever opens the place."""
    return location if "://" in location else str(_file(Path(location)))


def _certificates(file: str) -> str:
    return file if file == "system" else str(_file(Path(file)))


def _host(name: str, info: ValidationInfo) -> str:
    setting = (info.field_name or "").upper()
    if setting == "POSTGRES_HOST" and name.startswith(("/", "@")):
        return name  # The folder of a socket, and an abstract socket.
    if re.fullmatch(r"[^:]+:\d*", name):
        port = setting.replace("HOST", "PORT")
        raise ValueError(f"must be a host alone; the port is a setting of its own: {port}")
    try:
        if re.search(r"[\s/@\[\]]", name):
            raise ValueError
        return ascii_host(name)
    except ValueError:
        message = "must be the name or the IP address of a host, and nothing else"
        raise ValueError(message) from None


def _server(text: str) -> str:
    host, colon, port = text.partition(":")
    try:
        if not re.fullmatch(r"[^\s/@\[\]:,]+(:\d{1,5})?", text):
            raise ValueError
        return f"{ascii_host(host)}{colon}{port}"
    except ValueError:
        message = "must be a host, or a host and its port, such as db.example.com:5432"
        raise ValueError(message) from None


def _with_ascii_host(address: str) -> str:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not host or ascii_host(host) == host:
        return address
    login, at, _ = parts.netloc.rpartition("@")
    port = "" if parts.port is None else f":{parts.port}"
    return parts._replace(netloc=f"{login}{at}{ascii_host(host)}{port}").geturl()


def _secure_address(value: str) -> str:
    """A base address that may be sent a secret."""
    try:
        value = _with_ascii_host(value)
        parts = urlsplit(value)
        hostname, _ = parts.hostname, parts.port
    except ValueError:
        hostname = None
    if hostname is None or parts.scheme not in ("http", "https") or re.search(r"\s", value):
        raise ValueError(f"must be an address such as {LIVE_HOST}")
    if parts.scheme == "http" and not is_loopback(hostname):
        raise ValueError("must be https: plain http would show the key to the network")
    if parts.username or parts.query or parts.fragment:
        raise ValueError(f"must be a plain base address such as {LIVE_HOST}")
    return value.rstrip("/")


def _secret_address(address: str) -> str:
    address = _secure_address(address)
    if not re.search(r"[^/]/secrets/[0-9A-Za-z-]+$", address):
        raise ValueError("must be the address of a secret, such as https://VAULT/secrets/NAME")
    return address


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://\S+", value):
        raise ValueError("must be an address that begins with https:// or http://")
    try:
        return _with_ascii_host(value.rstrip("/"))
    except ValueError:
        raise ValueError("must be an address with the name of a host that can be") from None


def _secure_webhook(value: SecretStr) -> SecretStr:
    address = value.get_secret_value()
    try:
        address = _with_ascii_host(address)
        parts = urlsplit(address)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        usable = (parts.scheme == "https" or local) and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be an https address, as Slack shows it")
    return SecretStr(address)


def _redis_address(value: SecretStr) -> SecretStr:
    address = value.get_secret_value()
    try:
        address = _with_ascii_host(address)
        parts = urlsplit(address)
        local = parts.scheme == "redis" and is_loopback(parts.hostname or "")
        usable = (parts.scheme == "rediss" or local) and bool(parts.hostname)
        usable = (usable and parts.port != 0) or (parts.scheme == "unix" and bool(parts.path))
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be an address such as rediss://:PASSWORD@HOST:PORT (with TLS)")
    return SecretStr(address)


def _memory(size: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?\s?([kmgt]i?)?b", size, re.IGNORECASE):
        raise ValueError("must be a size such as 192MB or 1.5GiB")
    return size


File = Annotated[Path, AfterValidator(_file)]
DatabaseFile = Annotated[Path, AfterValidator(_database)]
FolderOrContainer = Annotated[str, AfterValidator(_place)]
Certificates = Annotated[str, AfterValidator(_certificates)]
Host = Annotated[str, AfterValidator(_host)]
Server = Annotated[str, AfterValidator(_server)]
SecretAddress = Annotated[str, AfterValidator(_secret_address)]
SecureAddress = Annotated[str, AfterValidator(_secure_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
RedisAddress = Annotated[SecretStr, AfterValidator(_redis_address)]
SecureWebhook = Annotated[SecretStr, AfterValidator(_secure_webhook)]
MemorySize = Annotated[str, AfterValidator(_memory)]
Wait = Annotated[float, Field(ge=0, le=86_400)]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class Settings(BaseSettings):
    """The pipeline's configuration; build it with `load_settings`, which words the errors."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
    )

    newsapi_key: SecretStr | None = Field(
        None, description="API key of newsapi.ai. Without one, the sandbox is used."
    )
    newsapi_host: SecureAddress = Field(
        LIVE_HOST, description="Base address of the news API; plain http only on loopback."
    )
    newsapi_sandbox: Literal["auto", "always", "never"] = Field(
        "auto",
        description="When to use the built-in sandbox; `auto`: without a key, with DuckDB.",
    )
    topics_file: File | None = Field(
        None, description="Topics to search for (default: ./topics.yaml, else the shipped one)."
    )

    brands_file: File | None = Field(
        None, description="Brands to watch in the articles (default: ./brands.yaml, else none)."
    )

    sentiment_endpoint: SecureAddress | None = Field(
        None,
        description="Address of an endpoint that reads tones with the same model (default: this "
        "process does).",
    )
    sentiment_endpoint_key: SecretStr | None = Field(
        None, description="Key that this endpoint asks for."
    )

    sentence_model: File | None = Field(
        None, description="Folder of the sentence model (default: the shipped one)."
    )

    lookback_days: int = Field(30, ge=1, le=3650, description="Days that the first run reads back.")
    overlap_hours: int = Field(
        48, ge=0, le=720, description="How late an article may enter the index and be found."
    )
    duplicate_horizon_days: int = Field(
        30, ge=1, le=365, description="Days that may lie between an article and its copy."
    )
    max_requests_per_run: int | None = Field(
        None, ge=1, description="Searches that a run may make; the next runs read the rest."
    )
    backfill_jobs: int = Field(
        4,
        ge=1,
        le=5,
        description="Months that backfills read at once, each in a process of its own; the API "
        "answers five requests at a time.",
    )
    backfill_tokens: int | None = Field(
        None,
        ge=1,
        description="Tokens that one backfill by months may spend, all its months together.",
    )
    backfill_requests_per_minute: int = Field(
        120,
        ge=1,
        le=6_000,
        description="Requests a minute that backfills by months make, all months together.",
    )
    request_timeout_seconds: float = Field(
        60, gt=0, le=600, description="Longest wait for one answer of the news API, in seconds."
    )
    request_attempts: int = Field(
        5, ge=1, le=20, description="Tries of one request in passing trouble."
    )
    fetch_deadline_seconds: float = Field(
        1200, gt=0, le=86_400, description="Longest time a run may spend on fetching."
    )

    use_postgres: bool = Field(False, description="Store in PostgreSQL instead of DuckDB.")
    postgres_host: Host = Field("localhost", description="PostgreSQL server.")
    postgres_port: int = Field(5432, ge=1, le=65535, description="PostgreSQL port.")
    postgres_standby: Server | None = Field(
        None,
        description="The database's other server, in another region (`host` or `host:port`): "
        "connections go to the one of the two that takes writes, and a run on one that was given "
        "up refuses to write.",
    )
    postgres_read_host: Host | None = Field(
        None,
        description="A replica of the database, from which pages, the API, feeds, the dashboard "
        "and `newsapi articles` read while it is near enough to the primary.",
    )
    postgres_read_port: int | None = Field(
        None, ge=1, le=65535, description="The replica's port (default: `POSTGRES_PORT`)."
    )
    postgres_read_lag_seconds: float = Field(
        10, gt=0, le=86_400, description="How far the replica may be behind to be read, in seconds."
    )
    postgres_db: str = Field("newsapi_db", description="PostgreSQL database.")
    postgres_user: str = Field("dagster_user", description="PostgreSQL role that logs in.")
    postgres_role: str | None = Field(
        None,
        description="Role that each session takes after its login (`SET ROLE`): the tables' owner, "
        "where `POSTGRES_USER` is a member of it, such as a managed identity.",
    )
    postgres_password: SecretStr | None = Field(None, description="Password of that user.")
    postgres_password_url: SecretAddress | None = Field(
        None,
        description="Address of that password in Azure Key Vault (`https://VAULT/secrets/NAME`), "
        "instead of `POSTGRES_PASSWORD`: a password that is changed there is taken up at once, "
        "without a restart (extra `azure`).",
    )
    postgres_auth: Literal["password", "entra"] = Field(
        "password",
        description="Log in with `POSTGRES_PASSWORD`, or with Microsoft Entra tokens (`entra`).",
    )
    postgres_sslmode: SslMode | None = Field(
        None,
        description="TLS, as libpq names it (default: `require`, but `prefer` on this machine).",
    )
    postgres_sslrootcert: Certificates | None = Field(
        None, description="File of trusted certificates for `verify-ca` and `verify-full`."
    )
    postgres_pool_size: int = Field(
        4, ge=1, le=100, description="Connections that a process keeps to PostgreSQL at most."
    )
    postgres_statement_timeout_seconds: Wait = Field(
        300, description="Longest time for one statement; 0 for no limit."
    )
    postgres_lock_timeout_seconds: Wait = Field(
        60, description="Longest wait for a lock on a table or row; 0 for no limit."
    )
    postgres_reconnect_seconds: Wait = Field(
        180, description="How long work under way waits for a server that went away."
    )
    newsapi_home: File | None = Field(
        None,
        description="Folder for all that is written, wherever commands are started (default: "
        "`data` in the working folder).",
    )
    duckdb_path: DatabaseFile = Field(
        Path("data/news.duckdb"),
        description="The DuckDB file (where `NEWSAPI_HOME` is set: `news.duckdb` in that).",
    )
    saved_searches: File | None = Field(
        None,
        description="File of the saved searches (default: saved-searches.json beside DUCKDB_PATH).",
    )
    duckdb_memory_limit: MemorySize = Field("192MB", description="Memory that DuckDB may take.")
    database_wait_seconds: Wait = Field(
        15, description="How long to wait for a database that another process holds."
    )
    run_wait_seconds: Wait = Field(
        600, description="How long a run waits for another run that is under way."
    )
    dagster_home: File | None = Field(
        None, description="Dagster's home (default: `dagster` beside the DuckDB file)."
    )
    run_retention_days: int = Field(
        90, ge=1, le=36_500, description="Days for which Dagster's records of a run are kept."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto",
        description="Logs as one JSON object a line, or as text; `auto` is JSON where a container "
        "platform (Azure Container Apps, Kubernetes) collects the output.",
    )
    compute_logs: Literal["auto", "local", "console", "azure"] = Field(
        "auto",
        description="Where a step's output goes: to files in Dagster's home (`local`), to the "
        "process's own output (`console`), to Blob Storage (`azure`); `auto` is `console` with "
        "PostgreSQL, else `local`.",
    )
    compute_logs_account: str | None = Field(
        None, description="Storage account for `COMPUTE_LOGS=azure`."
    )
    compute_logs_container: str = Field(
        "dagster-logs", description="Blob container for `COMPUTE_LOGS=azure`."
    )

    key_vault_url: SecureAddress | None = Field(
        None,
        description="Azure Key Vault from which the news API's key is read, with the machine's "
        "identity, when NEWSAPI_KEY isn't set (secret `newsapi-api-key`; extra `azure`).",
    )
    run_launcher: Literal["daemon", "jobs"] = Field(
        "daemon",
        description="Where scheduled runs run: in the daemon's container, or each in an Azure "
        "Container Apps Job of its own (extra `azure`).",
    )
    aca_subscription_id: str | None = Field(
        None, description="For `RUN_LAUNCHER=jobs`: the subscription in which jobs are made."
    )
    aca_resource_group: str | None = Field(None, description="The jobs' resource group.")
    aca_region: str | None = Field(None, description="The jobs' region.")
    aca_environment_id: str | None = Field(
        None, description="Resource id of the Container Apps environment in which jobs run."
    )
    aca_identity_id: str | None = Field(
        None, description="Resource id of the user-assigned identity with which jobs log in."
    )

    database_size_gb: float | None = Field(
        None,
        gt=0,
        description="Size of the database's storage; alerts tell before it is full (default with "
        "DuckDB: the free space of its disk).",
    )

    backup_location: FolderOrContainer | None = Field(
        None,
        description="Place of the backups: a folder, or the https address of a container in Blob "
        "Storage (extra `azure`, reached with the machine's identity). When it is set, Dagster "
        "makes a backup each week.",
    )
    backup_keep: int = Field(8, ge=1, description="Backups that are kept; older ones are deleted.")
    lake_location: FolderOrContainer | None = Field(
        None,
        description="Place of the lake, the archive of raw records: a folder or a container, as "
        "above. When it is set, Dagster archives new records after each run.",
    )

    redis_url: RedisAddress | None = Field(
        None,
        description="Redis, in which the replicas of `newsapi serve` keep answers and count the "
        "requests of each key, as `rediss://:PASSWORD@HOST:PORT`; plain redis only on loopback.",
    )
    redis_auth: Literal["password", "entra"] = Field(
        "password",
        description="Log in to Redis with what REDIS_URL says, or with Microsoft Entra tokens of "
        "the machine's identity (`entra`; extra `azure`).",
    )
    answer_cache_mb: int = Field(
        64,
        ge=0,
        le=100_000,
        description="Memory in which each process of `newsapi serve` keeps answers, in MB; 0 keeps "
        "none, in Redis neither.",
    )
    key_uses_days: int = Field(
        90, ge=1, le=3650, description="Days for which the use of keys of the server is kept."
    )

    otel_exporter_otlp_endpoint: WebAddress | None = Field(
        None,
        description="Base address of an OpenTelemetry collector (OTLP over HTTP) to which each run "
        "sends its figures; needs the extra `otel`.",
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        None, description="Headers for the collector, as `name=value,name=value`."
    )
    applicationinsights_connection_string: SecretStr | None = Field(
        None,
        description="Application Insights to which each run sends its figures; needs the extra "
        "`azure`.",
    )

    alerts_file: File | None = Field(
        None, description="Alert rules (default: ./alerts.yaml, else the shipped ones)."
    )
    ui_base_url: WebAddress | None = Field(
        None, description="Address of Dagster's UI, for the links in alerts."
    )
    smtp_host: Host | None = Field(None, description="Mail server for alerts.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_user: str | None = Field(None, description="Account on the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password of that account.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="Encryption of mail: `starttls`, `tls` from the start, `none`."
    )
    alert_email_from: str | None = Field(None, description="Sender of alerts by mail.")
    alert_email_to: str | None = Field(
        None, description="Receivers of alerts by mail, separated by commas."
    )
    slack_webhook_url: SecureWebhook | None = Field(
        None, description="Slack's incoming webhook for alerts."
    )
    digest_email_to: str | None = Field(
        None,
        description="Receivers of the weekly digest by mail, separated by commas; it goes through "
        "SMTP_HOST, from ALERT_EMAIL_FROM.",
    )
    digest_slack_webhook_url: SecureWebhook | None = Field(
        None, description="Slack's incoming webhook for the weekly digest."
    )
    reading_url: WebAddress | None = Field(
        None,
        description="Address at which people open `newsapi serve`, for the links in digests.",
    )
    pagerduty_routing_key: SecretStr | None = Field(
        None, description="PagerDuty's integration key (Events API v2) for alerts."
    )
    pagerduty_url: SecureAddress = Field(
        PAGERDUTY,
        description="PagerDuty's events address; in the EU https://events.eu.pagerduty.com.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before `.env`, each value as it stands there.

        The library's own sources look through the type of every field for values in JSON, which
        takes longer than all else. No setting is written in JSON.
        """
        given = {
            name: value
            for source in (dotenv_settings, env_settings)
            if isinstance(source, EnvSettingsSource)
            for name, value in source.env_vars.items()
            if name in settings_cls.model_fields and value is not None
        }
        return init_settings, InitSettingsSource(settings_cls, given)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in values.items() if not _is_blank(value)}
        if "newsapi_home" in given and "duckdb_path" not in given:
            given["duckdb_path"] = f"{str(given['newsapi_home']).strip(_AROUND)}/news.duckdb"
        return given

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        line = value.strip(_AROUND)
        quoted = len(line) > 1 and line[0] == line[-1] and line[0] in "\"'"
        if quoted and not (info.field_name or "").endswith("_password"):
            # `docker run --env-file` takes the quotes of a file as a part of the value.
            raise ValueError("must not be in quotes here: leave them out")
        if any(unicodedata.category(letter) == "Cc" for letter in line):
            raise ValueError("must be one line, without control characters")
        if any(unicodedata.category(letter) == "Cs" for letter in line):
            # What the environment holds in another encoding arrives as half characters.
            raise ValueError("must be UTF-8 text: write it again in that encoding")
        return line

    @model_validator(mode="after")
    def _whole_mail_settings(self) -> "Settings":
        if self.smtp_host is None:
            if self.digest_email_to is not None:
                raise ValueError("DIGEST_EMAIL_TO needs SMTP_HOST and ALERT_EMAIL_FROM")
            return self
        if self.alert_email_from is None:
            raise ValueError("SMTP_HOST needs ALERT_EMAIL_FROM")
        if self.alert_email_to is None and self.digest_email_to is None:
            raise ValueError("SMTP_HOST needs ALERT_EMAIL_TO or DIGEST_EMAIL_TO")
        if mail_address(self.alert_email_from) is None:
            raise ValueError(
                "ALERT_EMAIL_FROM must be one mail address, as in newsapi <alerts@example.com>"
            )
        for setting in ("alert_email_to", "digest_email_to"):
            given = getattr(self, setting)
            if given is not None and not mail_addresses(given).usable:
                raise ValueError(
                    f"{setting.upper()} must be mail addresses, separated by commas; a name with "
                    'a comma is put in quotes, as in "Team, B" <b@example.com>'
                )
        if self.smtp_security == "none" and self.smtp_user and not is_loopback(self.smtp_host):
            raise ValueError("SMTP_SECURITY=none would show SMTP_PASSWORD to the network")
        return self

    @model_validator(mode="after")
    def _sandbox_or_key(self) -> "Settings":
        key = self.newsapi_key or self.key_vault_url
        if self.newsapi_sandbox == "never" and key is None:
            raise ValueError("NEWSAPI_KEY is needed when NEWSAPI_SANDBOX=never")
        return self

    @model_validator(mode="after")
    def _one_password(self) -> "Settings":
        if self.postgres_password_url and self.postgres_password:
            raise ValueError("set POSTGRES_PASSWORD or POSTGRES_PASSWORD_URL, not both")
        if self.postgres_password_url and self.postgres_auth == "entra":
            raise ValueError("POSTGRES_AUTH=entra needs no POSTGRES_PASSWORD_URL")
        return self

    @model_validator(mode="after")
    def _whole_job_settings(self) -> "Settings":
        if self.run_launcher == "daemon":
            return self
        names = ("subscription_id", "resource_group", "region", "environment_id", "identity_id")
        fields = [*(f"aca_{name}" for name in names), "key_vault_url"]
        missing = [field.upper() for field in fields if getattr(self, field) is None]
        if missing:
            raise ValueError(f"RUN_LAUNCHER=jobs needs {', '.join(missing)}")
        if not self.use_postgres or self.postgres_auth != "entra":
            # A job's variables are shown in plain text: there is no place for a password.
            raise ValueError("RUN_LAUNCHER=jobs needs USE_POSTGRES=true and POSTGRES_AUTH=entra")
        return self

    @model_validator(mode="after")
    def _place_for_logs(self) -> "Settings":
        if self.compute_logs == "azure" and self.compute_logs_account is None:
            raise ValueError("COMPUTE_LOGS_ACCOUNT is needed when COMPUTE_LOGS=azure")
        return self

    @property
    def standby_server(self) -> tuple[str, int] | None:
        """Host and port of the database's other server."""
        if self.postgres_standby is None:
            return None
        host, _, port = self.postgres_standby.partition(":")
        return host, int(port or self.postgres_port)

    @property
    def owner_role(self) -> str:
        """The role that owns the tables on PostgreSQL, or is to."""
        return self.postgres_role or self.postgres_user

    @property
    def sslmode(self) -> SslMode:
        """TLS towards PostgreSQL: what was set, else `require` for a host that isn't local."""
        local = self.postgres_host.startswith(("/", "@")) or is_loopback(self.postgres_host)
        return self.postgres_sslmode or ("prefer" if local else "require")

    @property
    def uses_sandbox(self) -> bool:
        """Whether runs read the built-in sandbox rather than `newsapi_host`."""
        if self.newsapi_sandbox != "auto":
            return self.newsapi_sandbox == "always"
        return (
            self.newsapi_key is None
            and self.key_vault_url is None
            and not self.use_postgres
            and "newsapi_host" not in self.model_fields_set
        )

    @property
    def email_receivers(self) -> tuple[str, ...]:
        """The addresses of ALERT_EMAIL_TO."""
        return tuple(str(one) for one in mail_addresses(self.alert_email_to or "").usable)

    @property
    def unusable_receivers(self) -> tuple[str, ...]:
        """What in ALERT_EMAIL_TO is no address."""
        return mail_addresses(self.alert_email_to or "").unusable

    @property
    def digest_receivers(self) -> tuple[str, ...]:
        """The channels by which the weekly digest goes to people, as they call them."""
        channels = {"e-mail": self.digest_email_to, "Slack": self.digest_slack_webhook_url}
        return tuple(name for name, value in channels.items() if value is not None)

    @property
    def sends_figures(self) -> bool:
        """Whether runs send their figures to a collector or to Azure Monitor."""
        endpoint = self.otel_exporter_otlp_endpoint
        return endpoint is not None or self.applicationinsights_connection_string is not None

    @property
    def data_folder(self) -> Path:
        """The folder of the DuckDB file, where run-time state is kept by default."""
        return self.duckdb_path.parent

    @property
    def reading_folder(self) -> Path:
        """The folder of the reader's copy, where DuckDB stores."""
        return self.data_folder / "reading"

    @property
    def saved_searches_path(self) -> Path:
        """The file of the saved searches."""
        return self.saved_searches or self.data_folder / "saved-searches.json"

    @property
    def home(self) -> Path:
        """Dagster's home folder, absolute as Dagster demands it."""
        return (self.dagster_home or self.data_folder / "dagster").absolute()


@dataclass(frozen=True, slots=True)
class SettingInUse:
    """One line of `newsapi config`."""

    name: str
    value: str
    origin: str
    description: str


def settings_in_use(settings: Settings) -> list[SettingInUse]:
    """List every setting with its value, secrets masked, and where the value came from."""
    in_environment = {name.upper() for name, value in os.environ.items() if not _is_blank(value)}
    in_file = {binding.key.upper() for binding in _env_file() if binding.key}
    lines = []
    for field, info in Settings.model_fields.items():
        name = field.upper()
        value = getattr(settings, field)
        if field not in settings.model_fields_set:
            origin = "default"
        elif name in in_environment:
            origin = "environment"
        elif name in in_file:
            origin = ENV_FILE
        elif field == "duckdb_path":
            origin = "NEWSAPI_HOME"
        else:
            origin = "key vault"
        shown = "" if value is None else str(value)
        lines.append(SettingInUse(name, shown, origin, info.description or ""))
    return lines


def mistakes_in_env_file() -> list[str]:
    """A sentence for each line of `.env` that has no effect, with the name that was meant."""
    known = [field.upper() for field in Settings.model_fields]
    try:
        bindings = _env_file()
    except (OSError, UnicodeDecodeError):
        return []  # Whoever loads the settings is told.
    sentences = []
    for binding in bindings:
        name = binding.key
        if binding.error:
            before = binding.original.string.removesuffix(binding.original.string.lstrip())
            line = binding.original.line + before.count("\n")
            sentences.append(f"{ENV_FILE}, line {line} is not NAME=value, so it has no effect")
        elif name and name.upper() not in known and not name.startswith(_NAMES_OF_COMPOSE):
            meant = nearest(name.upper(), known)
            hint = f"did you mean {meant}?" if meant else "`newsapi config` lists them all"
            sentences.append(f"{name} in {ENV_FILE} is no setting, so it has no effect: {hint}")
    return sentences


def _env_file() -> list["Binding"]:
    from dotenv.parser import parse_stream

    path = Path(ENV_FILE)
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as stream:
        return list(parse_stream(stream))


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read the settings once for this process.

    White space around a value is dropped, and a blank value means the default.

    Raises:
        SettingsError: a value is malformed; the message names each setting and what it must be,
            without repeating the value, which may be a secret; or the vault gives no key.
    """
    settings = _validated()
    if settings.newsapi_key is None and settings.key_vault_url is not None:
        from newsapi_dentsu.key_vault import NEWSAPI_KEY_SECRET, read_secret

        settings = _validated(newsapi_key=read_secret(settings.key_vault_url, NEWSAPI_KEY_SECRET))
    return settings


def secrets_as_given() -> Settings:
    """The secrets of the environment and `.env` as they are, where the settings are malformed.

    All else has its default: this is for masking, while `load_settings` has nothing to give.
    """
    given: dict[str, str] = {}
    with suppress(OSError, UnicodeDecodeError):
        given |= {one.key.upper(): one.value or "" for one in _env_file() if one.key}
    given |= {name.upper(): value for name, value in os.environ.items()}
    secrets: dict[str, Any] = {
        field: SecretStr(given[field.upper()].strip())
        for field, info in Settings.model_fields.items()
        if field.upper() in given and _may_be_secret(info.annotation)
    }
    return Settings.model_construct(**secrets)


def _may_be_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_may_be_secret, get_args(annotation)))


def _validated(**values: Any) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as error:
        problems = []
        for item in error.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in item["loc"]).upper()
            text = in_plain_words(item)
            problems.append(f"{name}: {text}" if name else text)
        raise SettingsError("; ".join(problems)) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE} is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} can't be read: {error.strerror}") from None


def chosen_file(setting: Path | None, local: Path, shipped: Path) -> Path:
    """Which file of a kind is in use: the setting's, else the local one, else the shipped."""
    if setting is not None:
        return setting
    return local if local.exists() else shipped


def read_file(path: Path, setting: str, error: type[PipelineError]) -> str:
    """Read the text of a file that a setting names.

    Raises:
        error: it can't be read; the message names the setting.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "not UTF-8 text"
        raise error(f"{path} can't be read ({reason}): see {setting}") from None
