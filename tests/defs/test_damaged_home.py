"""Dagster's home as it comes out of a copy that went wrong: what to do is told in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from newsapi_dentsu.errors import SettingsError, WarehouseError
from newsapi_dentsu.hosting.execution import opened_records
from newsapi_dentsu.hosting.home import MARK, prepare_home
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.daemon_lock import open_daemon_lock
from newsapi_dentsu.warehouse.queries.dagster_records import damaged_records, read_dagster_records
from support.parts import first_quick


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    # It is set by whoever prepares a home.
    monkeypatch.setenv("DAGSTER_HOME", "")
    return Settings(_env_file=None, duckdb_path=tmp_path / "what #is/news.duckdb")


def open_home(settings: Settings) -> None:
    """Open it and look into each of its files."""
    with opened_records(settings, prepare_home(settings)) as instance:
        instance.get_run_records(limit=1)
        instance.all_asset_keys()
        instance.all_instigator_state()


@pytest.mark.parametrize("name", ["My%20news", "news?"])
def test_a_folder_whose_name_dagster_reads_as_an_address_is_refused(
    tmp_path: Path, name: str
) -> None:
    settings = Settings(_env_file=None, dagster_home=tmp_path / name)
    with pytest.raises(SettingsError, match="rename the folder or set DAGSTER_HOME"):
        prepare_home(settings)
    assert not settings.home.exists()


@pytest.mark.parametrize("left", ["", "\n", MARK])
def test_a_configuration_that_was_emptied_is_written_anew(settings: Settings, left: str) -> None:
    written = prepare_home(settings) / "dagster.yaml"
    text = written.read_text()
    written.write_text(left)

    prepare_home(settings)

    assert written.read_text() == text


@pytest.mark.parametrize("content", [b"hello", b"storage: [", b"\xff\x00\x82", b"- one"])
def test_a_configuration_that_is_none_is_named_and_left(settings: Settings, content: bytes) -> None:
    written = prepare_home(settings) / "dagster.yaml"
    written.write_bytes(content)

    with pytest.raises(SettingsError, match=r"dagster\.yaml is no configuration .*move it away"):
        prepare_home(settings)
    assert written.read_bytes() == content


@pytest.mark.parametrize(
    "harm",
    first_quick([lambda whole: whole[:30_000], lambda _: b"a text" * 1000]),
    ids=["cut off", "a text"],
)
@pytest.mark.parametrize(
    "name", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"]
)
def test_damaged_records_are_named_and_made_anew_where_they_were_moved_away(
    settings: Settings, name: str, harm: Callable[[bytes], bytes]
) -> None:
    open_home(settings)
    path = settings.home / name
    assert damaged_records(settings.home) is None
    path.write_bytes(harm(path.read_bytes()))

    with pytest.raises(WarehouseError) as failure:
        open_home(settings)
    message = str(failure.value)
    assert message.startswith(f"{path} is damaged")
    assert "move it away and run again" in message
    assert "\n" not in message
    path.rename(path.with_name("away"))
    open_home(settings)
    assert read_dagster_records(settings).last_run is None


@pytest.mark.parametrize("name", [".opening.lock", ".making.lock"])
def test_a_folder_in_place_of_a_lock_is_named(settings: Settings, name: str) -> None:
    path = prepare_home(settings) / name
    path.mkdir()

    with pytest.raises(WarehouseError, match="in its place") as failure:
        open_home(settings)
    assert str(path) in str(failure.value)


def test_a_folder_in_place_of_the_daemons_lock_is_named(settings: Settings) -> None:
    path = prepare_home(settings) / ".daemon.lock"
    path.mkdir()

    with pytest.raises(WarehouseError, match=r"daemon\.lock can't be locked"):
        open_daemon_lock(settings).take()


def test_a_folder_in_place_of_the_configuration_is_named(settings: Settings) -> None:
    path = settings.home / "dagster.yaml"
    path.mkdir(parents=True)

    with pytest.raises(SettingsError) as failure:
        prepare_home(settings)
    assert str(path) in str(failure.value)


def test_a_file_in_place_of_a_folder_is_named(settings: Settings) -> None:
    path = prepare_home(settings) / "history"
    path.write_text("in the way")

    with pytest.raises(WarehouseError) as failure:
        open_home(settings)
    assert str(path) in str(failure.value)
