"""ops.backfills: what backfills by months may spend, have spent, and when they may ask next.

Whoever is about to ask the API takes its turn here first. The row of turns is locked until the
transaction ends, so that of several months that run at once only one looks at what is left.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from newsapi_dentsu.errors import BudgetSpentError
from newsapi_dentsu.warehouse.engines.base import Session, one, upsert
from newsapi_dentsu.warehouse.tables import positions
from newsapi_dentsu.warehouse.tables.rows import BigInt, columns_of, values

TABLE, MONTHS = "ops.backfills", "ops.backfill_months"

TURN = "api.next_request"
"""Position: when the next request may be made, in microseconds since 1970."""

TOLD = "backfills.told"
"""Position: how many of the tokens that months have spent runs have told."""

LONGEST_TURN = timedelta(minutes=2)
"""The longest wait for a turn: what asks for more was written under a clock that was ahead."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill by months: what was asked for, and what it may spend; None for no limit.

    `tokens_left` is what the account had left when one of its months last asked, at `asked_at`.
    """

    backfill_id: str
    query_id: str
    asked_for: str
    tokens_allowed: BigInt | None
    requests_allowed: BigInt | None
    started_at: datetime
    ended_at: datetime | None = None
    tokens_left: BigInt | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a month of a backfill, or all of them, have spent.

    `tokens` is what answers said that they cost. `reserved` is for the request under way, and
    `unanswered` for requests whose answers never came: at most so many tokens more were spent.
    """

    requests: BigInt = 0
    tokens: BigInt = 0
    reserved: BigInt = 0
    unanswered: BigInt = 0

    @property
    def at_most(self) -> int:
        """What was spent at most."""
        return self.tokens + self.reserved + self.unanswered


_COLUMNS = columns_of(Backfill)
_SPENT = columns_of(Spent)
_MONTH_COLUMNS = {"backfill_id": "text", "month": "text", **_SPENT}


def begin(session: Session, backfill: Backfill) -> Backfill:
    """Keep a backfill, unless one of its id is kept already; gives the one that is kept."""
    places = ", ".join(f"${number}" for number in range(1, len(_COLUMNS) + 1))
    session.execute(
        f"INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) VALUES ({places}) "
        "ON CONFLICT (backfill_id) DO NOTHING",
        *values(backfill),
    )
    return _found(session, "backfill_id = $1", backfill.backfill_id)[0]


def unfinished(session: Session, query_id: str, asked_for: str) -> Backfill | None:
    """The latest backfill that asked for the same and has not ended.

    Until the transaction ends, nobody else looks: of two that find none, only one begins.
    """
    positions.take_numbers(session, TURN, 0)
    found = _found(
        session, "query_id = $1 AND asked_for = $2 AND ended_at IS NULL", query_id, asked_for
    )
    return found[-1] if found else None


def end(session: Session, backfill_id: str, now: datetime) -> None:
    """Note that a backfill has ended, whatever it left out."""
    session.execute(f"UPDATE {TABLE} SET ended_at = $2 WHERE backfill_id = $1", backfill_id, now)


def allow(session: Session, backfill_id: str, tokens: int | None, requests: int | None) -> None:
    """Let a backfill that is gone on with spend so much in all."""
    session.execute(
        f"UPDATE {TABLE} SET tokens_allowed = $2, requests_allowed = $3 WHERE backfill_id = $1",
        backfill_id,
        tokens,
        requests,
    )


def spent(session: Session, backfill_id: str) -> Spent:
    """What all months of a backfill have spent."""
    return _sum(session, "backfill_id = $1", backfill_id)


def spent_by(session: Session, backfill_id: str, month: str) -> Spent:
    """What one month of it has spent."""
    return _sum(session, "backfill_id = $1 AND month = $2", backfill_id, month)


