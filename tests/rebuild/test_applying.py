"""A rebuild that is taken over leaves the warehouse as a full refresh leaves it."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsapi_dentsu.domain.record import read_record
from newsapi_dentsu.errors import StorageError, WarehouseBusyError, WarehouseError
from newsapi_dentsu.lake import archiving
from newsapi_dentsu.lake.listing import read_lake
from newsapi_dentsu.meaning import open_embedder
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.rebuild import applying
from newsapi_dentsu.rebuild.job import TABLES, rebuild
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.source import load_topics
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.report import GroupReport
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse.tables import assessments, final, raw, rebuilt, wrapping_lines
from newsapi_dentsu.warehouse.tables.wrapping_lines import WrappingLine
from support.articles import body, record
from support.clock import NOON
from support.databases import Database, Databases, disconnect, drop, place_of
from support.processing import broken_promises
from support.tables import dump

from .conftest import TOPICS_FILE, awkward, generated

STRICT = TOPICS_FILE.replace("min_words: 10", "min_words: 150")
NUMBERS = ("change_seq", "seq", "value")


def silent(_name: str) -> Progress:
    """Show no progress."""
    return no_progress


class Place:
    """A warehouse, a lake of it, and the stages on it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.warehouse = database.open()
        (folder / "topics.yaml").write_text(TOPICS_FILE)
        (folder / "strict.yaml").write_text(STRICT)

    def settings(self, topics: str = "topics.yaml", **options: Any) -> Settings:
        given = {"topics_file": self.folder / topics, **place_of(self.database), **options}
        given.setdefault("duckdb_path", self.folder / "unused" / "news.duckdb")
        return Settings(_env_file=None, run_wait_seconds=0, **given)

    def store(self, *pages: list[dict[str, Any]], after: int = 0) -> None:
        for number, page in enumerate(pages, start=after):
            now = NOON + timedelta(hours=number)
            with self.warehouse.transaction() as session:
                records = [read_record(one, now) for one in page]
                raw.store_records(session, records, query_id="q", origin="sandbox", fetched_at=now)

    def process(self, topics: str = "topics.yaml", *, full_refresh: bool = False) -> GroupReport:
        settings, now = self.settings(topics), NOON + timedelta(days=1)
        with self.warehouse.kept_open():
            deduplicate(self.warehouse, now=now, full_refresh=full_refresh)
            understand(self.warehouse, open_embedder(settings), full_refresh=full_refresh)
            report = group(
                self.warehouse,
                load_topics(settings),
                now=now,
                full_refresh=full_refresh,
                embedder=open_embedder(settings),
            )
            curate(self.warehouse, now=now, full_refresh=full_refresh)
        return report

    def rebuild(self, topics: str = "topics.yaml") -> Path:
        store = Folder(self.folder / "lake")
        archiving.archive(
            self.warehouse,
            store,
            scratch=self.folder,
            anew=False,
            now=NOON,
            progress=no_progress,
        )
        lake = read_lake(store)
        assert lake is not None
        settings = self.settings(topics)
        return rebuild(
            settings, (store, lake), self.folder / "out", silent, cluster=None, replace=True
        ).folder

    @property
    def ready(self) -> Path:
        """The rebuild of what the fixture stores, by the topics of now."""
        return self.folder / "ready"

    def apply(self, folder: Path, topics: str = "topics.yaml") -> rebuilt.TakenOver:
        return applying.apply(self.settings(topics), folder, silent).changes

    def state(self) -> dict[str, Any]:
        return dump(self.warehouse, *TABLES, final.CHANGES, skip=NUMBERS)


def originals(place: Place) -> list[dict[str, Any]]:
    """The verdicts on articles that open a story."""
    return [row for row in place.state()[assessments.TABLE] if row["role"] == "original"]


@pytest.fixture(scope="session")
def patterns() -> dict[str, Place]:
    """On each engine a place to copy."""
    return {}


def pattern_in(database: Database, folder: Path) -> Place:
    """A warehouse in which articles were judged by stricter topics than now, and more came.

    Of those one was there earlier than the one after which its story is named, and another is the
    fuller text of one that is shown. A rebuild by the topics of now is in the folder.
    """
    made = Place(database, folder)
    first, *others = awkward()
    text = " ".join(body(f"base-{number}") for number in range(5))
    more = " ".join(body(f"more-{number}") for number in range(6))
    made.store(generated(40), [*first, record("base", NOON, body=text)])
    made.process("strict.yaml")
    fuller = record("fuller-base", NOON + timedelta(hours=2), body=f"{text} {more}")
    made.store(*others, [fuller], after=2)
    made.rebuild().rename(made.ready)
    disconnect(made.warehouse)
    return made


