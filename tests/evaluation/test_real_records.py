"""The commands that measure rules on real records, over records made for the purpose."""

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation import quality, wrapping

PROSE = (
    "The agency opened a studio in Porto, and it will train models on what its clients have. " * 4
)
TABLE = "\n".join(f"Porto {number}-1 Braga" for number in range(12))
RECORDS = (
    {"title": "A studio opens", "body": f"{PROSE}\n\n(Reporting by Jo Weiss)"},
    {"title": "Results", "body": TABLE, "source": {"uri": "sport.example"}},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with lzma.open(tmp_path / "records-1.jsonl.xz", "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(record)}\n" for record in RECORDS)
    return tmp_path


def test_the_firings_of_a_rule_of_quality_are_counted_and_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality.main(["--records", str(folder), "--rule", "listing"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == [["2", "records"], ["1", "list_like"], ["1", "listing"]]
    assert lines[4][:2] == ["sport.example:", "Results"]


def test_wrapping_is_counted_and_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wrapping.main(["--records", str(folder), "--sample", "5"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:2] == ["2", "50.0%"]
    assert "(Reporting by Jo Weiss)" in out


@pytest.mark.parametrize("command", [quality.main, wrapping.main])
def test_without_records_there_is_nothing_to_measure(
    command: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["--records", str(tmp_path)]) == 1
    assert "there are no files" in capsys.readouterr().out
