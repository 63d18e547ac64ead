"""What a deployment needs, examined one by one: `newsapi doctor`."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from newsapi_dentsu.alerts.table_facts import read_fetches, read_months
from newsapi_dentsu.domain.alerts.conditions import daily_tokens
from newsapi_dentsu.domain.alerts.limits import GB, Limits
from newsapi_dentsu.domain.mail_addresses import mail_addresses
from newsapi_dentsu.errors import (
    AccessRefusedError,
    NewerTablesError,
    PipelineError,
    SettingsError,
    TokensSpentError,
    WarehouseError,
)
from newsapi_dentsu.health import relevance
from newsapi_dentsu.health.limits import limits_in_use
from newsapi_dentsu.meaning import open_embedder
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.source import load_brands, load_topics, open_source, topics_path
from newsapi_dentsu.stages.pipeline import DIGEST_SCHEDULE, LAST, SCHEDULE
from newsapi_dentsu.warehouse import Warehouse, open_to_examine, open_to_read, open_warehouse
from newsapi_dentsu.warehouse.queries.dagster_records import (
    DagsterRecords,
    damaged_records,
    read_dagster_records,
)
from newsapi_dentsu.warehouse.queries.freshness import final_complete_through
from newsapi_dentsu.warehouse.schema import history
from newsapi_dentsu.warehouse.schema.inspection import differences, size_and_time
from newsapi_dentsu.warehouse.tables import embeddings, stage_runs
from newsapi_dentsu.wording import counted, duration

State = Literal["ok", "warning", "problem"]

LONGEST_BACKUP_AGE = timedelta(days=8)
"""Age of the newest backup from which one is missing: they are made each week."""

LEAST_FREE = 1 << 30
"""Bytes that Dagster's home needs to have free, where the database is elsewhere."""

WORST_CLOCK = 60.0
"""Seconds by which this machine's clock may be wrong: more would misdate what is fetched."""

_START = "dagster schedule start -m newsapi_dentsu.definitions"
_SCHEDULE_ON = f"{_START} {SCHEDULE}"

_START_DAEMON = "newsapi daemon, or newsapi dev"

_BUY_TOKENS = "buy tokens on https://newsapi.ai/dashboard, or wait for the next month"

_REMEDIES: Final[Mapping[str, str]] = {
    "topics": "correct the topics file, then newsapi topics",
    "brands": "correct the file of brands, or BRANDS_FILE; docs/sentiment.md",
    "model": "correct SENTENCE_MODEL, or install the program again",
    "api": "correct NEWSAPI_HOST, or the topics file; newsapi config shows what is set",
    "database": "newsapi db check; docs/operations.md",
    "relevance": "see to the database first",
    "last run": "see to the database first, then newsapi run",
    "reader's copy": "see to the database first, then newsapi run",
    "search": "see to the database first, then newsapi run",
    "size": "see to the database first",
    "replica": "correct POSTGRES_READ_HOST and POSTGRES_READ_PORT",
    "free space": "make the folder of DUCKDB_PATH and DAGSTER_HOME readable",
    "backup": "correct BACKUP_LOCATION, then newsapi backup",
    "archive": "correct LAKE_LOCATION, or see to the lake; docs/recovery.md",
}
"""What to do where an examination fails."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found; `fix` says what to do where it isn't well."""

    check: str
    state: State
    detail: str
    fix: str = ""


def diagnose(now: datetime) -> Iterator[Finding]:
    """Examine this machine's deployment; whatever can't be examined is a problem of its own."""
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("settings", "problem", str(error), "correct the environment or .env")
        return
    yield Finding("settings", "ok", "all values are well-formed")
    yield from _examined("topics", lambda: _topics(settings))
    yield from _examined("brands", lambda: _brands(settings))
    use = limits_in_use(settings)
    limits = use.limits
    if use.trouble:
        yield Finding("alert rules", "problem", use.trouble, "newsapi alerts list, after a change")
    clocks: dict[str, float] = {}
    yield from _examined("model", lambda: _model(settings))
    yield from _examined("api", lambda: _api(settings, limits, clocks, now))
    with closing(open_to_examine(settings)) as warehouse:
        yield from _examined("database", lambda: _database(warehouse))
        yield from _examined("last run", lambda: _last_run(warehouse, limits, now))
        yield from _examined("relevance", lambda: _relevance(warehouse, now))
        if not settings.use_postgres:
            yield from _examined("reader's copy", lambda: _readers_copy(settings, warehouse))
        yield from _examined("search", lambda: _search(settings, warehouse))
        if settings.use_postgres:
            yield from _examined("size", lambda: _server(settings, warehouse, limits, clocks))
            yield from _examined("replica", lambda: _replica(settings))
    yield from _dagster(settings, limits, now)
    yield from _examined("free space", lambda: _free_space(settings, limits))
    yield from _examined("backup", lambda: _backups(settings, now))
    yield from _examined("archive", lambda: _lake(settings, limits, now))
    yield _channels(settings)
    yield _clock(clocks)


