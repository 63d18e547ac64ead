"""Whether the search and the descriptions of the topics speak of the same things."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from newsapi_dentsu.stages.pipeline import GROUP
from newsapi_dentsu.stages.report import GroupReport, from_json
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import stage_runs

FIX: Final = "newsapi topics --try topics.yaml, with better descriptions; docs/relevance.md"

_LOOKED_BACK = timedelta(days=30)
_EXECUTIONS = 200


@dataclass(frozen=True, slots=True)
class OffTopic:
    """How much of the latest grouping that tells anything was off topic."""

    articles: int
    off_topic: int
    much: bool
    ended_at: datetime

    @property
    def share(self) -> float:
        """The share of its articles that are off topic."""
        return self.off_topic / self.articles

    def __str__(self) -> str:
        return (
            f"{self.off_topic:,} of {self.articles:,} articles ({self.share:.0%}) were off topic "
            f"in the run of {self.ended_at:%Y-%m-%d %H:%M} UTC"
        )


def off_topic(session: Session, now: datetime) -> OffTopic | None:
    """What the latest grouping of enough articles found; None where there was none of late."""
    found = stage_runs.reports_since(session, GROUP.name, now - _LOOKED_BACK, _EXECUTIONS)
    for ended_at, values in found:
        report = from_json(GroupReport, values)
        if isinstance(report, GroupReport) and report.tells_off_topic:
            return OffTopic(report.articles, report.off_topic, report.mostly_off_topic, ended_at)
    return None
