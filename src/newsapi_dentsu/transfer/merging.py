"""Adding one warehouse's records to another's that has some of its own.

Raw records, what the searches have read and what people said of articles are merged: what processed
and final show is a function of these, and the stages work it out anew. Records keep their order in
time: where both sides know a uri, its revisions and returns are numbered anew by when they were
seen.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from newsapi_dentsu.errors import WarehouseError
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Row, Session, insert, one
from newsapi_dentsu.warehouse.tables import positions, raw, returns, run_metrics, verdicts
from newsapi_dentsu.warehouse.tables.returns import Return
from newsapi_dentsu.warehouse.tables.rows import rows_by_key

BATCH_ROWS = 200
_ASIDE = 1_000_000
"""Added to numbers of revisions while they change places: two must never be equal."""


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A stored revision of a record or, with `returned`, its return, with number and time."""

    seq: int
    version: int
    record_hash: str
    fetched_at: datetime
    returned: Return | None = None


@dataclass(frozen=True, slots=True)
class Interleaved:
    """New numbers for a uri's revisions: for those of the target, and for those to add.

    `returned` are the returns of both sides by the content that came back, `news` says whether the
    source knows one that the target doesn't.
    """

    renumber: dict[int, int]
    add: dict[int, int]
    returned: dict[str, Return]
    news: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """How many records the source has, how many of them were added, how many are there now."""

    records: int
    added: int
    found: int

    @property
    def complete(self) -> bool:
        """Whether every record of the source is in the target."""
        return self.records == self.found


def interleave(target: Iterable[StoredRevision], source: Iterable[StoredRevision]) -> Interleaved:
    """Number the revisions of one uri, and their returns, in the order of time.

    Contents that the target knows in any version are not added again; of the returns of one content
    the one seen last counts.

    Returns:
        New numbers by the `seq` of the target's rows and of the source's.
    """
    ours, theirs = (sorted(side, key=lambda row: row.version) for side in (target, source))
    known = {row.record_hash for row in ours}
    noted = {row.record_hash: row.returned for row in ours if row.returned}
    later = {
        row.record_hash: row.returned
        for row in theirs
        if row.returned
        and (row.record_hash not in noted or row.returned.seen_at > noted[row.record_hash].seen_at)
    }
    ours = [row for row in ours if row.returned is None or row.record_hash not in later]
    theirs = [
        row
        for row in theirs
        if (row.record_hash in later if row.returned else row.record_hash not in known)
    ]
    # The rows of either side stay in their own order, even where a clock was wrong.
    order: list[tuple[StoredRevision, bool]] = []
    while ours or theirs:
        first = not theirs or (bool(ours) and ours[0].fetched_at <= theirs[0].fetched_at)
        order.append((ours.pop(0), True) if first else (theirs.pop(0), False))
    both = Interleaved({}, {}, {}, news=bool(later))
    for number, (row, own) in enumerate(order, start=1):
        if row.returned:
            changes = max(
                one.changes for one in (row.returned, noted.get(row.record_hash)) if one is not None
            )
            both.returned[row.record_hash] = replace(
                row.returned, number=number, changes=changes, taken=False
            )
        elif not own:
            both.add[row.seq] = number
        elif row.version != number:
            both.renumber[row.seq] = number
    return both


def merge(source: Session, target: Warehouse, progress: Progress) -> Merged:
    """Add to the target what it lacks, in batches that each leave it consistent.

    Doing it again, also after being killed, adds nothing twice. The caller holds the run lock and
    lets the stages run afterwards.

    Raises:
        WarehouseError: one side holds sandbox articles and the other real ones.
    """
    _refuse_other_origin(source, target)
    total = one(source, f"SELECT count(*) FROM {raw.TABLE}")
    added = done = found = 0
    last = -1
    while numbers := _next_numbers(source, last):
        last = numbers[-1]
        uris = _uris(source, numbers)
        theirs = _versions(source, uris)

        def add(
            session: Session, uris: Collection[str] = uris, theirs: Versions = theirs
        ) -> tuple[int, int]:
            ours = _versions(session, uris)
            count = _add(source, session, uris, ours, theirs)
            return count, _count_found(session, source, numbers, uris)

        count, there = target.write(add)
        added += count
        found += there
        done += len(numbers)
        progress(done, total)
    target.write(lambda session: _merge_searches(source, session))
    target.write(lambda session: _merge_verdicts(source, session))
    return Merged(total, added, found)