def _examined(check: str, examine: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from examine()
    except PipelineError as error:
        yield Finding(check, "problem", str(error), _remedy(check, error))


def _remedy(check: str, error: PipelineError) -> str:
    """What to do about what can't be examined; the error itself says more."""
    if isinstance(error, NewerTablesError):
        return "install the newer version of newsapi-dentsu"
    if isinstance(error, TokensSpentError):
        return _BUY_TOKENS
    if isinstance(error, AccessRefusedError):
        return "correct NEWSAPI_KEY in the environment or .env"
    if error.transient:
        return "newsapi doctor, again in a few minutes"
    return _REMEDIES[check]


def _topics(settings: Settings) -> Iterator[Finding]:
    found = load_topics(settings)
    yield Finding("topics", "ok", f"{topics_path(settings)}: {counted(len(found.topics), 'topic')}")


def _brands(settings: Settings) -> Iterator[Finding]:
    yield Finding("brands", "ok", f"{counted(len(load_brands(settings).brands), 'brand')} watched")


def _model(settings: Settings) -> Iterator[Finding]:
    embedder = open_embedder(settings)
    embedder.embed(["a text"])
    yield Finding("model", "ok", f"{embedder.model} makes vectors of {embedder.dimensions} numbers")


def _api(
    settings: Settings, limits: Limits, clocks: dict[str, float], now: datetime
) -> Iterator[Finding]:
    with open_source(settings) as source:
        usage = source.usage()
        offset = source.clock_offset
    if settings.uses_sandbox:
        yield Finding("api", "ok", "the built-in sandbox answers: its articles are invented")
        return
    if offset is not None:
        clocks["the news API's"] = offset
    yield Finding("api", "ok", f"{settings.newsapi_host} takes the key")
    shortage = limits.shortage(usage.left, _pace(settings, limits, now), now)
    state: State = "ok" if shortage is None else "warning" if usage.left else "problem"
    detail = f"{usage.left:,} of {usage.available:,} left"
    if shortage and usage.left:
        detail += f"; {shortage}"
    yield Finding("tokens", state, detail, "" if state == "ok" else _BUY_TOKENS)


def _pace(settings: Settings, limits: Limits, now: datetime) -> float | None:
    """The tokens that a recent day used on average; None where the tables don't tell."""
    try:
        with closing(open_warehouse(settings)) as warehouse, warehouse.snapshot() as session:
            fetches, months = read_fetches(session, now), read_months(session, now)
            return daily_tokens(fetches, months, now, limits.pace_days)
    except PipelineError:
        # What is wrong with the database is a finding of its own.
        return None


def _database(warehouse: Warehouse) -> Iterator[Finding]:
    if not warehouse.engine.exists():
        detail = f"{warehouse.location} doesn't exist yet"
        yield Finding("database", "problem", detail, "newsapi db upgrade")
        return
    # What a newer program has made is an error, which is told with its remedy.
    warehouse.inspect(lambda session: history.pending(warehouse.engine, session))
    problems = warehouse.inspect(lambda session: differences(warehouse.engine, session))
    indexes = [text for text in problems if text.startswith("index ")]
    others = [text for text in problems if text not in indexes]
    if others:
        yield Finding("database", "problem", "; ".join(others), "newsapi db upgrade")
        return
    yield Finding("database", "ok", f"{warehouse.location}: reachable, the tables are as wanted")
    kept = warehouse.inspect(embeddings.form)
    yield Finding("embeddings", "ok", f"vectors are kept {kept}")
    if indexes:
        yield Finding("indexes", "problem", "; ".join(indexes), "newsapi db upgrade")
    else:
        yield Finding("indexes", "ok", "all are there")


def _last_run(warehouse: Warehouse, limits: Limits, now: datetime) -> Iterator[Finding]:
    with warehouse.snapshot() as session:
        runs = stage_runs.stage_runs(session, limit=100)
        done = stage_runs.last_success(session, LAST.name)
        through = final_complete_through(session, now)
    if done is None and through is None:
        yield Finding("last run", "problem", "no run has succeeded yet", "newsapi run")
        return
    if through is None:
        detail = "no run has read everything yet"
        yield Finding("last run", "problem", detail, "newsapi status, then newsapi run")
        return
    newest = max(through, done or through)
    if now - newest < -timedelta(seconds=WORST_CLOCK):
        detail = f"ended at {newest:%Y-%m-%d %H:%M} UTC, which is still to come"
        yield Finding("last run", "problem", detail, "set this machine's clock right (NTP)")
        return
    succeeded = f"succeeded {duration(max(now - done, timedelta()))} ago; " if done else ""
    detail = f"{succeeded}final holds everything up to {through:%Y-%m-%d %H:%M} UTC"
    failed = next((run for run in runs if run.status == "failed"), None)
    if limits.stale(through, now):
        reason = f"; the last failure: {failed.error}" if failed else ""
        yield Finding("last run", "problem", detail + reason, "newsapi status, then newsapi run")
    else:
        yield Finding("last run", "ok", detail)


def _relevance(warehouse: Warehouse, now: datetime) -> Iterator[Finding]:
    with warehouse.snapshot() as session:
        found = relevance.off_topic(session, now)
    if found and found.much:
        yield Finding("relevance", "warning", str(found), relevance.FIX)
    elif found:
        yield Finding("relevance", "ok", str(found))


def _readers_copy(settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    from newsapi_dentsu.reading.library import state_of_copy
    from newsapi_dentsu.reading.states import current_state

    with warehouse.snapshot() as session:
        wanted = current_state(session)
    try:
        there = state_of_copy(settings.reading_folder)
    except WarehouseError as error:
        yield Finding("reader's copy", "problem", str(error), "newsapi run")
        return
    if there == wanted:
        yield Finding("reader's copy", "ok", f"{settings.reading_folder} has all of final")
        return
    detail = f"{settings.reading_folder} is behind final"
    yield Finding("reader's copy", "warning", detail, "newsapi run; its log says why it failed")


def _search(settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    from newsapi_dentsu.reading.hits import NoIndexError
    from newsapi_dentsu.reading.index import reach_told, searchable
    from newsapi_dentsu.reading.states import current_state

    try:
        reach = searchable(warehouse, settings.reading_folder)
    except NoIndexError as error:
        yield Finding("search", "warning", str(error), "newsapi run; its log says why it failed")
        return
    with warehouse.snapshot() as session:
        wanted = current_state(session)
    if reach.state != wanted:
        detail = "the index is behind final"
        yield Finding("search", "warning", detail, "newsapi run; its log says why it failed")
    elif reach.since is not None:
        yield Finding("search", "warning", reach_told(reach), "newsapi searches index")
    else:
        yield Finding("search", "ok", "all of final can be searched")


def _server(
    settings: Settings, warehouse: Warehouse, limits: Limits, clocks: dict[str, float]
) -> Iterator[Finding]:
    size, moment = warehouse.inspect(size_and_time)
    clocks["the database's"] = time.time() - moment.timestamp()
    taken = size / GB
    if settings.database_size_gb is None:
        yield Finding("size", "ok", f"the database takes {taken:.2f} GB")
        return
    free = settings.database_size_gb - taken
    detail = f"{taken:.2f} of {settings.database_size_gb:g} GB taken"
    if limits.full(free * GB):
        fix = "make the server's storage larger; docs/operations.md, A full database"
        yield Finding("size", "problem", detail, fix)
    else:
        yield Finding("size", "ok", detail)


def _replica(settings: Settings) -> Iterator[Finding]:
    with closing(open_to_read(settings)) as warehouse:
        state = warehouse.replica()
    if state is None:
        return
    if state.used and not state.trouble:
        yield Finding("replica", "ok", f"it is read, {state.lag or 0:.1f} s behind at most")
        return
    fix = "see to the replica, or correct POSTGRES_READ_HOST; meanwhile the primary is read"
    yield Finding("replica", "warning", state.trouble or "it isn't read", fix)


def _dagster(settings: Settings, limits: Limits, now: datetime) -> Iterator[Finding]:
    try:
        records = read_dagster_records(settings)
    except PipelineError as error:
        damaged = None if settings.use_postgres else damaged_records(settings.home)
        fix = f"move {damaged} away, then newsapi run" if damaged else _START_DAEMON
        yield Finding("daemon", "problem", str(error), fix)
        return
    yield _daemon(settings, records, limits, now)
    if SCHEDULE in records.switched_off:
        yield Finding("schedule", "problem", f"{SCHEDULE} is switched off", _SCHEDULE_ON)
    else:
        yield Finding("schedule", "ok", f"{SCHEDULE} is on")
    yield from _digest(settings, records)


def _digest(settings: Settings, records: DagsterRecords) -> Iterator[Finding]:
    """Whether the digest has receivers and is sent: both or neither."""
    to = " and ".join(settings.digest_receivers)
    unusable = mail_addresses(settings.digest_email_to or "").unusable
    if unusable:
        detail = f"no digest goes to {', '.join(unusable)}"
        yield Finding("digest", "problem", detail, "correct the addresses in DIGEST_EMAIL_TO")
    elif to and DIGEST_SCHEDULE in records.switched_off:
        detail = f"it would go by {to}, but {DIGEST_SCHEDULE} is switched off"
        fix = f"{_START} {DIGEST_SCHEDULE}, or leave its receivers out"
        yield Finding("digest", "warning", detail, fix)
    elif to:
        yield Finding("digest", "ok", f"the weekly digest goes by {to}")
    elif DIGEST_SCHEDULE in records.switched_on:
        detail = f"{DIGEST_SCHEDULE} is on, but nobody receives it"
        fix = "set DIGEST_EMAIL_TO or DIGEST_SLACK_WEBHOOK_URL, or switch it off"
        yield Finding("digest", "warning", detail, fix)


def _daemon(settings: Settings, records: DagsterRecords, limits: Limits, now: datetime) -> Finding:
    silence = records.silence(now)
    if silence is None:
        # Who only tries it out, or lets cron run it, lacks nothing.
        state: State = "problem" if settings.use_postgres else "warning"
        detail = "none has ever run: runs begin only when somebody starts them"
        return Finding("daemon", state, detail, _START_DAEMON)
    detail = f"last heartbeat {duration(silence)} ago"
    if limits.silent(silence):
        return Finding("daemon", "problem", detail, "start newsapi daemon again; see its log")
    return Finding("daemon", "ok", detail)


def _free_space(settings: Settings, limits: Limits) -> Iterator[Finding]:
    folders = {settings.home} if settings.use_postgres else {settings.home, settings.data_folder}
    for folder in sorted(folders):
        there = next(
            path
            for path in (folder.absolute(), *folder.absolute().parents)
            if os.access(path, os.F_OK)
        )
        free = shutil.disk_usage(there).free
        detail = f"{free / GB:.1f} GB at {folder}"
        holds_database = folder == settings.data_folder and not settings.use_postgres
        if limits.full(free) if holds_database else free < LEAST_FREE:
            yield Finding("free space", "problem", detail, "make room, or move the folder")
        else:
            yield Finding("free space", "ok", detail)


def _backups(settings: Settings, now: datetime) -> Iterator[Finding]:
    if settings.backup_location is None:
        return
    from newsapi_dentsu.recovery.backups import list_backups
    from newsapi_dentsu.storage import open_store

    found = list_backups(open_store(settings.backup_location))
    if found.newer:
        name, why = next(iter(found.newer.items()))
        detail = f"the newest in {settings.backup_location}, {name}, is damaged: {why}"
        yield Finding("backup", "problem", detail, "newsapi backup; see newsapi backup list")
        return
    made_at = found.whole[0].manifest.exported_at if found.whole else None
    yield _copy("backup", settings.backup_location, made_at, now, LONGEST_BACKUP_AGE)


def _lake(settings: Settings, limits: Limits, now: datetime) -> Iterator[Finding]:
    if settings.lake_location is None:
        return
    from newsapi_dentsu.lake.listing import read_lake
    from newsapi_dentsu.storage import open_store

    lake = read_lake(open_store(settings.lake_location))
    made_at = lake.archived_at if lake else None
    yield _copy("archive", settings.lake_location, made_at, now, limits.stale_after)


def _copy(
    kind: str, location: str, made_at: datetime | None, now: datetime, longest: timedelta
) -> Finding:
    if made_at is None:
        return Finding(kind, "problem", f"there is none in {location}", f"newsapi {kind}")
    detail = f"the newest in {location} is of {made_at:%Y-%m-%d %H:%M} UTC"
    if now - made_at > longest:
        return Finding(kind, "problem", detail, f"newsapi {kind}; see the schedule's runs")
    return Finding(kind, "ok", detail)


def _channels(settings: Settings) -> Finding:
    channels = {
        "e-mail": settings.alert_email_to if settings.smtp_host else None,
        "Slack": settings.slack_webhook_url,
        "PagerDuty": settings.pagerduty_routing_key,
    }
    there = [name for name, value in channels.items() if value]
    if settings.smtp_host and settings.unusable_receivers:
        detail = f"no mail goes to {', '.join(settings.unusable_receivers)}"
        return Finding("channels", "problem", detail, "correct the addresses in ALERT_EMAIL_TO")
    if there:
        return Finding("channels", "ok", f"alerts go to {', '.join(there)}")
    # On PostgreSQL it is in production; on somebody's own machine they see for themselves.
    state: State = "problem" if settings.use_postgres else "warning"
    fix = "set SMTP_HOST, SLACK_WEBHOOK_URL or PAGERDUTY_ROUTING_KEY (docs/alerts.md)"
    return Finding("channels", state, "nobody is told of trouble", fix)


def _clock(clocks: dict[str, float]) -> Finding:
    if not clocks:
        return Finding("clock", "ok", "nothing to compare it with")
    whose, offset = max(clocks.items(), key=lambda item: abs(item[1]))
    detail = f"{offset:+.0f} s against {whose}"
    if abs(offset) > WORST_CLOCK:
        return Finding("clock", "problem", detail, "synchronize this machine's clock (NTP)")
    return Finding("clock", "ok", detail)
