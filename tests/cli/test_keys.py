"""`newsapi keys`: shown once, listed without what would let somebody in, revoked."""

import re

import pytest

from .conftest import Workspace


def test_a_key_is_shown_once(workspace: Workspace) -> None:
    made = workspace.newsapi("keys", "create", "news desk", "--scope", "api", "--rate", "30")
    secret = made.out.strip()
    listed = workspace.newsapi("keys", "list")

    assert re.fullmatch(r"newsapi_[0-9a-f]{8}_[0-9a-f]{56}", secret)
    assert "shown again" in made.err
    assert secret not in made.err
    assert "news desk" in listed.out
    assert re.search(r"api +30 .+ never +never", listed.out)
    assert secret.split("_")[1] in listed.out
    assert secret.split("_")[2][:10] not in listed.out
    for file in workspace.folder.rglob("*"):
        assert file.is_dir() or secret.encode() not in file.read_bytes()


def test_a_key_is_revoked_by_its_name_or_id(workspace: Workspace) -> None:
    first = workspace.newsapi("keys", "create", "one").out.split("_")[1]
    assert workspace.newsapi("keys", "create", "one").code == 1
    workspace.newsapi("keys", "create", "two")

    assert first in workspace.newsapi("keys", "revoke", "one").out
    again = workspace.newsapi("keys", "revoke", first)
    assert (again.code, "keys list" in again.err) == (1, True)
    assert workspace.newsapi("keys", "create", "one").code == 0


def test_before_the_first_key_it_says_how_to_make_one(workspace: Workspace) -> None:
    assert "keys create" in workspace.newsapi("keys", "list").err
    assert workspace.newsapi("keys", "uses").code == 0
    assert workspace.newsapi("keys", "revoke", "none").code == 1
    refused = workspace.newsapi("keys", "allow", "news_server")
    assert (refused.code, "USE_POSTGRES" in refused.err) == (1, True)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x1b[31m", "a\nb"])
def test_a_name_can_be_seen(workspace: Workspace, name: str) -> None:
    assert workspace.newsapi("keys", "create", name).code == 2
