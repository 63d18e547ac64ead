"""How far each stage has come, and the numbers that order rows."""

from newsapi_dentsu.warehouse.engines.base import Session, one

DEDUPLICATED, GROUPED, CURATED = "deduplicated", "grouped", "curated"
"""Positions: the last raw `seq`, and the last `change_seq` of processed and of assessments, that
were taken."""

GROUPING_RULES = "grouping_rules"
"""Which rules the stored verdicts follow; `MIXED` where they follow several."""

MIXED = -1
"""What no rules have as their number."""

_FOLLOWED = {
    DEDUPLICATED: ("raw.ai_marketing_news_raw", "seq"),
    GROUPED: ("processed.processed_news", "change_seq"),
    CURATED: ("processed.assessments", "change_seq"),
}


def position(session: Session, name: str) -> int:
    """How far `name` has come; 0 at the start."""
    found = session.rows("SELECT value FROM ops.positions WHERE name = $1", name)
    return found[0][0] if found else 0


def set_position(session: Session, name: str, value: int) -> None:
    """Remember how far `name` has come."""
    session.execute(
        "INSERT INTO ops.positions (name, value) VALUES ($1, $2) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


def take_numbers(session: Session, name: str, count: int) -> range:
    """Give out the next `count` numbers of a sequence that grows without gaps.

    The row is locked until the transaction ends, so that numbers become visible in order.
    """
    taken = session.rows(
        "UPDATE ops.positions SET value = value + $2 WHERE name = $1 RETURNING value", name, count
    )
    if not taken:
        # The first to take one, perhaps beside another first.
        taken = session.rows(
            "INSERT INTO ops.positions (name, value) VALUES ($1, $2) "
            "ON CONFLICT (name) DO UPDATE SET value = positions.value + excluded.value "
            "RETURNING value",
            name,
            count,
        )
    last: int = taken[0][0]
    return range(last - count + 1, last + 1)


def waiting(session: Session, name: str) -> int:
    """How many rows the stage that remembers position `name` has not taken yet."""
    table, column = _FOLLOWED[name]
    count: int = one(
        session, f"SELECT count(*) FROM {table} WHERE {column} > $1", position(session, name)
    )
    return count