Versions = dict[str, list[StoredRevision]]


def _add(
    source: Session, target: Session, uris: Collection[str], ours: Versions, theirs: Versions
) -> int:
    renumber: dict[int, int] = {}
    numbers: dict[int, int] = {}
    returned: dict[str, dict[str, Return]] = {}
    for uri in uris:
        both = interleave(ours.get(uri, ()), theirs.get(uri, ()))
        if both.add or both.news:
            renumber |= both.renumber
            numbers |= both.add
            returned[uri] = both.returned
    if renumber:
        _renumber(target, renumber)
    if numbers:
        _insert(source, target, numbers)
    _note_returns(target, {uri: found for uri, found in returned.items() if found})
    return len(numbers)


def _insert(source: Session, target: Session, versions: Mapping[int, int]) -> None:
    """Add rows of the source, which are given with the new numbers of their revisions."""
    names = list(raw.COLUMNS)
    seq, version = names.index("seq"), names.index("version")
    rows = sorted(
        rows_by_key(source, raw.TABLE, names, "seq", list(versions)), key=lambda row: row[seq]
    )
    taken = positions.take_numbers(target, raw.SEQUENCE, len(rows))
    fresh: list[Row] = []
    for number, row in zip(taken, rows, strict=True):
        values: list[Any] = list(row)
        values[version] = versions[row[seq]]
        values[seq] = number
        fresh.append(tuple(values))
    insert(target, raw.TABLE, raw.COLUMNS, fresh)


def _note_returns(target: Session, returned: Mapping[str, Mapping[str, Return]]) -> None:
    """Note what came back, which is given by uri and content, of the target's rows."""
    rows = [
        (uri, row) for uri, found in _versions(target, returned.keys()).items() for row in found
    ]
    seqs = {(uri, row.record_hash): row.seq for uri, row in rows}
    returns.store(
        target,
        [
            replace(one, raw_seq=seqs[uri, record_hash])
            for uri, found in returned.items()
            for record_hash, one in found.items()
        ],
        {row.seq for _, row in rows if row.returned},
    )


def _renumber(target: Session, renumber: dict[int, int]) -> None:
    numbers = list(renumber)
    target.execute(
        f"UPDATE {raw.TABLE} SET version = version + {_ASIDE} "
        "WHERE seq IN (SELECT unnest($1::bigint[]))",
        numbers,
    )
    target.execute(
        f"UPDATE {raw.TABLE} AS t SET version = v.version FROM "
        "(SELECT unnest($1::bigint[]) AS seq, unnest($2::integer[]) AS version) AS v "
        "WHERE t.seq = v.seq",
        numbers,
        list(renumber.values()),
    )
    # What was made of the old numbers is worked out again.
    positions.set_position(target, positions.DEDUPLICATED, 0)


def _next_numbers(source: Session, after: int) -> list[int]:
    found = source.rows(
        f"SELECT seq FROM {raw.TABLE} WHERE seq > $1 ORDER BY seq LIMIT {BATCH_ROWS}", after
    )
    return [seq for (seq,) in found]


def _uris(source: Session, numbers: list[int]) -> set[str]:
    found = source.rows(
        f"SELECT uri FROM {raw.TABLE} WHERE seq BETWEEN $1 AND $2", numbers[0], numbers[-1]
    )
    return {uri for (uri,) in found}


def _versions(session: Session, uris: Collection[str]) -> Versions:
    versions: Versions = {}
    columns = ("uri", "seq", "version", "record_hash", "fetched_at")
    for uri, *rest in rows_by_key(session, raw.TABLE, columns, "uri", uris):
        versions.setdefault(uri, []).append(StoredRevision(*rest))
    every = chain.from_iterable(versions.values())
    returned = returns.of_records(session, [row.seq for row in every])
    for rows in versions.values():
        rows += [
            replace(row, version=one.number, fetched_at=one.seen_at, returned=one)
            for row in rows
            if (one := returned.get(row.seq))
        ]
    return versions


