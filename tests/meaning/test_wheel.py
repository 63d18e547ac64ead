"""Whoever installs the program has the models."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("newsapi_dentsu/meaning/minilm", "newsapi_dentsu/meaning/tone_minilm")


def test_the_wheel_holds_the_models_and_their_licence(tmp_path: Path) -> None:
    build = [str(Path(sys.executable).with_name("hatchling")), "build", "-t", "wheel", "-d"]
    subprocess.run([*build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        for folder in FOLDERS:
            for name, digest in json.loads(files.read(f"{folder}/model.json"))["sha256"].items():
                assert hashlib.sha256(files.read(f"{folder}/{name}")).hexdigest() == digest
            assert b"Apache License" in files.read(f"{folder}/LICENSE")
