"""Commands that listen find a free port, or say at once why they can't have theirs."""

import os
import socket
import time

import click
import pytest

from newsapi_dentsu.cli.ports import listen

from .conftest import Workspace

LISTENING = {
    "dev": "--port",
    "serve": "--port",
    "dashboard": "--port",
    "sandbox": "--port",
    "daemon": "--health-port",
}


@pytest.mark.parametrize("command", LISTENING)
@pytest.mark.parametrize("port", ["99999", "65536", "-1", "http"])
def test_what_is_no_port_is_refused_at_once(workspace: Workspace, command: str, port: str) -> None:
    started = time.monotonic()
    refused = workspace.newsapi(command, f"{LISTENING[command]}={port}")
    assert refused.code == 2
    assert port in refused.err
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("command", ["dev", "serve", "dashboard", "sandbox"])
def test_a_taken_port_that_was_named_is_told_with_its_holder(
    workspace: Workspace, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = workspace.newsapi(command, "--port", str(taken.getsockname()[1]))
    assert refused.code == 1
    assert f"is taken by process {os.getpid()} (" in refused.err
    assert "choose another --port" in refused.err


def test_another_port_stands_in_for_the_default_one(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with listen("127.0.0.1", port, named=False) as found:
            other = found.getsockname()[1]
        assert port < other <= port + 20
        assert f"Port {port} is taken by this process: {other} instead." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "advice"),
    [("no-such-host.invalid", "--host"), ("192.0.2.1", "--host"), ("::1:1", "--host")],
)
def test_a_host_that_is_not_here_is_told(host: str, advice: str) -> None:
    with pytest.raises(click.ClickException, match=advice):
        listen(host, 0, named=True)
