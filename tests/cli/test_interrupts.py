"""Ctrl-C ends a command that serves, whatever its threads are about."""

import os
import re
import sys
from subprocess import PIPE, Popen, run

import click
import dagster as dg
import duckdb
import pytest
import requests
from click.testing import CliRunner

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.dagster_private import SerializableErrorInfo
from newsapi_dentsu.defs.failures import INTERRUPTED, message_of
from newsapi_dentsu.errors import INTERRUPTED_QUERY, INTERRUPTS

from .conftest import Workspace

_INTERRUPTED_IN_A_CALLBACK = """
import os, signal, socketserver, sys, weakref
from newsapi_dentsu.cli.program import program

class Answered:
    pass

taken = socketserver.ThreadingMixIn.process_request

def take(server, request, address):
    taken(server, request, address)
    one = Answered()
    watched = weakref.ref(one, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del one

socketserver.ThreadingMixIn.process_request = take
sys.argv = ["newsapi", *sys.argv[1:]]
program()
"""


@pytest.mark.parametrize(
    ("arguments", "path"),
    [(["dashboard", "--port", "0"], "nothing"), (["sandbox", "--port", "0"], "health")],
)
def test_an_interrupt_is_not_lost_where_threads_that_have_ended_are_forgotten(
    workspace: Workspace, arguments: list[str], path: str
) -> None:
    command = [sys.executable, "-c", _INTERRUPTED_IN_A_CALLBACK, *arguments]
    with Popen(command, cwd=workspace.folder, stderr=PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            said = next(line for line in process.stderr if "http://" in line)
            url = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert url is not None, said
            requests.get(f"{url[0]}/{path}", timeout=30)
            assert process.wait(30) == 0
        finally:
            process.kill()


_INTERRUPTED_WHEN_IT_WAITS = """
import os, signal, sys, time, weakref
from newsapi_dentsu.cli.program import program

class Forgotten:
    pass

wait, waited = time.sleep, []

def interrupted(seconds):
    if not waited:
        waited.append(seconds)
        one = Forgotten()
        watched = weakref.ref(one, lambda _: os.kill(os.getpid(), signal.SIGTERM))
        del one
    wait(seconds)

time.sleep = interrupted
sys.argv = ["newsapi", *sys.argv[1:]]
program()
"""


@pytest.mark.parametrize(
    ("command", "told"),
    [("status", "Aborted!"), ("run", "Error: the run was interrupted; what it stored stays: ")],
)
def test_a_command_that_waits_is_interrupted_though_python_forgets_an_object(
    connected: Workspace, command: str, told: str
) -> None:
    arguments = [sys.executable, "-c", _INTERRUPTED_WHEN_IT_WAITS, command]
    waits = 2 if command == "run" else 120
    environment = os.environ | connected.settings | {"DATABASE_WAIT_SECONDS": f"{waits}"}
    with duckdb.connect(connected.folder / "data" / "news.duckdb"):
        finished = run(
            arguments,
            cwd=connected.folder,
            env=environment,
            stderr=PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert told in finished.stderr
    assert "KeyboardInterrupt" not in finished.stderr
    assert finished.returncode == 1


_RAISED_WHEN_FORGOTTEN = """
import asyncio, signal, sys, time
from newsapi_dentsu.cli.program import program

class Forgotten:
    def __del__(self):
        if sys.argv[1] == "cancelled":
            raise asyncio.CancelledError
        signal.raise_signal(signal.SIGTERM)

def forget(*_, **__):
    one = Forgotten()
    del one
    time.sleep(0.5)
    print("went on")

# As what a shell starts in the background.
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.modules["newsapi_dentsu.cli.program"].main = forget
program()
"""


@pytest.mark.parametrize(("raised", "said"), [("cancelled", "went on\n"), ("interrupt", "")])
def test_only_what_was_an_interrupt_is_sent_again_whatever_is_ignored(
    workspace: Workspace, raised: str, said: str
) -> None:
    arguments = [sys.executable, "-c", _RAISED_WHEN_FORGOTTEN, raised]
    finished = run(
        arguments,
        cwd=workspace.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.stdout == said
    # What is no interrupt is told.
    assert ("CancelledError" in finished.stderr) == (raised == "cancelled")


_INTERRUPTED_WHEN_IT_SPEAKS = """
import signal, sys
import click
from newsapi_dentsu.cli.program import program

say, told = click.echo, []

def echo(message=None, **options):
    say(message, **options)
    if "http://" in str(message) and not told:
        told.append(message)
        signal.raise_signal(signal.SIGINT)

click.echo = echo
sys.argv = ["newsapi", *sys.argv[1:]]
program()
"""


@pytest.mark.parametrize("command", ["dashboard", "sandbox", "serve"])
def test_an_interrupt_may_come_as_soon_as_the_address_is_told(
    filled: Workspace, command: str
) -> None:
    arguments = [sys.executable, "-c", _INTERRUPTED_WHEN_IT_SPEAKS, command, "--port", "0"]
    finished = run(arguments, cwd=filled.folder, stderr=PIPE, text=True, timeout=60, check=False)

    assert "http://" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.returncode == 0


_BROKEN = """
import socketserver, sys
from newsapi_dentsu.cli.program import program

def broken(server, *_):
    raise OSError("no more files")

socketserver.BaseServer.serve_forever = broken
sys.argv = ["newsapi", *sys.argv[1:]]
program()
"""


@pytest.mark.parametrize("command", ["dashboard", "sandbox"])
def test_a_server_that_breaks_ends_its_command(workspace: Workspace, command: str) -> None:
    arguments = [sys.executable, "-c", _BROKEN, command, "--port", "0"]
    finished = run(arguments, cwd=workspace.folder, stderr=PIPE, text=True, timeout=60, check=False)

    assert "no more files" in finished.stderr
    assert finished.stderr.endswith("the server broke, as told above: start it again\n")
    assert finished.returncode == 1


def test_interrupts_are_known_by_their_names() -> None:
    assert {KeyboardInterrupt.__name__, dg.DagsterExecutionInterruptedError.__name__} == INTERRUPTS


def test_an_interrupt_that_duckdb_takes_for_itself_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted() -> None:
        raise RuntimeError(INTERRUPTED_QUERY)

    monkeypatch.setattr(main, "get_command", lambda *_: click.Command("ask", callback=interrupted))
    told = CliRunner().invoke(main, ["ask"])
    assert (told.exit_code, told.output.strip()) == (1, "Aborted!")

    error = SerializableErrorInfo(f"RuntimeError: {INTERRUPTED_QUERY}\n", [], "RuntimeError")
    assert message_of(error) == INTERRUPTED
