"""`python -m benchmarks.real_records`: ten days of real records through one `newsapi backfill`.

The records lie beside the project; where they are not, it says so. The news API is the sandbox's
server over them. Every record is let in, whatever it is about, into an empty database.
"""

import argparse
import json
import lzma
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from evaluation.real_news import FOLDER
from evaluation.real_stream import RECORDS

from benchmarks import postgres
from benchmarks.measuring import execute, program
from benchmarks.report import print_rows
from benchmarks.timeline import Event, events_in_files, phases
from newsapi_dentsu.sandbox import SANDBOX_KEY, ListCorpus, Sandbox, SandboxArticle

_TOKENS = 10**9
_TOPICS = """\
topics:
  - name: Everything
    description: News of every kind.
    keywords: [the, a, of, in, to, and, is, for]
relevance:
  threshold: 0
"""


def main() -> int:
    """Print what was stored, seconds and memory; 1 where the records aren't on this machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_records")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, which it starts")
    parser.add_argument("--limit", type=int, help="only the first of the records")
    options = parser.parse_args()
    if not (FOLDER / RECORDS).exists():
        print(f"the records are not in {FOLDER}, so nothing was measured")
        return 1
    with lzma.open(FOLDER / RECORDS, "rt", encoding="utf-8") as lines:
        articles = [SandboxArticle.from_record(json.loads(line)) for line in lines]
    articles = sorted(articles, key=lambda one: one.index_time)[: options.limit]
    first, last = (str(articles[place].day) for place in (0, -1))
    with (
        tempfile.TemporaryDirectory() as temporary,
        Sandbox(ListCorpus(articles), tokens=_TOKENS) as api,
        _database(Path(temporary), on_postgres=options.postgres) as (at, events),
    ):
        folder = Path(temporary) / "pipeline"
        folder.mkdir()
        (folder / "topics.yaml").write_text(_TOPICS)
        settings = {"NEWSAPI_HOST": api.url, "NEWSAPI_KEY": SANDBOX_KEY, **at}
        command = ["backfill", "--from", first, "--to", last, "--yes", "--json"]
        done = execute([program("newsapi"), *command], folder, settings)
        result = json.loads(done.stdout)
        parts = phases(done, events(result["run_id"]))
    print(json.dumps(result, indent=2))
    print_rows(
        [
            ("records", f"{len(articles):,}"),
            *((name, f"{seconds:.1f}") for name, seconds in parts.items()),
            ("the largest process, in megabytes", f"{done.peak_bytes / 1e6:.0f}"),
        ]
    )
    return 0


@contextmanager
def _database(
    folder: Path, *, on_postgres: bool
) -> Iterator[tuple[Mapping[str, str], Callable[[str], Iterable[Event]]]]:
    """The settings that lead to an empty database, and what reads the events of a run there."""
    if not on_postgres:
        yield {}, partial(events_in_files, folder / "pipeline" / "data" / "dagster")
        return
    with postgres.server(folder / "server") as server:
        database = server.create("newsapi_db")
        yield database.settings, database.events


if __name__ == "__main__":
    sys.exit(main())
