"""The database's password is changed while the pipeline works, and nobody has to restart."""

import itertools
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.hosting import database_connections
from newsapi_dentsu.hosting.execution import opened_instance
from newsapi_dentsu.hosting.home import prepare_home
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.opening import open_postgres
from newsapi_dentsu.warehouse.engines.postgres_role import Administrator, rotate_password
from support.api import serving
from support.articles import many
from support.clock import NOON, Clock
from support.commands import run_newsapi
from support.tables import count

from .server import Server
from .vault import Vault, running_vault

ADMIN, ADMIN_PASSWORD = "rotation_admin", "admin's secret"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SOON, LATER = NOW + timedelta(days=29), NOW + timedelta(days=60)
_numbers = itertools.count(1)


@dataclass
class Place:
    """A database, its role, whose password is in a vault, and the administrator."""

    server: Server
    vault: Vault
    name: str
    role: str

    @property
    def variables(self) -> dict[str, str]:
        return {
            **{k: v for k, v in self.server.settings(self.name).items() if "PASSWORD" not in k},
            "POSTGRES_USER": self.role,
            "POSTGRES_PASSWORD_URL": self.vault.address,
            "DATABASE_WAIT_SECONDS": "5",
            **self.vault.environment(),
        }

    def settings(self) -> Settings:
        load_settings.cache_clear()
        return load_settings()

    def rotate(self, now: datetime = NOW) -> str:
        return rotate_password(
            self.settings(),
            self.vault.address,
            Administrator(ADMIN, SecretStr(ADMIN_PASSWORD)),
            now=now,
            within=timedelta(days=35),
            valid=timedelta(days=90),
        )

    def log_in(self, password: str) -> None:
        psycopg.connect(
            host="127.0.0.1",
            port=self.server.port,
            dbname=self.name,
            user=self.role,
            password=password,
        ).close()

    def cut_off(self) -> None:
        """End every connection of the role."""
        with self.server.admin() as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                [self.role],
            )


@pytest.fixture
def place(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    number = next(_numbers)
    name, role = f"rotated_{number}", f"rotated_role_{number}"
    with server.admin() as superuser:
        if not superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [ADMIN]).rowcount:
            superuser.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
                    sql.Identifier(ADMIN), sql.Literal(ADMIN_PASSWORD)
                )
            )
        superuser.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(ADMIN)
            )
        )
    with running_vault() as vault:
        made = Place(server, vault, name, role)
        vault.set("the first one", SOON.timestamp())
        for variable in ("POSTGRES_PASSWORD", "NEWSAPI_KEY", "KEY_VAULT_URL"):
            monkeypatch.delenv(variable, raising=False)
        for variable, value in made.variables.items():
            monkeypatch.setenv(variable, value)
        assert newsapi(made, "role")[0] == 0
        yield made
    load_settings.cache_clear()
    database_connections._engine.cache_clear()


