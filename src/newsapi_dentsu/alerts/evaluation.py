"""One evaluation of the rules: gather the facts, follow the incidents, send what is new."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from newsapi_dentsu.alerts.channels import open_channels
from newsapi_dentsu.alerts.delivery import DeliveryContext, Sent, deliver
from newsapi_dentsu.alerts.rules_file import load_rules
from newsapi_dentsu.alerts.state_store import StateStore
from newsapi_dentsu.alerts.table_facts import read_brands, read_tables
from newsapi_dentsu.domain.alerts.facts import Facts, RunHistory, Tables
from newsapi_dentsu.domain.alerts.incidents import AlertState, Incident, advance, forget
from newsapi_dentsu.domain.alerts.limits import GB
from newsapi_dentsu.domain.alerts.rules import AlertRules
from newsapi_dentsu.errors import BrandsError, PipelineError
from newsapi_dentsu.masking import known_secrets, mask
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.source import load_brands
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.engines.base import Session

logger = logging.getLogger(__name__)

EVALUATED = "alerts_evaluated"
"""What the log line of an evaluation is known by."""


LONGEST_WAIT = 3.0
"""Seconds that an evaluation waits for a database that another process holds."""

ReadHistory = Callable[[AlertState, AlertRules, datetime], RunHistory]
"""Reads Dagster's records; raises PipelineError where they can't be reached."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found and did; `kept` counts the notices that reached nobody."""

    open: tuple[Incident, ...]
    sent: tuple[Sent, ...]
    kept: int
    channels: tuple[str, ...]
    trouble: str | None

    @property
    def summary(self) -> str:
        """The evaluation in one line."""
        parts = [f"{len(self.open)} open"]
        parts += [
            f"{one.channel}: {one.headline}"
            if one.accepted
            else f"{one.channel} failed ({one.answer})"
            for one in self.sent
        ]
        if self.kept:
            reason = "" if self.channels else ": no channel is set up"
            parts.append(f"{self.kept} kept for the next evaluation{reason}")
        if self.trouble:
            parts.append(f"the warehouse can't be opened ({self.trouble})")
        return "; ".join(parts)


def evaluate(
    settings: Settings,
    read_history: ReadHistory,
    *,
    job: str,
    interval: timedelta,
    now: datetime,
) -> Report:
    """Evaluate every rule once and notify operators of what is new.

    Args:
        settings: the settings.
        read_history: how to read Dagster's records.
        job: the job that the schedule runs.
        interval: the time between two of its runs.
        now: the time.

    Raises:
        AlertsError: the rules have a mistake, or the state can't be kept.
    """
    rules = load_rules(settings)
    with watched_warehouse(settings) as warehouse:
        store = StateStore(warehouse, settings.home, always_copy=not settings.use_postgres)
        with store.lock():
            state, tables = store.load(now, partial(_tables, warehouse, settings, rules, now))
            history, history_trouble = _history(read_history, state, rules, now)
            facts = Facts(now, job, interval, history, tables, history_trouble, store.trouble)
            state = forget(advance(state, rules, facts), now)
            secrets = known_secrets(settings)
            context = DeliveryContext(
                rules,
                open_channels(settings),
                place_of(settings, warehouse),
                settings.ui_base_url,
                lambda text: mask(text, secrets),
            )
            state, sent = deliver(state, facts, context, save=store.save, keep=store.keep)
            store.save(state)
    report = Report(
        state.open_incidents,
        tuple(sent),
        _kept(state, now),
        tuple(channel.name for channel in context.channels),
        store.trouble,
    )
    logger.info("Alerts: %s", report.summary, extra={"event": EVALUATED})
    return report


@contextmanager
def watched_warehouse(settings: Settings) -> Iterator[Warehouse]:
    """The warehouse, opened without a long wait: an evaluation can do without it."""
    hurried = settings.model_copy(
        update={
            "database_wait_seconds": min(settings.database_wait_seconds, LONGEST_WAIT),
            "postgres_reconnect_seconds": 0.0,
            "postgres_pool_size": 2,
        }
    )
    with closing(open_warehouse(hurried)) as warehouse:
        yield warehouse


def place_of(settings: Settings, warehouse: Warehouse) -> str:
    """The name of this installation, for people who run several."""
    if settings.use_postgres:
        return warehouse.location
    return f"{settings.duckdb_path.absolute()} on {socket.gethostname()}"


def _history(
    read_history: ReadHistory, state: AlertState, rules: AlertRules, now: datetime
) -> tuple[RunHistory | None, str | None]:
    try:
        return read_history(state, rules, now), None
    except PipelineError as error:
        return None, str(error)


def _tables(
    warehouse: Warehouse, settings: Settings, rules: AlertRules, now: datetime, session: Session
) -> Tables:
    size = settings.database_size_gb
    limit = None if size is None else int(size * GB)
    seen = read_tables(warehouse.engine, session, limit, now)
    rule = rules.rules.brand_tone
    if not rule.enabled:
        return seen
    try:
        names = [brand.name for brand in load_brands(settings).brands]
    except BrandsError as error:
        logger.warning("The tone of brands can't be judged: %s", error)
        return seen
    return replace(seen, brands=read_brands(session, names, rule.days, now))


def _kept(state: AlertState, now: datetime) -> int:
    pending = [notice for notice in state.notices.values() if notice.outcome == "pending"]
    silent = {
        incident.incident_id
        for incident in state.incidents.values()
        if state.silenced(incident.rule, now)
    }
    return sum(notice.incident_id not in silent for notice in pending)
