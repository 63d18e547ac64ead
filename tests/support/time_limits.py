"""A limit of time for each test, after which its processes end too.

pytest-timeout ends a test by a signal: it shows what every thread is doing and fails the test,
whose fixtures then clean up. This plugin gives slow tests a limit of their own and does what a
signal can't: it ends the processes that nobody cleaned up, and ends pytest's process where a test
is stuck in code that no signal reaches.
"""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from math import inf
from typing import Any

import psutil
import pytest

SLOW = 1200.0
"""Seconds that a test marked as slow may last on a busy machine; pyproject.toml has the others'."""

GRACE = 60.0
"""Seconds for a test that was told to end."""

_ends = pytest.StashKey[float]()
_before = pytest.StashKey[list[int]]()
_watch = pytest.StashKey[threading.Timer]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the slow tests their limit."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW))


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Watch over a test from another thread; the signal is set as well."""
    item.stash[_ends] = time.monotonic() + settings.timeout
    item.stash[_before] = psutil.pids()
    watch = threading.Timer(settings.timeout + GRACE, _give_up, [item])
    watch.daemon = True
    item.stash[_watch] = watch
    watch.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End what a test has left running if it reached its limit."""
    try:
        return (yield)
    finally:
        if watch := item.stash.get(_watch, None):
            watch.cancel()
            if time.monotonic() >= item.stash[_ends]:
                end_processes(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that went on after its limit: what it tests has caught the exception."""
    report = yield
    if report.passed and call.when == "call" and time.monotonic() >= item.stash.get(_ends, inf):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} caught what was to end it at its limit of time"
    return report


def end_processes(item: pytest.Item) -> None:
    """Kill the processes that a test has started, their orphans too where they know its name."""
    own = psutil.Process().children(recursive=True)
    before = item.stash[_before]
    for pid in set(psutil.pids()).difference(before):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            test = process.environ().get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
            if process in own or test == item.nodeid:
                process.kill()


def _give_up(item: pytest.Item) -> None:
    if capture := item.config.pluginmanager.getplugin("capturemanager"):
        capture.suspend_global_capture(in_=True)
    print(f"\n{item.nodeid} can't be ended; its threads:", file=sys.__stderr__)
    faulthandler.dump_traceback(sys.__stderr__ or 2)
    end_processes(item)
    os._exit(1)