def reserve(session: Session, backfill_id: str, month: str, so_far: Spent, tokens: int) -> Spent:
    """Keep what a month has spent so far, and reserve the tokens of its next request.

    Doing it twice is doing it once.

    Raises:
        BudgetSpentError: the backfill may not spend so much.
    """
    now = replace(so_far, requests=so_far.requests + 1, reserved=tokens)
    others = _sum(session, "backfill_id = $1 AND month <> $2", backfill_id, month)
    backfill = _found(session, "backfill_id = $1", backfill_id)[0]
    allowed = backfill.tokens_allowed
    if allowed is not None and others.at_most + now.at_most > allowed:
        raise BudgetSpentError(
            f"the backfill may spend {allowed:,} tokens, and the next request could take it beyond "
            "them: allow more (--tokens, or BACKFILL_TOKENS), and run it again to go on"
        )
    allowed = backfill.requests_allowed
    if allowed is not None and others.requests + now.requests > allowed:
        raise BudgetSpentError(
            f"the backfill has made the {allowed:,} requests that MAX_REQUESTS_PER_RUN allows: "
            "run it again to go on"
        )
    keep(session, backfill_id, month, now)
    return now


def keep(session: Session, backfill_id: str, month: str, so_far: Spent) -> None:
    """Keep what a month has spent so far."""
    row = (backfill_id, month, *values(so_far))
    upsert(session, MONTHS, ("backfill_id", "month"), _MONTH_COLUMNS, [row], merged={})


def note_left(session: Session, backfill_id: str, tokens_left: int, now: datetime) -> None:
    """Note what the account has left."""
    session.execute(
        f"UPDATE {TABLE} SET tokens_left = $2, asked_at = $3 WHERE backfill_id = $1",
        backfill_id,
        tokens_left,
        now,
    )


def last_left(session: Session) -> tuple[int, datetime] | None:
    """What the account had left when a month last asked, and when that was."""
    found = session.rows(
        f"SELECT tokens_left, asked_at FROM {TABLE} WHERE asked_at IS NOT NULL "
        "ORDER BY asked_at DESC LIMIT 1"
    )
    return (found[0][0], found[0][1]) if found else None


def untold(session: Session) -> int:
    """The tokens that months have spent, and that no run has told yet."""
    return _sum(session, "true").tokens - positions.position(session, TOLD)


def tell(session: Session) -> int:
    """The tokens that months have spent and that no run has told; from now on they are told."""
    tokens = untold(session)
    positions.set_position(session, TOLD, positions.position(session, TOLD) + tokens)
    return tokens


def take_turn(session: Session, pause: timedelta) -> timedelta:
    """Take the next turn to ask; the one after it comes `pause` later.

    The time is the database's. The row is locked until the transaction ends.

    Returns:
        How long to wait for the turn.
    """
    # Before the time is looked at: another transaction may be about to take a turn.
    positions.take_numbers(session, TURN, 0)
    now, turn = _turns(session)
    turn = max(turn, now)
    _set_turn(session, turn + pause)
    return turn - now


def hold_off(session: Session, pause: timedelta) -> None:
    """Let nobody ask for a while, as the API wants."""
    positions.take_numbers(session, TURN, 0)
    now, turn = _turns(session)
    _set_turn(session, max(turn, now + min(pause, LONGEST_TURN)))


def _turns(session: Session) -> tuple[datetime, datetime]:
    # As of the transaction's begin, so that a wait for the row is waited for once more, at most.
    now: datetime = one(session, "SELECT now()")
    turn = datetime.fromtimestamp(positions.position(session, TURN) / 1e6, UTC)
    return now, turn if turn - now <= LONGEST_TURN else now


def _set_turn(session: Session, turn: datetime) -> None:
    positions.set_position(session, TURN, int(turn.timestamp() * 1e6))


def _sum(session: Session, condition: str, *parameters: object) -> Spent:
    sums = ", ".join(f"CAST(coalesce(sum({name}), 0) AS bigint)" for name in _SPENT)
    return Spent(*session.rows(f"SELECT {sums} FROM {MONTHS} WHERE {condition}", *parameters)[0])


def _found(session: Session, condition: str, *parameters: object) -> list[Backfill]:
    rows = session.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} WHERE {condition} ORDER BY started_at",
        *parameters,
    )
    return [Backfill(*row) for row in rows]
