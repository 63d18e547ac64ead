"""The library that executes the models tells nobody, and leaves nothing in the home folder."""

import os
import subprocess
import sys
from pathlib import Path


def test_using_a_model_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("HOME", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY", "CI")
    }
    subprocess.run(
        [
            sys.executable,
            "-c",
            "from newsapi_dentsu.meaning import sentence_model\n"
            "sentence_model().embed(['a text'])\n",
        ],
        env={**kept, "HOME": str(home)},
        check=True,
        timeout=120,
    )
    assert list(home.rglob("*")) == []
