"""Paths in settings: `~` is replaced once, and what is no path on this machine is refused."""

import os
from pathlib import Path

import pytest

from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.settings import ENV_FILE, Settings, load_settings

PATHS = [
    "newsapi_home",
    "duckdb_path",
    "dagster_home",
    "topics_file",
    "brands_file",
    "sentence_model",
    "alerts_file",
    "saved_searches",
    "postgres_sslrootcert",
    "backup_location",
    "lake_location",
]


@pytest.fixture
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = folder / "home"
    monkeypatch.setenv("HOME", str(made))
    return made


def test_every_path_is_known_to_these_tests() -> None:
    assert [
        field
        for field, info in Settings.model_fields.items()
        if "Path" in str(info.annotation) and field not in PATHS
    ] == []


@pytest.mark.parametrize("field", PATHS)
def test_a_home_is_replaced(monkeypatch: pytest.MonkeyPatch, home: Path, field: str) -> None:
    monkeypatch.setenv(field.upper(), "~/some where/x")
    assert str(getattr(load_settings(), field)) == str(home / "some where/x")


def test_the_homes_of_database_and_dagster_are_where_they_are_used(
    folder: Path, home: Path
) -> None:
    (folder / ENV_FILE).write_text("DUCKDB_PATH=~/news.duckdb\n")
    settings = load_settings()
    assert settings.data_folder == home
    assert settings.home == home / "dagster"


@pytest.mark.parametrize("field", PATHS)
def test_the_home_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setenv(field.upper(), "~no-such-user/x")
    with pytest.raises(SettingsError, match=rf"^{field.upper()}: .*no such user"):
        load_settings()


@pytest.mark.parametrize("field", PATHS)
@pytest.mark.parametrize("variable", ["$HOME/x", "${HOME}/x", "%USERPROFILE%/x"])
def test_a_variable_that_nobody_replaced_is_refused(
    monkeypatch: pytest.MonkeyPatch, field: str, variable: str
) -> None:
    monkeypatch.setenv(field.upper(), variable)
    with pytest.raises(SettingsError, match=rf"^{field.upper()}: .*variable that nobody replaced"):
        load_settings()


def test_the_file_replaces_variables(folder: Path, home: Path) -> None:
    (folder / ENV_FILE).write_text("DUCKDB_PATH=${HOME}/news.duckdb\n")
    assert load_settings().duckdb_path == home / "news.duckdb"


@pytest.mark.parametrize("path", [":memory:", ":memory:news"])
def test_a_database_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("DUCKDB_PATH", path)
    with pytest.raises(SettingsError, match=r"^DUCKDB_PATH: .*memory ends with the process"):
        load_settings()


@pytest.mark.parametrize("path", [".", "..", "/", "folder", "a/..", "pipe", "/dev/null", "link"])
def test_a_database_that_could_be_no_file_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("folder")
    os.mkfifo(folder / "pipe")
    monkeypatch.setenv("DUCKDB_PATH", path)
    with pytest.raises(SettingsError, match=r"^DUCKDB_PATH: must be a file's path"):
        load_settings()


@pytest.mark.parametrize(
    "address",
    [
        "md:news",
        "motherduck:news",
        "s3://bucket/news.duckdb",
        "https://example.com/news.duckdb",
        "postgresql://server/news",
        "duckdb:///data/news.duckdb",
        "ducklake:metadata.ducklake",
        "file:///data/news.duckdb",
        "az://container/news.duckdb",
    ],
)
@pytest.mark.parametrize("name", ["DUCKDB_PATH", "DAGSTER_HOME", "TOPICS_FILE", "ALERTS_FILE"])
def test_addresses_of_services_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)
    with pytest.raises(SettingsError, match=f"^{name}: .*hosted services"):
        load_settings()


@pytest.mark.parametrize(
    "path", ["data/news.duckdb", "/srv/a b/news.duckdb", "C:\\data\\news.duckdb", "x/y:z.duckdb"]
)
def test_ordinary_paths_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("DUCKDB_PATH", path)
    assert load_settings().duckdb_path == Path(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_SSLROOTCERT", "system"),
        ("BACKUP_LOCATION", "https://account.blob.core.windows.net/backups"),
    ],
)
def test_what_is_no_path_stays(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load_settings(), name.lower()) == value
