"""Each text gets its vector once, whatever happens on the way."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from newsapi_dentsu.domain import assessment
from newsapi_dentsu.domain.passages import passage_hash, passages
from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.domain.vectors import Vectors
from newsapi_dentsu.errors import ModelError
from newsapi_dentsu.meaning import SHIPPED, Embedder, SentenceModel, sentence_model
from newsapi_dentsu.stages import setting_aside
from newsapi_dentsu.stages import understand as understanding
from newsapi_dentsu.stages import workers as working
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.understand import tidy, understand
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import assessments, embeddings
from support.articles import record
from support.clock import NOON
from support.databases import Database, DuckDBDatabases
from support.forking import fork_workers
from support.parts import first_quick
from support.processes import finish
from support.processes import process as another_process
from support.processing import process, store
from support.tables import column, count, execute

MODEL = sentence_model().model
PETS = """
quality: {min_words: 1}
topics:
  - name: Pets
    description: Dogs, cats and other animals that people keep at home.
    keywords: [pets, kittens]
"""


class Wrapped(Embedder):
    """The shipped model with something done before each text."""

    def __init__(self, before: Callable[[str], None], name: str = MODEL) -> None:
        self._before = before
        self._name = name

    @property
    def model(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return sentence_model().dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        for text in texts:
            self._before(text)
        return sentence_model().embed(texts)


def refuse_poison(text: str) -> None:
    if "poison" in text:
        raise ValueError("what a text")


def die_of_poison(text: str) -> None:
    if "poison" in text:
        os.kill(os.getpid(), signal.SIGKILL)


def take_long(_: str) -> None:
    time.sleep(0.02)


def stored(warehouse: Warehouse, numbers: Sequence[int], title: str = "Title") -> None:
    """Have articles that wait for understanding."""
    records = [
        record(f"{n}", NOON - timedelta(hours=1), title=f"{title} {n}", body=f"Text {n}.")
        for n in numbers
    ]
    store(warehouse, *records)
    deduplicate(warehouse, now=NOON)


def kept(warehouse: Warehouse, model: str = MODEL) -> Mapping[str, bytes]:
    """Every vector that is kept, by its text's hash."""
    hashes = column(warehouse, embeddings.TABLE, "text_hash")
    with warehouse.snapshot() as session:
        found = embeddings.vectors(session, model, hashes)
    return {key: vector.tobytes() for key, vector in found.items()}


def expected(numbers: Sequence[int]) -> Mapping[str, bytes]:
    texts = [text for n in numbers for text in passages(f"Title {n}", f"Text {n}.")]
    vectors = sentence_model().embed(texts)
    return {passage_hash(text): row.tobytes() for text, row in zip(texts, vectors, strict=True)}


def test_every_text_gets_its_vector_once(warehouse: Warehouse) -> None:
    stored(warehouse, range(5))
    first = understand(warehouse, sentence_model())
    # Two parts of each article: the title alone, and with the opening.
    assert (first.articles, first.made, first.failed) == (5, 10, 0)
    assert kept(warehouse) == expected(range(5))

    asked: list[str] = []
    counting = Wrapped(asked.append)
    process(warehouse)
    stored(warehouse, [5])
    assert understand(warehouse, counting).made == len(asked) == 2
    again = understand(warehouse, counting, full_refresh=True)
    assert (again.articles, again.made) == (6, 0)
    assert len(asked) == 2


def test_a_text_of_several_articles_is_read_once(warehouse: Warehouse) -> None:
    same = [record(f"{n}", NOON, title="One title", body="One text.") for n in range(3)]
    store(warehouse, *same)
    deduplicate(warehouse, now=NOON)
    report = understand(warehouse, sentence_model())
    assert (report.articles, report.made) == (3, 2)


