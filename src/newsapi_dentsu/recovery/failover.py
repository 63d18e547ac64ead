"""Going over to the database's other server, and keeping the old one out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines import postgres_servers as servers
from newsapi_dentsu.warehouse.engines.postgres import PostgresEngine
from newsapi_dentsu.warehouse.engines.postgres_servers import State
from newsapi_dentsu.warehouse.tables import raw

PROMOTION_SECONDS = 60
TABLES = ("raw.ai_marketing_news_raw", "processed.processed_news", "final.filtered_news")


@dataclass(frozen=True, slots=True)
class FailedOver:
    """The new primary, and what it has."""

    server: str
    epoch: int
    replayed_at: datetime | None
    """When the newest transaction was committed that it has from the old primary."""
    fenced: tuple[str, ...]
    """Servers of the past that took the fence; others get it when they are met."""
    rows: dict[str, int]
    complete_through: datetime | None
    """The watermark: the next run reads from here on, and some hours before."""


def fail_over(
    engine: PostgresEngine, target: str, *, planned: bool, wait: float, tell: Callable[[str], None]
) -> FailedOver:
    """Make `target` (host:port) the primary. Done again, it goes on where it was interrupted.

    Args:
        engine: the database, with both of its servers.
        target: the server to promote.
        planned: whether the primary still lives: nothing is lost then, as the standby catches up.
        wait: how long to wait for a run under way, and for the standby to catch up; in seconds.
        tell: shows how far it has come.

    Raises:
        WarehouseError: there would be two primaries, or a server doesn't do its part.
    """
    states = engine.servers.states()
    new = _named(states, target)
    if new.trouble:
        raise WarehouseError(f"{new.name} can't be promoted, it doesn't answer: {new.trouble}")
    if new.fenced:
        raise servers.fenced_error(new.name, new.fenced_by)
    others = [state for state in states if state is not new]
    alive = [state for state in others if state.trouble is None and not state.standby]
    living = [state for state in alive if state.takes_writes and state.epoch >= new.epoch]
    if living and not planned:
        raise WarehouseError(
            f"{living[0].name} takes writes: with {new.name} promoted there would be two "
            "primaries. Stop it, or go over with --planned, which loses nothing"
        )
    if planned and not alive:
        raise WarehouseError(
            "the primary doesn't answer: without --planned the standby is promoted as it is"
        )
    epoch = max(max(state.epoch, state.fenced_by) for state in states) + 1
    password = engine.login.password()
    if new.standby:
        if planned:
            _hand_over(engine, alive[0], new, epoch, wait, tell)
        tell(f"promoting {new.name}")
        servers.promote(new.address, password, PROMOTION_SECONDS)
    servers.set_epoch(new.address, password, epoch)
    engine.servers.forget()
    fenced = [state.name for state in others if servers.fence(state, password, epoch)]
    return _proven(engine, new, epoch, tuple(fenced))


def _hand_over(
    engine: PostgresEngine,
    old: State,
    new: State,
    epoch: int,
    wait: float,
    tell: Callable[[str], None],
) -> None:
    """Keep runs off the old primary, and wait until the new one has all of it."""
    password = engine.login.password()
    if not old.fenced:
        tell(f"waiting for a run under way on {old.name}")
        with engine.run_lock("newsapi failover", wait):
            if not servers.fence(old, password, epoch):
                raise WarehouseError(f"{old.name} doesn't take the fence: nothing was changed")
    tell(f"waiting until {new.name} has all that {old.name} has")
    if not servers.caught_up(new.address, old.address, password, wait):
        raise WarehouseError(
            f"{new.name} didn't catch up within {wait:g} s: no run writes to {old.name} any more. "
            "Run this again to go on, or delete the row fenced_by of ops.positions to go back"
        )


def _named(states: list[State], target: str) -> State:
    for state in states:
        if target in (state.name, state.address.host):
            return state
    known = " and ".join(state.name for state in states)
    raise WarehouseError(f"{target} is none of the database's servers, which are {known}")


def _proven(engine: PostgresEngine, new: State, epoch: int, fenced: tuple[str, ...]) -> FailedOver:
    """What the new primary has, read through the name that everybody goes by."""
    warehouse = Warehouse(engine)
    with warehouse.snapshot() as session:
        rows = {table: int(session.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLES}
        query = raw.active_query(session)
    return FailedOver(
        new.name,
        epoch,
        new.replayed_at,
        fenced,
        rows,
        query.complete_through if query else None,
    )
