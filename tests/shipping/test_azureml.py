"""What Azure Machine Learning runs: files that exist, a script that reads as the program does."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from newsapi_dentsu.meaning import Passage, tone_model

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra/azureml"


@pytest.fixture(scope="module")
def score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", FOLDER / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.init()
    return module


def test_a_request_is_answered_as_the_program_reads(score: ModuleType) -> None:
    passage = Passage("Critics condemn Acme.", 16, 20, "brand")
    body = {"model": tone_model().model, "passages": [list(passage)]}

    told = score.run(json.dumps(body))

    assert told["model"] == tone_model().model
    assert told["tones"] == [list(tone_model().read([passage])[0])]


def test_another_model_and_too_much_are_refused(score: ModuleType) -> None:
    with pytest.raises(ValueError, match="serves"):
        score.run(json.dumps({"model": "other@1", "passages": []}))
    with pytest.raises(ValueError, match="at most"):
        score.run(json.dumps({"passages": [["", 0, 0, "brand"]] * (score.MOST + 1)}))


def test_a_batch_of_files_is_read_line_by_line(score: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    passage = Passage("Customers love Acme.", 15, 19, "org")
    rows = [{"id": n, **passage._asdict()} for n in range(3)]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")

    told = [json.loads(line) for line in score.run([str(path)])]

    assert [one["id"] for one in told] == [0, 1, 2]
    assert {one["model"] for one in told} == {tone_model().model}
    assert told[0]["positive"] == tone_model().read([passage])[0].positive


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
def test_descriptions_name_files_and_modules_that_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    described = yaml.safe_load(text)

    for name in re.findall(r"requirements/[\w.-]+|src/[\w/]+", text):
        assert (ROOT / name).exists() or (ROOT / name.rstrip("/")).is_dir(), name
    for module in re.findall(r"python -m (tools\.\w+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists()
    if "code_configuration" in described:
        assert (FOLDER / described["code_configuration"]["scoring_script"]).exists()
    if isinstance(described.get("environment"), dict):
        assert (FOLDER / described["environment"]["conda_file"]).exists()