@pytest.mark.parametrize("processes", [1, 2])
def test_batches_and_processes_change_nothing(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    fork_workers(monkeypatch)
    monkeypatch.setattr(working, "processors", lambda: processes)
    monkeypatch.setattr(understanding, "_MANY", 1)
    monkeypatch.setattr(understanding, "_AT_ONCE", 2)
    monkeypatch.setattr(understanding, "BATCH_ROWS", 7)
    stored(warehouse, range(20))
    told: list[tuple[int, int]] = []
    report = understand(warehouse, sentence_model(), progress=lambda *far: told.append(far))
    assert report.made == 40
    assert kept(warehouse) == expected(range(20))
    assert told[0] == (0, 20)
    assert told[-1] == (20, 20)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 10


def test_a_text_without_a_vector_costs_no_other(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    stored(warehouse, [1, 2])
    stored(warehouse, [3], title="poison")
    report = understand(warehouse, Wrapped(refuse_poison))
    assert (report.articles, report.made, report.failed) == (3, 4, 2)
    assert kept(warehouse) == expected([1, 2])
    assert "is judged without its meaning: ValueError: what a text" in caplog.text
    process(warehouse)


@pytest.mark.parametrize(
    "text",
    first_quick(
        [
            "\U0001f389 \U0001f525\U0001f525 \U0001f680",
            "\u0420\u0435\u043a\u043b\u0430\u043c\u0430 \u0440\u0430\u0441\u0442\u0435\u0442",
            "\u5e7f\u544a\u884c\u4e1a\u6b63\u5728\u6539\u53d8",
            "xq7 zrv9k qqwpt 0x3f zzkjh wvxq pltk9 jjqx vbn3m qzt",
            "-- *** --",
        ],
        2,
    ),
    ids=["emoji", "cyrillic", "chinese", "soup", "marks"],
)
def test_what_the_model_can_t_read_gets_no_vector(
    duckdb_databases: DuckDBDatabases, text: str
) -> None:
    warehouse = duckdb_databases.create().open()
    store(warehouse, record("1", NOON, title=text, body=f"{text} {text}"))
    store(warehouse, record("2", NOON, title=text, body="Dogs and cats at home. " * 20))
    deduplicate(warehouse, now=NOON)
    report = understand(warehouse, sentence_model())
    # What follows an unreadable title is read with it.
    assert (report.articles, report.made) == (2, 1)
    topics = parse_topics(PETS, "topics.yaml")
    group(warehouse, topics, now=NOON, embedder=sentence_model())
    unread, read = sorted(column(warehouse, assessments.TABLE, "relevance"))
    assert unread == 0
    assert read > 0.5


def test_what_grouping_tries_again_is_judged_by_its_meaning(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = parse_topics(PETS, "topics.yaml")
    store(warehouse, record("1", NOON, title="Dogs and cats", body="Puppies at home. " * 20))
    deduplicate(warehouse, now=NOON)
    with monkeypatch.context() as broken:
        broken.setattr(assessment, "score", lambda *_: 1 / 0)
        assert group(warehouse, topics, now=NOON, embedder=sentence_model()).failed == 1
    # The version after it tries again, and brings another model.
    monkeypatch.setattr(setting_aside, "_version", lambda: "later")
    later = Wrapped(lambda _: None, "later@1")
    assert understand(warehouse, later).made == 2
    group(warehouse, topics, now=NOON, embedder=later)
    assert column(warehouse, assessments.TABLE, "relevance")[0] > 0.9
    assert understand(warehouse, later).articles == 0


def test_a_text_that_kills_its_process_costs_no_other(
    duckdb_databases: DuckDBDatabases,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    warehouse = duckdb_databases.create().open()
    fork_workers(monkeypatch)
    monkeypatch.setattr(working, "processors", lambda: 2)
    monkeypatch.setattr(understanding, "_MANY", 1)
    stored(warehouse, [1])
    stored(warehouse, [2], title="poison")
    report = understand(warehouse, Wrapped(die_of_poison))
    assert (report.made, report.failed) == (2, 2)
    assert kept(warehouse) == expected([1])
    assert "the process that read it was killed" in caplog.text


def understand_slowly(database: Database) -> None:
    understanding.BATCH_ROWS = 5
    understand(database.open(wait=30), Wrapped(take_long))


def test_killed_it_goes_on_where_it_was(database: Database) -> None:
    warehouse = database.open(wait=30)
    stored(warehouse, range(40))
    with another_process(understand_slowly, database) as child:
        deadline = time.monotonic() + 60
        while count(warehouse, embeddings.TABLE) < 10 and time.monotonic() < deadline:
            time.sleep(0.05)
        child.kill()
        child.join()
    before = count(warehouse, embeddings.TABLE)
    assert 10 <= before < 40
    with another_process(understand_slowly, database) as child:
        finish(child)
    assert kept(warehouse) == expected(range(40))

    asked: list[str] = []
    understand(warehouse, Wrapped(asked.append))
    assert asked == []


def test_the_time_that_is_told_is_divided_by_the_processes_once(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AllAtOnce(Wrapped):
        @override
        def embed(self, texts: Sequence[str]) -> Vectors:
            time.sleep(0.02)
            return super().embed(texts)

    monkeypatch.setattr(understanding, "_MANY", 1)
    monkeypatch.setattr(working, "processors", lambda: 2)
    stored(warehouse, range(10))

    missing = understanding.missing(warehouse, AllAtOnce(lambda _: None))
    assert missing.seconds >= missing.texts * 0.02 / 2 > 0


def read(database: Database) -> None:
    count(database.open(wait=2), embeddings.TABLE)


def test_others_read_while_vectors_are_made(
    duckdb_databases: DuckDBDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(understanding, "BATCH_ROWS", 1)
    database = duckdb_databases.create()
    warehouse = database.open()
    stored(warehouse, range(2))

    def let_another_read(_: str) -> None:
        with another_process(read, database) as child:
            finish(child)

    with warehouse.kept_open():
        report = understand(warehouse, Wrapped(let_another_read))
    # The title with the opening, and the title alone.
    assert report.made == 2 * 2


def test_where_a_database_came_without_vectors_only_what_waits_is_read(
    warehouse: Warehouse,
) -> None:
    stored(warehouse, range(3))
    process(warehouse)
    execute(warehouse, f"DELETE FROM {embeddings.TABLE}")
    stored(warehouse, [3])
    understand(warehouse, sentence_model())
    assert kept(warehouse) == expected([3])
    understand(warehouse, sentence_model(), full_refresh=True)
    assert kept(warehouse) == expected(range(4))


def test_another_model_makes_its_own(warehouse: Warehouse) -> None:
    stored(warehouse, range(3))
    understand(warehouse, sentence_model())
    report = understand(warehouse, Wrapped(lambda _: None, "another@1"))
    assert report.made == 6
    assert kept(warehouse) == kept(warehouse, "another@1")


def test_a_model_that_can_not_be_used_stops_the_stage(warehouse: Warehouse, tmp_path: Path) -> None:
    stored(warehouse, [1])
    with pytest.raises(ModelError, match=r"model.json can't be read"):
        understand(warehouse, SentenceModel(tmp_path))

    for name in ("model.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=r"model.onnx is not the file"):
        understand(warehouse, SentenceModel(tmp_path))

    manifest = (SHIPPED / "model.json").read_text().replace("384", "512")
    (tmp_path / "model.json").write_text(manifest)
    with pytest.raises(ModelError, match="vectors of 512 numbers, and the database keeps 384"):
        understand(warehouse, SentenceModel(tmp_path))


def test_tidying_keeps_what_articles_have(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(understanding, "TIDIED_AT_ONCE", 2)
    stored(warehouse, range(3))
    understand(warehouse, sentence_model())
    with warehouse.transaction() as session:
        vectors = dict(
            zip(["00", "7f", "ff"], sentence_model().embed(["a", "b", "c"]), strict=True)
        )
        embeddings.save(session, MODEL, vectors)
        embeddings.save(
            session, "another@1", vectors | embeddings.vectors(session, MODEL, expected([1]))
        )
    assert tidy(warehouse, MODEL) == 3 + 3 + 2
    assert kept(warehouse) == expected(range(3))
    assert tidy(warehouse, MODEL) == 0
