"""Keys: made, kept as digests, found, revoked, and noted."""

import dataclasses
import os
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from newsapi_dentsu.access.keys import Key, digest, key_id_of, new_key
from newsapi_dentsu.access.store import FilePlace, KeyStore, Place, ServerPlace, Use
from newsapi_dentsu.errors import AccessError, PipelineError
from support.clock import NOON
from support.databases import PostgresDatabases, disconnect

Places = tuple[KeyStore, KeyStore, Place]


def key(name: str = "desk", scopes: tuple[str, ...] = ("api",)) -> tuple[Key, str]:
    key_id, secret = new_key()
    return Key(key_id, name, digest(secret), frozenset(scopes), 600, NOON), secret


def test_a_key_is_found_by_every_server_until_it_is_revoked(places: Places) -> None:
    one, other, _ = places
    assert one.find("3f9c01ab") is None
    assert one.all() == []
    assert other.uses() == []
    made, secret = key()
    one.add(made)

    found = other.find(made.key_id)
    assert found == made
    assert found.fits(secret)
    assert not found.fits(secret[:-1] + ("0" if secret[-1] != "0" else "1"))

    assert [each.name for each in other.revoke("desk", NOON)] == ["desk"]
    assert one.find(made.key_id) is None
    assert one.revoke("desk", NOON) == []
    assert [each.revoked_at for each in one.all()] == [NOON]


def test_a_name_is_given_once_at_a_time(places: Places) -> None:
    one, _, _ = places
    one.add(key()[0])
    with pytest.raises(AccessError, match="revoke it first"):
        one.add(key()[0])
    one.revoke("desk", NOON)
    one.add(key()[0])
    assert len(one.all()) == 2


def test_nothing_that_is_kept_gives_a_key_away(places: Places) -> None:
    one, _, place = places
    made, secret = key()
    one.add(made)

    with place.transaction() as session:
        kept = str(session.rows("SELECT * FROM access.keys"))
    assert made.key_id in kept
    assert secret not in kept
    assert secret.split("_")[2][:20] not in kept


def test_the_file_of_keys_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "access.sqlite"
    former = os.umask(0)
    try:
        KeyStore(FilePlace(path)).add(key()[0])
    finally:
        os.umask(former)

    files = list(tmp_path.iterdir())
    assert files
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in files)


def test_what_was_never_a_key_is_known_without_asking() -> None:
    key_id, secret = new_key()

    assert key_id_of(secret) == key_id
    wrong = [secret[:-1], secret + "0", secret.upper(), "", "newsapi_", secret.replace("_", "-")]
    middle = secret[:30] + ("0" if secret[30] != "0" else "1") + secret[31:]
    assert [key_id_of(each) for each in (*wrong, middle)] == [None] * 7


def test_use_is_counted_by_all_servers_together(places: Places) -> None:
    one, other, _ = places
    made, _ = key()
    one.add(made)
    first = Use(
        "2026-11-20T12:00:00+00:00", made.key_id, "127.0.0.1", "GET", "/api/v1/articles", 200
    )
    later = first._replace(minute="2026-11-20T12:01:00+00:00", status=429)

    one.note({first: 3})
    other.note({later: 1, first: 2})
    one.note({first: 1})

    assert one.uses() == [(later, 1), (first, 6)]
    assert one.all() == [dataclasses.replace(made, last_used_at=NOON + timedelta(minutes=1))]
    other.forget(NOON + timedelta(seconds=30))
    assert one.uses() == [(later, 1)]


def test_a_bucket_gives_what_it_holds_however_many_servers_take_from_it(places: Places) -> None:
    one, other, _ = places
    one.add(key()[0])
    taken: list[bool] = []

    def take(store: KeyStore) -> None:
        taken.extend(store.take("k", 6.0, 60.0)[0] for _ in range(8))

    takers = [threading.Thread(target=take, args=[store]) for store in (one, other, one)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()

    assert taken.count(True) == 10
    assert taken.count(False) == 14
    left, full_in = one.take("k", 6.0, 60.0)
    assert not left
    assert 50 < full_in <= 60
    there, full_in = other.take("another", 6.0, 60.0)
    assert there
    assert full_in == pytest.approx(6.0, abs=0.5)


def test_a_role_that_is_allowed_checks_keys_and_makes_none(
    postgres_databases: PostgresDatabases,
) -> None:
    made = postgres_databases.create(tables=False)
    warehouse = made.open()
    store = KeyStore(ServerPlace(warehouse.engine))
    role = "news server"
    with warehouse.engine.transaction() as session:
        session.execute(f'CREATE ROLE "{role}"')
    try:
        store.allow(role)
        store.add(key()[0])

        def as_role(statement: str) -> None:
            with warehouse.engine.transaction() as session:
                session.execute(f'SET LOCAL ROLE "{role}"')
                session.execute(statement)

        as_role("UPDATE access.keys SET last_used_at = '' WHERE key_id IN ('a')")
        as_role("DELETE FROM access.uses")
        for forbidden in (
            "DELETE FROM access.keys",
            "UPDATE access.keys SET digest = ''",
            "INSERT INTO access.keys SELECT * FROM access.keys",
        ):
            with pytest.raises(PipelineError, match="permission denied"):
                as_role(forbidden)
    finally:
        with warehouse.engine.transaction() as session:
            session.execute(f'DROP OWNED BY "{role}"')
            session.execute(f'DROP ROLE "{role}"')
        disconnect(warehouse)
        postgres_databases.drop(made)


def test_a_file_of_keys_that_was_emptied_has_none_and_takes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "access.sqlite"
    path.touch()
    store = KeyStore(FilePlace(path))

    assert store.all() == []
    assert store.find("3f9c01ab") is None
    store.add(key()[0])
    assert len(store.all()) == 1


def test_a_damaged_file_of_keys_is_told_with_its_remedy_and_left(tmp_path: Path) -> None:
    path = tmp_path / "access.sqlite"
    path.write_bytes(b"a text" * 1000)

    with pytest.raises(AccessError, match=r"access\.sqlite is damaged .*restore a copy"):
        KeyStore(FilePlace(path)).all()
    assert path.read_bytes() == b"a text" * 1000