def newsapi(place: Place, *arguments: str) -> tuple[int, str]:
    settings = {
        **place.variables,
        "POSTGRES_ADMIN_USER": ADMIN,
        "POSTGRES_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }
    with tempfile.TemporaryDirectory() as folder:
        done = run_newsapi(["db", *arguments], Path(folder), settings, Path(folder))
    assert place.vault.password not in done.out + done.err
    return done.code, done.out + done.err


def test_a_password_that_expires_is_changed_in_the_vault_and_on_the_server(place: Place) -> None:
    place.log_in("the first one")
    said = place.rotate()
    assert said.endswith("holds until 2027-02-18")
    newest = place.vault.versions["newsapi-postgres-credentials"][-1]
    assert newest["value"] not in ("the first one", "")
    assert len(newest["value"]) > 40
    assert newest["attributes"] == {
        "enabled": True,
        "exp": int((NOW + timedelta(days=90)).timestamp()),
    }
    place.log_in(place.vault.password)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        place.log_in("the first one")
    assert place.rotate().startswith("nothing to do")


def test_a_run_under_way_survives_although_its_connections_are_cut(
    place: Place, clock: Clock
) -> None:
    code, said = newsapi(place, "upgrade")
    assert code == 0, said
    warehouse = Warehouse(open_postgres(place.settings()))
    with (
        serving(many(30, at=NOON - timedelta(hours=1)), clock=clock) as api,
        warehouse.run_lock("a run", 5),
    ):
        api.collect(warehouse, lookback_days=3)
        assert place.rotate().startswith(place.role)
        place.cut_off()
        api.run(warehouse, lookback_days=3)
    assert count(warehouse, "final.filtered_news") == 30
    warehouse.close()


def test_the_vault_is_asked_again_only_where_the_server_refuses(place: Place) -> None:
    warehouse = Warehouse(open_postgres(place.settings()))
    before = place.vault.reads
    for _ in range(5):
        warehouse.engine.connect().close()  # type: ignore[attr-defined]
    assert place.vault.reads == before + 1
    place.rotate()
    read = place.vault.reads
    warehouse.engine.connect().close()  # type: ignore[attr-defined]
    assert place.vault.reads == read + 1


def test_dagsters_records_go_on_without_a_restart(place: Place, tmp_path: Path) -> None:
    code, said = newsapi(place, "upgrade")
    assert code == 0, said
    home = prepare_home(place.settings().model_copy(update={"dagster_home": tmp_path / "home"}))
    assert "the first one" not in (home / "dagster.yaml").read_text("utf-8")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_runs_count() == 0
        place.rotate()
        place.cut_off()
        assert instance.get_runs_count() == 0


def test_a_run_keeps_a_connection_for_its_records_that_may_be_cut(
    place: Place, tmp_path: Path
) -> None:
    code, said = newsapi(place, "upgrade")
    assert code == 0, said
    settings = place.settings().model_copy(update={"dagster_home": tmp_path / "home"})

    def sessions() -> int:
        with place.server.admin(place.name) as superuser:
            found = superuser.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE usename = %s AND application_name = 'newsapi-dagster'",
                [place.role],
            ).fetchone()
        assert found is not None
        return int(found[0])

    with opened_instance(settings, prepare_home(settings)) as instance:
        used = set()
        for _ in range(5):
            assert instance.get_runs_count() == 0
            assert instance.all_asset_keys() == []
            used.add(sessions())
        assert used == {1}
        place.rotate()
        place.cut_off()
        assert instance.get_runs_count() == 0
        assert sessions() == 1
    assert sessions() == 0


def test_what_was_interrupted_between_vault_and_server_is_finished_by_the_next_one(
    place: Place,
) -> None:
    place.vault.set("stored, and then the job was killed", LATER.timestamp())
    assert "it has the vault's" in place.rotate()
    place.log_in("stored, and then the job was killed")
    assert place.rotate().startswith("nothing to do: the password holds until 2027-01-19")


def test_a_vault_that_takes_nothing_leaves_the_password_as_it_was(place: Place) -> None:
    place.vault.may_set = False
    with pytest.raises(SettingsError, match=r"doesn't take .*status 403.*Secrets Officer"):
        place.rotate()
    place.log_in("the first one")


def test_a_password_without_an_expiry_is_changed(place: Place) -> None:
    place.vault.set("the first one")
    assert place.rotate().startswith(place.role)


def test_the_command_says_what_it_did(place: Place) -> None:
    code, said = newsapi(place, "rotate", "--within-days", "365")
    assert code == 0, said
    assert "has a new password, which holds until" in said
    code, said = newsapi(place, "rotate", "--within-days", "35")
    assert code == 0, said
    assert "nothing to do" in said


def test_a_password_that_the_vault_never_has_right_is_told_in_time(place: Place) -> None:
    place.vault.set("somebody's mistake")
    started = time.monotonic()
    code, said = newsapi(place, "check")
    assert code == 1
    assert "refused the login" in said
    assert "POSTGRES_PASSWORD_URL" in said
    assert time.monotonic() - started < 30