@pytest.fixture
def place(
    databases: Databases,
    patterns: dict[str, Place],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """A copy of the pattern, and of its rebuild."""
    if databases.engine not in patterns:
        folder = tmp_path_factory.mktemp("pattern")
        patterns[databases.engine] = pattern_in(databases.create(), folder)
    pattern = patterns[databases.engine]
    made = Place(databases.copy(pattern.database), tmp_path)
    shutil.copytree(pattern.ready, made.ready)
    yield made
    disconnect(made.warehouse)
    drop(databases, made.database)


def test_it_is_as_after_a_full_refresh_and_the_next_run_finds_nothing_to_do(
    place: Place, databases: Databases
) -> None:
    folder = place.ready
    disconnect(place.warehouse)
    other = Place(databases.copy(place.database), place.folder)
    before = {row["article_id"]: row["story_id"] for row in place.state()[assessments.TABLE]}
    disconnect(place.warehouse)

    changes = place.apply(folder)
    other.process(full_refresh=True)

    assert changes.added[final.TABLE] > 0
    assert changes.removed[final.REJECTED] > 0
    assert place.state() == other.state()
    assert "fuller_text" in {row["reason"] for row in place.state()[final.CHANGES]}
    named_after = {row["story_id"] for row in place.state()[assessments.TABLE]}
    assert named_after - {row["article_id"] for row in originals(place)}
    told = json.loads((folder / "rebuild.json").read_text())["rows"]
    assert {name: len(place.state()[name]) for name in TABLES} == told
    names = {row["article_id"]: row["story_id"] for row in place.state()[assessments.TABLE]}
    assert {key: names[key] for key in before} == before
    after = place.state()
    assert not place.process().rules_changed
    assert place.state() == after
    assert broken_promises(place.warehouse) == set()
    # Both go on alike.
    more = [record("more", NOON + timedelta(hours=1), body=body("same")), *generated(60)[40:]]
    for one in (place, other):
        one.store(more, after=9)
        one.process()
    assert place.state() == other.state()
    disconnect(other.warehouse)
    drop(databases, other.database)


def test_runs_by_other_rules_than_the_rebuild_say_so(place: Place) -> None:
    place.apply(place.ready)
    assert place.process("strict.yaml").rules_changed
    assert not place.process().rules_changed


def test_what_leaves_final_is_told_with_its_reason(place: Place) -> None:
    place.process(full_refresh=True)
    shown = len(place.state()[final.TABLE])
    folder = place.rebuild("strict.yaml")
    told = len(place.state()[final.CHANGES])
    changes = place.apply(folder, "strict.yaml")

    left = place.state()[final.CHANGES][told:]
    assert len(left) >= changes.removed[final.TABLE] > 0
    assert {one["reason"] for one in left} >= {"too_short"}
    assert len(place.state()[final.TABLE]) == shown - changes.removed[final.TABLE]
    # Who reads page by page still finds what was there.
    past = place.warehouse.read(lambda session: session.rows(f"SELECT 1 FROM {final.PAST}"))
    assert len(past) >= changes.removed[final.TABLE]
    assert broken_promises(place.warehouse) == set()


def test_taking_it_over_twice_changes_nothing(place: Place) -> None:
    folder = place.ready
    place.apply(folder)
    before = dump(place.warehouse)
    changes = place.apply(folder)
    assert not any((*changes.added.values(), *changes.changed.values(), *changes.removed.values()))
    assert dump(place.warehouse) == before


def test_a_rebuild_that_lacks_records_is_refused_and_changes_nothing(place: Place) -> None:
    folder = place.ready
    place.store([record("late", NOON)], after=20)
    before = dump(place.warehouse)
    with pytest.raises(WarehouseError, match=r"1 records came after.*run `newsapi archive`"):
        place.apply(folder)
    assert dump(place.warehouse) == before


def test_a_rebuild_of_another_history_is_refused(place: Place) -> None:
    folder = place.ready
    with place.warehouse.transaction() as session:
        session.execute(f"UPDATE {raw.TABLE} SET uri = 'another' WHERE seq = 1")
    with pytest.raises(WarehouseError, match="made of other records"):
        place.apply(folder)


def test_a_rebuild_by_other_rules_is_refused(place: Place) -> None:
    folder = place.ready
    with pytest.raises(WarehouseError, match="judged by other topics"):
        place.apply(folder, "strict.yaml")
    with place.warehouse.transaction() as session:
        line = WrappingLine("adledger.example", "end", "Read more", 9)
        wrapping_lines.replace_all(session, [line])
    with pytest.raises(WarehouseError, match="newsapi wrapping"):
        place.apply(folder)


def test_what_came_back_since_is_not_overlooked(place: Place) -> None:
    folder = place.ready
    place.store([record("turns", NOON, body=body("turned"))], after=30)
    with pytest.raises(WarehouseError, match="records came back"):
        place.apply(folder)


def test_while_a_run_is_under_way_it_waits_and_gives_up(place: Place) -> None:
    folder = place.ready
    with (
        place.database.open().run_lock("a run", 0),
        pytest.raises(WarehouseBusyError, match="another run is under way"),
    ):
        place.apply(folder)


def test_a_folder_that_is_not_whole_is_refused_and_nothing_changes(place: Place) -> None:
    with pytest.raises(StorageError, match="no whole rebuild"):
        place.apply(place.folder / "nowhere")
    folder = place.ready
    before = dump(place.warehouse)
    told = json.loads((folder / "rebuild.json").read_text())
    told["rows"][final.TABLE] += 1
    (folder / "rebuild.json").write_text(json.dumps(told))
    with pytest.raises(StorageError, match="instead of the"):
        place.apply(folder)
    (file,) = (folder / final.TABLE).glob("*.parquet")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(WarehouseError, match="can't be read"):
        place.apply(folder)
    assert dump(place.warehouse) == before


def test_a_failure_in_its_midst_leaves_everything_as_it_was(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.ready
    before = dump(place.warehouse)

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rebuilt, "_prove", fails)
        with pytest.raises(KeyboardInterrupt):
            place.apply(folder)
    assert dump(place.warehouse) == before
    assert place.apply(folder).added[final.TABLE] > 0
