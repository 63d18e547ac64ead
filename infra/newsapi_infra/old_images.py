"""Deleting images of old releases from the registry, with the `az` command.

    python -m newsapi_infra.old_images --group newsapi-rg --registry NAME.azurecr.io [--delete]

A release is a commit: its image, and those of it for each kind of machine, carry the commit as
their tag. What an app or a job runs stays, and the newest releases stay, to go back to. Without
`--delete` it only says what it would delete. Signatures go with the image that they are about.
"""

import argparse
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from newsapi_infra import names
from newsapi_infra.release import ReleaseError, Target, az, images_in_use

KEPT_RELEASES = 10
"""How many of the newest releases stay, however old."""

KEPT_DAYS = 60
"""How many days every release stays."""

_RELEASE_TAG = re.compile(r"([0-9a-f]{40})(?:-(?:amd64|arm64))?")


@dataclass(frozen=True, slots=True)
class Image:
    """An image in the registry: its digest, its release's commit, and when it came."""

    digest: str
    commit: str
    pushed_at: datetime


def parse_images(manifests: Sequence[Mapping[str, Any]]) -> list[Image]:
    """The releases' images among what the registry holds; what has other tags is left alone."""
    found = []
    for manifest in manifests:
        for tag in manifest.get("tags") or []:
            if match := _RELEASE_TAG.fullmatch(tag):
                pushed_at = datetime.fromisoformat(_to_microseconds(manifest["createdTime"]))
                found.append(Image(manifest["digest"], match[1], pushed_at))
                break
    return found


def old_images(images: Collection[Image], in_use: Collection[str], now: datetime) -> list[Image]:
    """The images that nothing runs and nobody goes back to, the oldest first.

    Args:
        images: those of all releases.
        in_use: the digests that apps and jobs run.
        now: from when ages are counted.
    """
    released: dict[str, datetime] = {}
    for image in images:
        released[image.commit] = max(image.pushed_at, released.get(image.commit, image.pushed_at))
    newest = sorted(released, key=lambda commit: released[commit], reverse=True)[:KEPT_RELEASES]
    kept = {*newest, *(image.commit for image in images if image.digest in in_use)}
    limit = now - timedelta(days=KEPT_DAYS)
    return sorted(
        (image for image in images if image.commit not in kept and released[image.commit] < limit),
        key=lambda image: (image.pushed_at, image.digest),
    )


def _to_microseconds(text: str) -> str:
    """A time of Azure's as Python 3.11 reads it: it may have seven digits after the second."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="newsapi_infra.old_images", description=__doc__)
    parser.add_argument(
        "--group",
        required=True,
        action="append",
        help="a resource group whose apps pull from the registry; both of a pair",
    )
    parser.add_argument("--registry", required=True, help="the registry's login server")
    parser.add_argument("--delete", action="store_true", help="delete them")
    given = parser.parse_args()
    try:
        in_use = {
            image.partition("@")[2]
            for group in given.group
            for image in images_in_use(Target(group, given.registry, None, 0, 0))
        }
        if "" in in_use:
            raise ReleaseError("an app or a job runs an image that isn't named by its digest")
        name = given.registry.partition(".")[0]
        manifests = az(f"acr manifest list-metadata -r {name} -n {names.IMAGE}")
        images = parse_images(manifests)
        if not in_use & {manifest["digest"] for manifest in manifests}:
            raise ReleaseError(f"{given.registry} holds none of the images that run")
        old = old_images(images, in_use, datetime.now(UTC))
        for image in old:
            sys.stdout.write(f"{image.commit} {image.pushed_at:%Y-%m-%d} {image.digest}\n")
            if given.delete:
                reference = f"{names.IMAGE}@{image.digest}"
                az(f"acr repository delete -n {name} --image {reference} --yes")
    except ReleaseError as error:
        sys.exit(f"Old images stay: {error}")
    done = "deleted" if given.delete else "to delete; --delete does it"
    sys.stdout.write(f"{len(old)} of {len(images)} images {done}\n")


if __name__ == "__main__":
    main()
