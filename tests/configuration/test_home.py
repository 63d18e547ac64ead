"""`NEWSAPI_HOME` is the folder for all that is written."""

from pathlib import Path

import pytest

from newsapi_dentsu.settings import Settings, settings_in_use


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NEWSAPI_HOME", "DUCKDB_PATH", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("written", ["~/news", "  ~/news ", "~/news/"])
def test_everything_goes_there(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("NEWSAPI_HOME", written)
    settings = Settings()
    assert settings.duckdb_path == Path.home() / "news/news.duckdb"
    assert settings.home == Path.home() / "news/dagster"
    assert settings.reading_folder == Path.home() / "news/reading"
    origins = {line.name: line.origin for line in settings_in_use(settings)}
    assert origins["DUCKDB_PATH"] == "NEWSAPI_HOME"


def test_it_may_stand_in_the_file_of_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"NEWSAPI_HOME={tmp_path}/here\n")
    assert Settings().duckdb_path == tmp_path / "here/news.duckdb"


def test_a_path_of_the_file_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSAPI_HOME", "/srv/news")
    monkeypatch.setenv("DUCKDB_PATH", "/srv/other/file.duckdb")
    assert Settings().duckdb_path == Path("/srv/other/file.duckdb")


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_means_the_working_folder(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv("NEWSAPI_HOME", blank)
    assert Settings().duckdb_path == Path("data/news.duckdb")
