"""An image that buildah built: its configuration, its layers and its files."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUILT = os.environ.get("NEWSAPI_IMAGE", "")
"""The image to test, as `docker/build-image.sh` tagged it."""


@dataclass(frozen=True)
class BuiltImage:
    """An image, and where its files are mounted."""

    files: Path
    configuration: dict[str, Any]
    layers: int

    @property
    def megabytes(self) -> float:
        """The size of its files, each once."""
        sizes: dict[int, int] = {}
        for folder, _, names in os.walk(self.files):
            for name in names:
                status = os.lstat(Path(folder) / name)
                sizes[status.st_ino] = status.st_size
        return sum(sizes.values()) / 1e6


@contextmanager
def built_image(name: str) -> Iterator[BuiltImage]:
    """Mount an image for the length of the block."""
    described = json.loads(_buildah("inspect", "--type", "image", name))["OCIv1"]
    container = _buildah("from", "--pull-never", name)
    try:
        yield BuiltImage(
            Path(_buildah("mount", container)),
            described["config"],
            len(described["rootfs"]["diff_ids"]),
        )
    finally:
        _buildah("rm", container)


def _buildah(*arguments: str) -> str:
    return subprocess.run(
        ["buildah", *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=300
    ).stdout.strip()
