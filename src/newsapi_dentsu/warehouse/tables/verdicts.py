"""ops.verdicts: what people said of articles, with what the articles said then."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.warehouse.engines.base import Session, upsert
from newsapi_dentsu.warehouse.tables.rows import columns_of, values

TABLE = "ops.verdicts"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an article belongs to some topics together: a JSON list of their names, in order."""

    topics: str
    article_id: str
    belongs: bool
    link: str
    title: str
    opening: str
    concepts: str
    categories: str
    source_uri: str | None
    said_by: str
    said_at: datetime

    @property
    def names(self) -> frozenset[str]:
        """The names of its topics."""
        return frozenset(json.loads(self.topics))


_COLUMNS = columns_of(Verdict)


def key_of(names: Collection[str]) -> str:
    """How topics are named together."""
    return json.dumps(sorted(names), ensure_ascii=False)


def verdicts(session: Session) -> list[Verdict]:
    """All that people said, the latest last."""
    found = session.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} ORDER BY said_at, topics, article_id"
    )
    return [Verdict(*row) for row in found]


def find(session: Session, topics: str, article_id: str) -> Verdict | None:
    """What was said of an article."""
    found = session.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} WHERE topics = $1 AND article_id = $2",
        topics,
        article_id,
    )
    return Verdict(*found[0]) if found else None


def save(session: Session, said: Sequence[Verdict]) -> None:
    """Keep verdicts, each in the place of what was said of the same before."""
    key = ("topics", "article_id")
    upsert(session, TABLE, key, _COLUMNS, [values(one) for one in said], {})


def remove(session: Session, said: Sequence[Verdict]) -> None:
    """Take verdicts back."""
    for one in said:
        session.execute(
            f"DELETE FROM {TABLE} WHERE topics = $1 AND article_id = $2", one.topics, one.article_id
        )
