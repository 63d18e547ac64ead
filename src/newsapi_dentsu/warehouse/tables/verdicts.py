"""ops.verdicts: what people said of articles, with what the articles said then."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.warehouse.engines.base import Session, upsert
from newsapi_dentsu.warehouse.tables.rows import columns_of, values

TABLE = "ops.verdicts"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an article belongs to some topics together: a JSON list of their names, in order.

    `verdict_id` tells what is judged, an article with topics (`verdict_id_of`).
    """

    verdict_id: str
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


def verdict_id_of(topics: str, article_id: str) -> str:
    """The key of what is said of an article on some topics, however many these are."""
    return hashlib.sha256(f"{topics} {article_id}".encode("utf-8", "replace")).hexdigest()[:32]


def verdicts(session: Session) -> list[Verdict]:
    """All that people said, the latest last."""
    found = session.rows(f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} ORDER BY said_at, verdict_id")
    return [Verdict(*row) for row in found]


def find(session: Session, verdict_id: str) -> Verdict | None:
    """What was said of an article on some topics."""
    found = session.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} WHERE verdict_id = $1", verdict_id
    )
    return Verdict(*found[0]) if found else None


def save(session: Session, said: Sequence[Verdict]) -> None:
    """Keep verdicts, each in the place of what was said of the same before."""
    upsert(session, TABLE, ("verdict_id",), _COLUMNS, [values(one) for one in said], {})


def remove(session: Session, said: Sequence[Verdict]) -> None:
    """Take verdicts back."""
    session.execute(
        f"DELETE FROM {TABLE} WHERE verdict_id IN (SELECT unnest($1::text[]))",
        [one.verdict_id for one in said],
    )
