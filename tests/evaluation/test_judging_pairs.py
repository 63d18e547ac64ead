"""Real pairs are judged by figures of other days; without them that is said."""

import itertools
import json
import lzma
import random
from pathlib import Path

import pytest
from evaluation.fit_pairs import fitted
from evaluation.judging_pairs import area, interval, judged
from evaluation.real_pairs import is_there, real_pairs

from evaluation import judging_pairs

WORDS = ["".join(letters) for letters in itertools.product("bcdfg", "aeiou", "klmnp", "aeiou")]


def text(seed: str, words: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Made-up material of the shape of the real one: copies, and texts that add a paragraph."""
    labels, records = [], []
    for number in range(24):
        news = number % 3
        added = {0: "", 1: text(f"{number} news", 70), 2: text(f"{number} news", 40)}[news]
        bodies = text(str(number), 120), f"{added}\n{text(f'{number}', 118)}"
        for name, body in zip("ab", bodies, strict=True):
            records.append(
                {
                    "uri": f"{name}{number}",
                    "title": f"{name} told",
                    "body": body,
                    "date": f"2026-03-0{1 + number % 4}",
                    "source": {"uri": f"{name}.example"},
                }
            )
        label = {0: "same", 1: "update", 2: "fuller"}[news]
        labels.append(
            {"a": f"a{number}", "b": f"b{number}", "label": label, "better": "b", "sure": True}
        )
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, labels)), "utf-8")
    with lzma.open(tmp_path / "records-2017-05-30_to_06-08.jsonl.xz", "wt") as file:
        file.write("\n".join(map(json.dumps, records)))
    return tmp_path


def test_each_pair_is_judged_once_by_figures_that_tell_copies(folder: Path) -> None:
    found = judged(real_pairs(folder))
    assert len(found) == 24
    assert all((one.degree == "copy") == (one.pair.label == "same") for one in found)


def test_fitting_gives_more_news_less_certainty(folder: Path) -> None:
    figures = fitted(real_pairs(folder))
    assert figures.copy["longest"] < 0
    assert figures.copy["facts"] < 0


def test_without_the_material_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not is_there(tmp_path)
    monkeypatch.setattr(judging_pairs, "is_there", lambda: is_there(tmp_path))
    assert judging_pairs.main() == 0
    assert "nothing real was judged" in capsys.readouterr().out


def test_the_interval_of_a_share_narrows_with_more_cases() -> None:
    few, many = interval(9, 10), interval(900, 1000)
    assert few[0] < many[0] < 0.9 < many[1] < few[1]
    assert interval(0, 0) == (0.0, 1.0)


def test_the_area_counts_pairs_in_the_right_order() -> None:
    assert area([(True, 0.9), (True, 0.4), (False, 0.6), (False, 0.1)]) == 0.75
