"""`migration`: moving a DuckDB file to PostgreSQL against pandas and against one plain COPY."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import LiteralString

from psycopg import sql

from benchmarks import postgres
from benchmarks.measuring import alternate, execute, program, ratio
from benchmarks.migration_rows import make_file
from benchmarks.report import Figure, print_medians
from newsapi_dentsu.warehouse.tables import raw

ARTICLES, ARTICLES_QUICKLY = 90_000, 20_000
ROUNDS, ROUNDS_QUICKLY = 3, 2
TIMES_AS_FAST, COPY_LIMIT, MEGABYTES_LIMIT = 2.5, 1.0, 400

Measured = dict[str, float]


def migration(quick: bool) -> list[Figure]:
    """Compare with what else brings the same rows into the same indexed table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = folder / "data" / "news.duckdb"
        file.parent.mkdir()
        articles = ARTICLES_QUICKLY if quick else ARTICLES
        size = make_file(file, articles)
        print(f"  {articles:,} articles, {size / 1e6:.0f} MB of text", flush=True)
        with postgres.server(folder / "server") as server:
            return _compare(folder, file, server, ROUNDS_QUICKLY if quick else ROUNDS)


def _compare(folder: Path, file: Path, server: postgres.Server, rounds: int) -> list[Figure]:
    numbers = count(1)
    text = folder / "rows.copy"

    def fresh() -> postgres.Database:
        database = server.create(f"migration_{next(numbers)}")
        database.warehouse.upgrade()
        with database.connect() as connection:
            connection.execute("CHECKPOINT")
        os.sync()
        return database

    def drop(database: postgres.Database) -> None:
        with server.maintenance.connect() as connection:
            name = sql.Identifier(database.name)
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def measured(work: Callable[[postgres.Database], Measured]) -> Callable[[], Measured]:
        def once() -> Measured:
            database = fresh()
            try:
                return work(database)
            finally:
                drop(database)

        return once

    def migrate(database: postgres.Database) -> Measured:
        command = [program("newsapi"), "migrate", "--json", "--from", str(file)]
        done = execute(command, folder, database.settings)
        result = json.loads(done.stdout)
        assert result["equal"]
        seconds = result["seconds"]
        return {
            "seconds": done.seconds - seconds["proof"],
            "of them indexes": seconds["indexes"],
            "proof": seconds["proof"],
            "megabytes": done.peak_bytes / 1e6,
        }

    def migrate_compressed(database: postgres.Database) -> Measured:
        command = [program("newsapi"), "migrate", "--json", "--compress", "--from", str(file)]
        done = execute(command, folder, database.settings)
        return {"seconds": done.seconds - json.loads(done.stdout)["seconds"]["proof"]}

    def pandas(database: postgres.Database) -> Measured:
        return {"seconds": _seconds(_PANDAS, str(file), _url(database))}

    def copy(database: postgres.Database, format_: str) -> Measured:
        return {"seconds": _plain_copy(database, text.with_suffix(f".{format_}"), format_)}

    _write_rows(fresh(), folder, file, text)
    subjects = {
        "newsapi migrate": measured(migrate),
        "the same --compress": measured(migrate_compressed),
        "plain COPY, text": measured(lambda database: copy(database, "text")),
        "plain COPY, binary": measured(lambda database: copy(database, "binary")),
        "pandas.to_sql": measured(pandas),
    }
    runs = alternate(subjects, rounds)
    ours = runs["newsapi migrate"]
    print_medians("  medians of the migration:", {"newsapi migrate": ours})
    print_medians(
        "  medians of all, in seconds:",
        {name: [{"seconds": run["seconds"]} for run in of] for name, of in runs.items()},
    )

    def times(name: str) -> list[float]:
        return [run["seconds"] for run in runs[name]]

    own = times("newsapi migrate")
    peak = max(run["megabytes"] for run in ours)
    proof = [run["proof"] for run in ours]
    return [
        Figure(
            "migration",
            "time to pandas.to_sql (multi, 1000)",
            ratio(own, times("pandas.to_sql")),
            limit=1 / TIMES_AS_FAST,
        ),
        Figure(
            "migration",
            "time to one plain COPY (text)",
            ratio(own, times("plain COPY, text")),
            limit=COPY_LIMIT,
        ),
        Figure(
            "migration",
            "time to one plain COPY (binary)",
            ratio(own, times("plain COPY, binary")),
            limit=COPY_LIMIT,
        ),
        Figure(
            "migration",
            "--compress, time to one plain COPY (binary)",
            ratio(times("the same --compress"), times("plain COPY, binary")),
        ),
        Figure("migration", "proof, time to the migration's", ratio(proof, own)),
        Figure("migration", "peak memory", peak, " MB", MEGABYTES_LIMIT),
    ]


def _write_rows(database: postgres.Database, folder: Path, file: Path, text: Path) -> None:
    """Have the rows written ready for COPY, so that the baseline needs no reading."""
    execute([program("newsapi"), "migrate", "--from", str(file)], folder, database.settings)
    for format_ in ("text", "binary"):
        with (
            database.connect() as connection,
            connection.cursor() as cursor,
            text.with_suffix(f".{format_}").open("wb") as target,
            cursor.copy(_copy_statement("TO STDOUT", format_)) as copy,
        ):
            for block in copy:
                target.write(block)


def _plain_copy(database: postgres.Database, text: Path, format_: str) -> float:
    started = time.perf_counter()
    with (
        database.connect() as connection,
        connection.cursor() as cursor,
        text.open("rb") as source,
        cursor.copy(_copy_statement("FROM STDIN", format_)) as copy,
    ):
        while block := source.read(1 << 18):
            copy.write(block)
    return time.perf_counter() - started


def _copy_statement(direction: str, format_: str) -> sql.Composed:
    return sql.SQL("COPY {} {} (FORMAT {})").format(
        sql.Identifier(*raw.TABLE.split(".")), sql.SQL(_literal(direction)), sql.Identifier(format_)
    )


def _literal(text: str) -> LiteralString:
    return text


def _url(database: postgres.Database) -> str:
    return (
        f"postgresql+psycopg2://{database.user}@/{database.name}"
        f"?host={database.host}&port={database.port}"
    )


def _seconds(script: str, *arguments: str) -> float:
    """Run a script and return the seconds that it measured: without the imports."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout.split()[-1])


_PANDAS = f"""
import sys, time
import duckdb, pandas, sqlalchemy

file, url = sys.argv[1:]
engine = sqlalchemy.create_engine(url)
with duckdb.connect(file, read_only=True) as connection:
    connection.execute("SET TimeZone = 'UTC'")
    started = time.perf_counter()
    rows = connection.execute("SELECT * FROM {raw.TABLE}")
    while len(frame := rows.fetch_df_chunk(5)):
        # PostgreSQL has the names in lower case, and pandas quotes them.
        frame.columns = [name.lower() for name in frame.columns]
        frame.to_sql(
            "ai_marketing_news_raw", engine, schema="raw", if_exists="append", index=False,
            method="multi", chunksize=1000,
        )
    print(time.perf_counter() - started)
"""
