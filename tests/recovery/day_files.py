"""A lake as versions before Delta tables wrote it: a Parquet file for each day and archiving."""

import json
from pathlib import Path

import duckdb

from newsapi_dentsu.lake.listing import Lake
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.transfer import raw_files
from newsapi_dentsu.transfer.tables import table
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import raw


def of_days(warehouse: Warehouse, place: Folder, lake: Lake, scratch: Path, per_file: int) -> None:
    """Make an old lake of a warehouse's records in a folder; `lake` is a new one of the same."""
    with warehouse.snapshot() as session:
        rows = session.rows(f"SELECT {', '.join(raw.COLUMNS)} FROM {raw.TABLE} ORDER BY seq")
        searches = raw_files.write_searches(session, scratch)
    listed = {}
    for start in range(0, len(rows), per_file):
        part = rows[start : start + per_file]
        path = scratch / "day.parquet"
        with raw_files.gathering(table(raw.TABLE), scratch) as gathered:
            gathered.add(part)
            stream = gathered.stream("seq", "fetched_at", "month")
            assert stream is not None
            stream.project(", ".join(raw.COLUMNS)).write_parquet(str(path), compression="zstd")
            digest = gathered.digest()
        found = duckdb.execute(f"SELECT CAST(min(fetched_at) AS date) FROM '{path}'").fetchall()
        name = f"day={found[0][0]}/{part[0][0]:012}-{part[-1][0]:012}-{digest.hash[:8]}.parquet"
        listed[name] = {
            "bytes": path.stat().st_size,
            "rows": digest.rows,
            "hash": digest.hash,
        }
        place.upload(path, name)
    files = {}
    for searched, (path, digest) in searches.items():
        name = f"searches/{path.stem}-{digest.hash[:8]}.parquet"
        size = path.stat().st_size
        files[searched] = {"file": name, "bytes": size, "rows": digest.rows, "hash": digest.hash}
        place.upload(path, name)
    value = {
        "through": lake.through,
        "identity": lake.identity,
        "origin": lake.origin,
        "archived_at": lake.archived_at.isoformat() if lake.archived_at else None,
        "program": "0.1",
        "columns": raw_files.columns(),
        "searches": files,
        "records": listed,
    }
    (scratch / "list").write_text(json.dumps(value))
    place.upload(scratch / "list", "lake.json")
