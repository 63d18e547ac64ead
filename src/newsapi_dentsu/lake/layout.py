"""How the lake is laid out: five Delta tables beside each other in one place.

    PLACE/lake.json             the list: which records belong to it, proven, and as of when
    PLACE/raw_records/          every raw record, as raw.ai_marketing_news_raw has it
    PLACE/articles/             every state of processed.processed_news that an archiving met
    PLACE/removals/             processed.removals: which articles were removed
    PLACE/final/                the same of final.filtered_news
    PLACE/changes/              final.changes: what left final, and why
    PLACE/searches/             how far the searches are; plain Parquet, which the list names

Each table has the columns of the warehouse's table, under the same names and in the same order
(texts as `string`, moments as `timestamp` in UTC, whole numbers as `long` or `integer`), and
`month` (`2026-11`), by which it is partitioned: that of `LakeTable.moment`, in UTC. Only rows are
ever added, in the order of `LakeTable.order`; `raw_records`, `removals` and `changes` hold each
number once. Of `articles` and `final` the row with the highest `change_seq` of an `article_id` is
its newest. The article is gone where `removals` has a higher number for it, or `changes` has one
with any reason but `fuller_text` and `own_text`; all others are what the warehouse's table holds.

Another engine reads a table by its Delta log. One that has no reader of Delta reads the Parquet
files that `delta.live_files` names, which stay for `RETENTION`, whatever is compacted meanwhile.
`month` is in the folders' names and not in the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from newsapi_dentsu.transfer.tables import Table, table
from newsapi_dentsu.warehouse.tables import final, processed, raw

LIST: Final = "lake.json"
MONTH: Final = "month"

RETENTION: Final = timedelta(days=7)
"""How long a file stays after compaction replaced it, for readers who began before."""


@dataclass(frozen=True, slots=True)
class LakeTable:
    """A table of the lake: what the warehouse calls it, and the columns that order and date it.

    Rows are taken from the warehouse in the order of the number `order`, of which `sequence` gives
    out the next; `moment` gives the month.
    """

    name: str
    source: str
    order: str
    sequence: str
    moment: str

    @property
    def table(self) -> Table:
        """The warehouse's table."""
        return table(self.source)

    @property
    def columns(self) -> Mapping[str, str]:
        """Each column's name and kind, without `month`."""
        return self.table.columns

    @property
    def measured(self) -> tuple[str, ...]:
        """The columns whose least and greatest value the Delta log tells of each file.

        Long texts would swell the log, and it rounds moments to milliseconds.
        """
        return (self.order, *(name for name in ("publishedAt",) if name in self.columns))


RAW: Final = LakeTable("raw_records", raw.TABLE, "seq", raw.SEQUENCE, "fetched_at")
ARTICLES: Final = LakeTable(
    "articles", processed.TABLE, "change_seq", processed.SEQUENCE, "updated_at"
)
REMOVALS: Final = LakeTable("removals", processed.REMOVALS, "seq", processed.SEQUENCE, "removed_at")
FINAL: Final = LakeTable("final", final.TABLE, "change_seq", final.CHANGES_SEQUENCE, "updated_at")
CHANGES: Final = LakeTable("changes", final.CHANGES, "seq", final.CHANGES_SEQUENCE, "changed_at")

TABLES: Final = (RAW, ARTICLES, REMOVALS, FINAL, CHANGES)