def _count_found(
    target: Session, source: Session, numbers: list[int], uris: Collection[str]
) -> int:
    """How many of the source's rows the target has, by uri and content."""
    there = {
        (uri, row.record_hash) for uri, rows in _versions(target, uris).items() for row in rows
    }
    wanted = source.rows(
        f"SELECT uri, record_hash FROM {raw.TABLE} WHERE seq BETWEEN $1 AND $2",
        numbers[0],
        numbers[-1],
    )
    return sum((uri, record_hash) in there for uri, record_hash in wanted)


def _refuse_other_origin(source: Session, target: Warehouse) -> None:
    with target.snapshot() as session:
        there = raw.stored_origin(session)
    here = raw.stored_origin(source)
    if here is not None and there is not None and here != there:
        raise WarehouseError(
            f"the source's articles are of {here}, those in {target.location} of {there}: "
            "sandbox articles and real ones must not be mixed"
        )


def _merge_verdicts(source: Session, target: Session) -> None:
    """Of what both sides say of an article, what was said last counts."""
    known = {one.verdict_id: one.said_at for one in verdicts.verdicts(target)}
    verdicts.save(
        target,
        [
            one
            for one in verdicts.verdicts(source)
            if (said_at := known.get(one.verdict_id)) is None or one.said_at > said_at
        ],
    )


def _merge_searches(source: Session, target: Session) -> None:
    """Bring what the searches have read together; what a day lists is what both have listed."""
    for query_id, definition, start_day, activated_at, through in source.rows(
        "SELECT query_id, definition, start_day, activated_at, complete_through FROM raw.queries"
    ):
        known = target.rows(
            "SELECT start_day, complete_through FROM raw.queries WHERE query_id = $1", query_id
        )
        if not known:
            target.execute(
                "INSERT INTO raw.queries "
                "(query_id, definition, start_day, activated_at, complete_through) "
                "VALUES ($1, $2, $3, $4, $5)",
                *(query_id, definition, start_day, activated_at, through),
            )
            continue
        ((own_start, own_through),) = known
        if through is None or own_through is None:
            # A side that is complete up to some time knows more than one that never was.
            start, end = (own_start, own_through) if through is None else (start_day, through)
        elif start_day <= own_through.date() and own_start <= through.date():
            start, end = min(start_day, own_start), max(through, own_through)
        else:
            # A gap lies between them: the later one goes on, and a backfill may fill the gap.
            start, end = max((start_day, through), (own_start, own_through), key=lambda of: of[1])
        target.execute(
            "UPDATE raw.queries SET start_day = $2, complete_through = $3 WHERE query_id = $1",
            *(query_id, start, end),
        )
    for query_id, day, total, uris, unlisted, complete_at, settled_at, reading in source.stream(
        "SELECT query_id, day, total, uris, unlisted, complete_at, settled_at, reading "
        "FROM raw.query_days"
    ):
        known = target.rows(
            "SELECT uris, complete_at FROM raw.query_days WHERE query_id = $1 AND day = $2",
            query_id,
            day,
        )
        if known:
            own_uris, own_complete_at = known[0]
            if complete_at is None or (own_complete_at and own_complete_at >= complete_at):
                continue
            every = set(json.loads(own_uris)) | set(json.loads(uris))
            # A settled day keeps no list; if it were read again, it would be read whole.
            unlisted = len(every) - total
            uris, reading = json.dumps(sorted(every)), None
        target.execute(
            "INSERT INTO raw.query_days "
            "(query_id, day, total, uris, unlisted, complete_at, settled_at, reading) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (query_id, day) DO UPDATE SET "
            "total = excluded.total, uris = excluded.uris, unlisted = excluded.unlisted, "
            "complete_at = excluded.complete_at, settled_at = excluded.settled_at, "
            "reading = excluded.reading",
            *(query_id, day, total, uris, unlisted, complete_at, settled_at, reading),
        )
    for row in source.stream(
        "SELECT run_id, stage, attempt, status, started_at, ended_at, report, error "
        "FROM ops.stage_runs"
    ):
        target.execute(
            "INSERT INTO ops.stage_runs "
            "(run_id, stage, attempt, status, started_at, ended_at, report, error) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            *row,
        )
    measured = {run.run_id for run in run_metrics.read(target)}
    run_metrics.save(
        target, [run for run in run_metrics.read(source) if run.run_id not in measured]
    )
