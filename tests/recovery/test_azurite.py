"""Azurite, which stands in for Blob Storage, is installed whole or not at all."""

import multiprocessing
import os
from pathlib import Path

import pytest
from tools import azurite

NPM = """#!/bin/sh
mkdir -p node_modules/.bin
test -e node_modules/.bin/azurite-blob && touch "$PWD/../twice"
touch node_modules/.bin/azurite-blob
sleep 0.3
test -z "$BROKEN" || exit 1
touch node_modules/needed
"""


def _installed() -> None:
    command = azurite.install()
    assert (command.parents[1] / "needed").exists()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it will be, with an npm that is killed or slow as it is told."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(azurite, "INSTALLED", tmp_path / "build" / "azurite")
    return azurite.INSTALLED


def test_processes_that_need_it_at_once_install_it_once(place: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_installed) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert not (place.parent / "twice").exists()


@pytest.mark.usefixtures("place")
def test_what_npm_left_half_way_is_not_taken_for_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "yes")
    with pytest.raises(azurite.MissingError, match="npm can't install Azurite"):
        azurite.install()
    monkeypatch.delenv("BROKEN")
    _installed()
