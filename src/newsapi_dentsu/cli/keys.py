"""`newsapi keys`: who may ask a server of news that others can reach."""

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from newsapi_dentsu.access.keys import SCOPES, USUAL_RATE, Key, digest, new_key
from newsapi_dentsu.cli.output import console, print_rows
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.visible import visible

if TYPE_CHECKING:
    from newsapi_dentsu.access.store import KeyStore

_LONGEST_NAME = 100


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of `newsapi serve`."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(SCOPES)),
    help="What it is for; may be given several times. Without one, for everything.",
)
@click.option(
    "--rate",
    "per_minute",
    type=click.IntRange(1, 1_000_000),
    default=USUAL_RATE,
    show_default=True,
    help="Requests a minute, of all replicas together.",
)
def create(*, name: str, scopes: tuple[str, ...], per_minute: int) -> None:
    """Make a key and show it, this once: only a digest is kept.

    Programs send it as `Authorization: Bearer KEY`, browsers as the password that they ask for, and
    feed readers as `?key=KEY`.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or visible(name) != name or "\n" in name:
        raise click.UsageError(f"a name has 1 to {_LONGEST_NAME} characters that can be seen")
    key_id, secret = new_key()
    with closing(_store()) as store:
        store.add(
            Key(
                *(key_id, name, digest(secret), frozenset(scopes or SCOPES), per_minute),
                datetime.now(UTC),
            )
        )
    click.echo(f"Key {key_id}, named {name}. It isn't shown again:", err=True)
    click.echo(secret)


@keys.command(name="list")
def list_keys() -> None:
    """List the keys, with when each was used last."""
    with closing(_store()) as store:
        found = store.all()
    rows = [
        (
            *(key.key_id, key.name, " ".join(sorted(key.scopes)), f"{key.per_minute:,}"),
            *(_moment(at) for at in (key.created_at, key.last_used_at, key.revoked_at)),
        )
        for key in found
    ]
    if not rows:
        click.echo("There is no key: `newsapi keys create NAME` makes one.", err=True)
        return
    heads = ("key", "name", "for", "a minute", "created", "last used", "revoked")
    print_rows(console(stderr=False), heads, rows)


@keys.command()
@click.argument("named", metavar="KEY")
def revoke(*, named: str) -> None:
    """Revoke a key, named by its id or name; from the next request on it is refused."""
    with closing(_store()) as store:
        revoked = store.revoke(named, datetime.now(UTC))
    if not revoked:
        raise click.ClickException(
            f"no key {named} holds: `newsapi keys list` shows those there are"
        )
    for key in revoked:
        click.echo(f"revoked {key.key_id}, named {key.name}")


@keys.command()
def uses() -> None:
    """List the use of keys, the newest first: when, from where, for what, and how often.

    Without what was asked. Older notes than KEY_USES_DAYS are deleted.
    """
    with closing(_store()) as store:
        names = {key.key_id: key.name for key in store.all()}
        found = store.uses()
    rows = [
        (
            *(use.minute[:16], names.get(use.key_id, "no key"), use.address),
            *(f"{use.method} {use.route}", str(use.status), f"{requests:,}"),
        )
        for use, requests in found
    ]
    print_rows(console(stderr=False), ("minute", "key", "from", "for", "status", "requests"), rows)


@keys.command()
@click.argument("role")
def allow(*, role: str) -> None:
    """Let a role of PostgreSQL, as which `newsapi serve` logs in, check keys and note their use."""
    with closing(_store()) as store:
        store.allow(role)
    click.echo(f"{role} may check keys and note their use, and make none")


def _store() -> "KeyStore":
    from newsapi_dentsu.access.store import open_key_store

    return open_key_store(load_settings())


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"
