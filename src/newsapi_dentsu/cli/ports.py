"""Ports to listen on: one that is free, or who has the one that was asked for."""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click
import psutil

OTHERS_TRIED = 20
"""Ports after the default one that are tried where it is taken."""


def port_option(default: int, name: str = "--port") -> Callable[[Any], Any]:
    """The option that names the port to listen on."""
    return click.option(
        name,
        default=default,
        show_default=True,
        type=click.IntRange(0, 65535),
        help=f"Port to listen on; 0 takes a free one. Where {default} is taken and none was named, "
        "one after it is.",
    )


def listen(host: str, port: int, *, named: bool) -> socket.socket:
    """Listen on a port; on one after it where it is taken and nobody `named` it.

    Raises:
        click.ClickException: the port is taken, and by whom; or it can't be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    others = () if named or not port else range(port + 1, min(port + OTHERS_TRIED, 65535) + 1)
    for tried in (port, *others):
        try:
            listening = socket.create_server((host, tried), family=family)
        except OSError as error:
            number = error.errno or 0
            if number == errno.EADDRINUSE:
                continue
            # Numbers of name resolution are below zero.
            if number < 0 or number == errno.EADDRNOTAVAIL:
                raise click.ClickException(
                    f"{host} is no address of this machine: choose another --host"
                ) from None
            raise click.ClickException(
                f"{host}:{tried} can't be listened on ({os.strerror(number)}): "
                "choose another --port"
            ) from None
        if tried != port:
            click.echo(f"Port {port} is taken by {holder(port)}: {tried} instead.", err=True)
        return listening
    raise click.ClickException(
        f"{host}:{port} is taken by {holder(port)}: end it, or choose another --port"
    )


def is_named(context: click.Context, option: str = "port") -> bool:
    """Whether somebody chose the port, and the program's own choice doesn't stand in."""
    return context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


def holder(port: int) -> str:
    """Which process listens on a port, as far as this user may know."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,):
                if connection.pid is None:
                    break
                if connection.pid == os.getpid():
                    return "this process"
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return "another program"
