"""Published schemas of files that other programs read."""

import subprocess
from pathlib import Path

from support.services import BIN


def assert_valid(file: Path, schema: str) -> None:
    """Hold a file against one of the schemas that check-jsonschema brings along."""
    checked = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
