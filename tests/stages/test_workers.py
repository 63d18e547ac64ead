"""Much work is done by several processes: the same results, and nothing that outlives a run."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.meaning import SHIPPED, SentenceModel
from newsapi_dentsu.stages import group as grouping
from newsapi_dentsu.stages import workers as working
from newsapi_dentsu.stages.judging import InWorkers
from newsapi_dentsu.stages.workers import Workers, workers
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import assessments, text_bands
from support.articles import body, record
from support.clock import NOON
from support.forking import fork_workers
from support.portions import die, die_of_seven, double, refuse, whose
from support.processing import process, store
from support.tables import dump


@pytest.fixture(scope="module", autouse=True)
def _two_processors() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(working, "processors", lambda: 2)
        yield


@pytest.fixture(scope="module")
def helpers() -> Iterator[Workers]:
    with workers(wanted=True) as started:
        yield started


def minus(number: int) -> int:
    return -number


def test_results_come_in_order_from_other_processes(helpers: Workers) -> None:
    portions = [[number, number + 1] for number in range(0, 100, 2)]
    assert list(chain(*helpers.map(double, portions, minus))) == list(range(0, 200, 2))
    assert os.getpid() not in chain(*helpers.map(whose, portions, minus))


def test_little_work_is_done_here() -> None:
    with workers(wanted=False) as here:
        assert set(chain(*here.map(whose, [[1], [2, 3]], minus))) == {os.getpid()}


def test_portions_are_taken_as_results_are(helpers: Workers) -> None:
    taken: list[int] = []

    def portions() -> Iterator[list[int]]:
        for number in range(1000):
            taken.append(number)
            yield [number]

    results = helpers.map(double, portions(), minus)
    assert 0 < len(taken) < 50
    next(results)
    assert len(taken) < 50


def test_an_error_comes_through(helpers: Workers) -> None:
    with pytest.raises(ValueError, match="not"):
        list(helpers.map(refuse, [[7]], minus))


def test_an_item_that_kills_its_process_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    fork_workers(monkeypatch)
    portions = [[number, number + 1, number + 2] for number in range(0, 60, 3)]
    with workers(wanted=True) as helpers:
        started, later = (helpers.map(die_of_seven, portions, minus) for _ in range(2))
        expected = [-7 if number == 7 else number for number in range(60)]
        assert list(chain(*started)) == expected
        assert list(chain(*later)) == expected
        assert list(helpers.map(double, [[1]], minus)) == [[2]]


def test_processes_that_are_killed_whatever_they_do_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fork_workers(monkeypatch)
    with workers(wanted=True) as helpers, pytest.raises(PipelineError, match="run again"):
        list(helpers.map(die, [[1]], minus))


def test_nothing_stays_of_a_process_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "works.py"
    script.write_text(
        "import os, time\n"
        "from newsapi_dentsu.stages.workers import workers\n"
        "def whose(_):\n    return [os.getpid()]\n"
        "if __name__ == '__main__':\n"
        "    with workers(wanted=True) as helpers:\n"
        "        found = helpers.map(whose, [[n] for n in range(8)], None)\n"
        "        print(*{pid for (pid,) in found}, flush=True)\n"
        "        time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        children = [int(pid) for pid in started.stdout.readline().split()]
        assert children
        started.kill()
    deadline = time.monotonic() + 20
    while any(map(_runs, children)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_stories_are_the_same_as_without(
    warehouse: Warehouse, other_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_workers(monkeypatch)
    monkeypatch.setattr(grouping, "_AT_ONCE", 3)
    for one, many in ((other_warehouse, 5_000), (warehouse, 1)):
        monkeypatch.setattr(grouping, "_MANY", many)
        store(
            one,
            *(record(f"{n}", NOON - timedelta(hours=n), body=body(f"{n % 7}")) for n in range(20)),
        )
        process(one)
    assert dump(warehouse, assessments.TABLE) == dump(other_warehouse, assessments.TABLE)
    bands = f"SELECT day, band, article_id FROM {text_bands.BANDS} ORDER BY article_id, band"
    assert warehouse.read(lambda session: session.rows(bands)) == other_warehouse.read(
        lambda session: session.rows(bands)
    )


def test_a_model_is_loaded_by_the_workers_alone(helpers: Workers) -> None:
    model = SentenceModel(SHIPPED)
    texts = ["Generative AI in marketing", "A bridge is closed for repairs"]
    made = InWorkers(model, helpers).embed(texts)
    assert {"_network", "_tokenizer"}.isdisjoint(vars(model))
    assert np.array_equal(made, model.embed(texts))


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
