"""A year's archive behind a local news API, and the settings to fetch it with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from newsapi_dentsu.domain.months import Month, months
from newsapi_dentsu.progress import no_progress
from newsapi_dentsu.runs import month_processes
from newsapi_dentsu.runs.month_processes import fetch_months
from newsapi_dentsu.runs.months import MonthReport, take_up_backfill
from newsapi_dentsu.sandbox import SANDBOX_KEY
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse import Warehouse, open_warehouse
from newsapi_dentsu.warehouse.tables import backfills
from newsapi_dentsu.warehouse.tables.backfills import Backfill, Spent
from support.api import Api, serving
from support.articles import TOPICS, article, many
from support.databases import Database, place_of
from support.forking import server

FIRST, LAST = date(2025, 1, 30), date(2025, 4, 2)
"""The end of one month, two whole ones, of which the first has no article, and the begin of one."""

ARTICLES = [
    article("last-of-january", at=datetime(2025, 1, 31, 23, 59, 59, tzinfo=UTC)),
    # The night of which an hour is missing in Europe.
    article("summer-time", at=datetime(2025, 3, 30, 1, 30, tzinfo=UTC)),
    *many(230, at=datetime(2025, 3, 1, tzinfo=UTC), prefix="march-"),
    article("last-of-march", at=datetime(2025, 3, 31, 23, 59, 59, tzinfo=UTC)),
    article("first-of-april", at=datetime(2025, 4, 1, tzinfo=UTC)),
]
DAYS = "the archive"
PRICE = 5
COST = PRICE * ((LAST - FIRST).days + 1 + 2 * (3 - 1))
"""A request a day, and two more for each further page: they are read forwards and backwards."""


def settings_of(database: Database, api: Api, **options: Any) -> Settings:
    """Settings of a backfill into a database."""
    given = {"backfill_requests_per_minute": 6000, "run_wait_seconds": 20, **options}
    return Settings(
        _env_file=None,
        newsapi_host=api.sandbox.url,
        newsapi_key=SANDBOX_KEY,
        **place_of(database),
        **given,
    )


@dataclass
class Backfilling:
    """A backfill of the archive, as its command does it."""

    settings: Settings
    api: Api
    reports: list[MonthReport] = field(default_factory=list)

    @property
    def months(self) -> list[Month]:
        return list(months(FIRST, LAST))

    def begin(self, warehouse: Warehouse) -> Backfill:
        return take_up_backfill(self.settings, warehouse, TOPICS, DAYS)[0]

    def run(self, *, reread: bool = False, ends: bool = True) -> Spent:
        """Fetch all months; what the backfill has spent."""
        warehouse = open_warehouse(self.settings)
        begun = self.begin(warehouse)
        self.reports = fetch_months(
            self.settings,
            TOPICS,
            self.months,
            begun,
            reread=reread,
            told=lambda _: None,
            progress=no_progress,
        )
        if ends:
            warehouse.write(
                lambda session: backfills.end(session, begun.backfill_id, datetime.now(UTC))
            )
        spent = warehouse.read(lambda session: backfills.spent(session, begun.backfill_id))
        warehouse.close()
        return spent

    def failed(self) -> dict[str, str]:
        """The months that aren't whole, with the reasons."""
        return {one.month: one.error for one in self.reports if one.error is not None}

    def days_asked(self) -> list[date]:
        """The days that were asked for, as often as they were."""
        return [day for day, _ in self.api.searches()]


@pytest.fixture
def archive() -> Iterator[Api]:
    """The news API."""
    with serving(ARTICLES, clock=None) as api:
        api.clock.now = datetime.now(UTC) - timedelta(seconds=1)
        yield api


@pytest.fixture
def backfilling(database: Database, archive: Api, monkeypatch: pytest.MonkeyPatch) -> Backfilling:
    """A backfill of it; its processes begin quickly."""
    monkeypatch.setattr(month_processes, "get_context", lambda _: server)
    return Backfilling(settings_of(database, archive), archive)
