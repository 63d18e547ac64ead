"""Taking over somebody else's news tables: their rows become raw records of a new warehouse.

What processed and final show is then worked out from the records, as it always is. Every row is
accounted for: stored as a record, the same as one that is, or of a page of which an earlier table
told more.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from newsapi_dentsu.domain.urls import address, article_id
from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.transfer.foreign import ForeignFile, ForeignTable
from newsapi_dentsu.transfer.foreign_rows import Mapped, map_columns, map_row
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw

ORIGIN = "newsapi.ai"
QUERY = "legacy"
BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class Complaint:
    """A row of which something could not be mapped."""

    table: str
    row: int
    url: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class TableReport:
    """What became of a table's rows, and what its columns were taken for.

    rows = stored + repeated + covered; of the stored ones, `unusable` can't become articles.
    """

    table: str
    rows: int
    stored: int
    repeated: int
    covered: int
    unusable: int
    columns: Mapping[str, tuple[str, ...]]
    other_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every table: those that hold news, and the names of those that don't."""

    tables: tuple[TableReport, ...]
    ignored: tuple[str, ...]
    complaints: int


def import_foreign(
    source: ForeignFile,
    warehouse: Warehouse,
    *,
    language: str,
    now: datetime,
    complain: Callable[[Complaint], None],
    progress: Progress = no_progress,
) -> ImportReport:
    """Store every row of the source's news tables as a record of an empty warehouse.

    Args:
        source: the open file.
        warehouse: where the records go; it holds nothing yet.
        language: taken for rows that don't say theirs (ISO 639-2).
        now: taken as the time of fetching for rows that don't tell theirs.
        complain: told each row of which something can't be mapped.
        progress: told how many rows are done.

    Raises:
        WarehouseError: no table holds news.
    """
    return _Import(warehouse, language, now, complain).run(source, progress)


class _Import:
    def __init__(
        self,
        warehouse: Warehouse,
        language: str,
        now: datetime,
        complain: Callable[[Complaint], None],
    ) -> None:
        self._warehouse = warehouse
        self._language = language
        self._now = now
        self._complain = complain
        self._complaints = 0
        # By page, whether the tables before this one told its body; and whether this one does.
        self._before: dict[int, bool] = {}
        self._here: dict[int, bool] = {}

    def run(self, source: ForeignFile, progress: Progress) -> ImportReport:
        every = source.tables()
        news = [table for table in every if map_columns(table.columns).is_news]
        if not news:
            found = ", ".join(table.shown for table in every) or "none"
            raise WarehouseError(
                "the file holds no news: no table has a url with a title or a body "
                f"(tables: {found})"
            )
        total, done = sum(table.rows for table in news), 0
        reports = []
        for table in news:
            reports.append(self._table(source, table, done, total, progress))
            done += table.rows
        return ImportReport(
            tuple(reports),
            tuple(table.shown for table in every if table not in news),
            self._complaints,
        )

    def _table(
        self, source: ForeignFile, table: ForeignTable, done: int, total: int, progress: Progress
    ) -> TableReport:
        columns = map_columns(table.columns)
        counts: Counter[str] = Counter()

        def mapped() -> Iterator[Mapped]:
            for number, row in source.rows(table):
                one = map_row(
                    row,
                    columns,
                    # Of equal dates, the page's text comes from the table that was made last.
                    prefix=f"legacy:{table.rank}:",
                    language=self._language,
                    now=self._now,
                )
                counts["rows"] += 1
                self._note_problems(table, number, one)
                yield one

        rows = mapped()
        while batch := list(islice(rows, BATCH_ROWS)):
            taken = [one for one in batch if not self._covered(one)]
            counts["covered"] += len(batch) - len(taken)
            stored = self._store(taken)
            counts["stored"] += stored
            counts["repeated"] += len(taken) - stored
            for one in taken:
                self._remember(one)
                counts["unusable"] += one.record.unusable is not None
            progress(done + counts["rows"], total)
        self._before |= {
            page: told or self._before.get(page, False) for page, told in self._here.items()
        }
        self._here = {}
        return TableReport(
            table.shown,
            counts["rows"],
            counts["stored"],
            counts["repeated"],
            counts["covered"],
            counts["unusable"],
            columns.fields,
            columns.others,
        )

    def _note_problems(self, table: ForeignTable, number: int, one: Mapped) -> None:
        reasons = []
        if one.record.unusable is not None:
            reasons.append(f"can't become an article: {one.record.unusable}")
        unreadable = [name for name in one.record.problems if name != "url"]
        if unreadable:
            reasons.append(f"unreadable: {', '.join(unreadable)}")
        if reasons:
            self._complaints += 1
            url = one.record.url
            self._complain(Complaint(table.shown, number, url, "; ".join(reasons)))

    def _covered(self, one: Mapped) -> bool:
        """Whether an earlier table has told at least as much of the row's page."""
        page = _page(one)
        if page is None or page not in self._before:
            return False
        return self._before[page] or not _has_body(one)

    def _remember(self, one: Mapped) -> None:
        page = _page(one)
        if page is not None:
            self._here[page] = self._here.get(page, False) or _has_body(one)

    def _store(self, taken: Sequence[Mapped]) -> int:
        fetched = [(one.record, one.fetched_at) for one in taken]
        stored = self._warehouse.write(
            lambda session: raw.append(session, fetched, query_id=QUERY, origin=ORIGIN)
        )
        return stored.new + stored.changed


def _page(one: Mapped) -> int | None:
    found = address(one.record.url) if one.record.unusable is None else None
    return int(article_id(found.page)[:16], 16) if found else None


def _has_body(one: Mapped) -> bool:
    return bool(json.loads(one.record.record).get("body"))
