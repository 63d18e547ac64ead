"""Processes forked from one server process that has everything imported and no threads.

There is one such server for all tests of a process, so all of them fork from here.
"""

import multiprocessing
import os
import sys
from pathlib import Path

import pytest

from newsapi_dentsu.stages import workers

server = multiprocessing.get_context("forkserver")
server.set_forkserver_preload(
    ["support.warm", *(name for name in ("support.one_thread",) if name in sys.modules)]
)
# The server starts without this process's module path.
_given = os.environ.get("PYTHONPATH")
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parents[1]), *([_given] if _given else [])]
)


def fork_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stages' other processes begin here too; tests of starting them leave it out."""
    monkeypatch.setattr(workers, "get_context", lambda _: server)
