"""`newsapi serve`: the command, as people start it."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from support.services import told_address

from .conftest import Workspace


@contextmanager
def served(workspace: Workspace, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that the command says, and its process."""
    with workspace.start("serve", "--port", "0", *arguments) as process:
        try:
            yield told_address(process), process
        finally:
            process.kill()


def test_what_a_run_has_brought_is_read_while_others_run(filled: Workspace) -> None:
    with served(filled) as (url, process):
        assert "most carried first" in requests.get(url, timeout=30).text
        before = requests.get(f"{url}api/v1/articles?limit=1", timeout=30).json()
        assert filled.newsapi("run").code == 0
        after = requests.get(f"{url}api/v1/articles?limit=1", timeout=30).json()
        assert after["total"] >= before["total"] > 60
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_before_the_first_run_it_says_what_to_do(workspace: Workspace) -> None:
    with served(workspace) as (url, _):
        answer = requests.get(url, timeout=30)

    assert answer.status_code == 503
    assert "newsapi run" in answer.text


def test_it_is_not_opened_to_others_by_accident(workspace: Workspace) -> None:
    everywhere = ("--host", "0.0.0.0")  # noqa: S104
    with served(workspace, *everywhere, "--allow-host", "news.example") as (url, process):
        assert process.stderr
        assert "needs a key" in process.stderr.readline()
        local = url.replace("0.0.0.0", "127.0.0.1") + "style.css"  # noqa: S104
        key = workspace.newsapi("keys", "create", "desk").out.strip()

        def asked(host: str, key: str = "") -> int:
            headers = {"Host": host, **({"Authorization": f"Bearer {key}"} if key else {})}
            return requests.get(local, headers=headers, timeout=30).status_code

        assert [asked("news.example"), asked("127.0.0.1")] == [401, 401]
        assert asked("news.example", key) == 200
        assert asked("evil.example", key) == 421
        assert workspace.newsapi("keys", "revoke", "desk").code == 0
        assert asked("news.example", key) == 401


def test_a_name_for_others_closes_it_on_loopback_too(workspace: Workspace) -> None:
    with served(workspace, "--allow-host", "news.example") as (url, _):
        assert requests.get(url, timeout=30).status_code == 401
    with served(workspace, "--allow-host", "news.example", "--without-keys") as (url, _):
        assert requests.get(f"{url}style.css", timeout=30).status_code == 200


def test_behind_a_proxy_links_name_the_public_address(filled: Workspace) -> None:
    public = ("--public-url", "https://news.example", "--without-keys")
    with served(filled, *public, "--allow-host", "inside.example") as (url, _):

        def feed(host: str) -> requests.Response:
            return requests.get(f"{url}feed.json", headers={"Host": host}, timeout=30)

        answers = [feed(host) for host in ("inside.example", "news.example")]
        homes = {answer.json()["home_page_url"] for answer in answers}
        assert homes == {"https://news.example/stories?days=31"}
        assert "inside.example" not in answers[0].text
        assert feed("evil.example").status_code == 421


def test_a_public_address_closes_it_and_is_one(filled: Workspace) -> None:
    with served(filled, "--public-url", "https://news.example") as (url, _):
        assert requests.get(url, timeout=30).status_code == 401
    assert filled.newsapi("serve", "--public-url", "news.example").code == 2


def test_a_site_is_named_by_its_origin(workspace: Workspace) -> None:
    for wrong in ("*", "app.example", "https://app.example/", "https://*.example"):
        refused = workspace.newsapi("serve", "--cors-origin", wrong)
        assert refused.code == 2
        assert "https://app.example" in refused.err


def test_a_port_that_is_taken_is_told(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = workspace.newsapi("serve", "--port", str(taken.getsockname()[1]))

    assert refused.code == 1
    assert "choose another --port" in refused.err
    assert f"process {os.getpid()} (" in refused.err
