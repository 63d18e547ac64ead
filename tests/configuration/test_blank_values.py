"""A blank value means the default, for every setting, wherever it is written."""

from pathlib import Path

import pytest

from newsapi_dentsu.settings import ENV_FILE, Settings, load_settings, settings_in_use

NAMES = [field.upper() for field in Settings.model_fields]
BLANKS = ["", "   ", "\t", "\n", "\u00a0", "\ufeff"]


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_in_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    defaults = Settings(_env_file=None)
    for blank in BLANKS:
        monkeypatch.setenv(name, blank)
        settings = Settings()
        assert settings == defaults
        assert name.lower() not in settings.model_fields_set


def test_a_blank_of_every_setting_in_the_file(folder: Path) -> None:
    (folder / ENV_FILE).write_text("".join(f"{name}=\n" for name in NAMES))
    assert load_settings() == Settings(_env_file=None)


def test_a_name_alone_in_the_file(folder: Path) -> None:
    (folder / ENV_FILE).write_text("".join(f"{name}\n" for name in NAMES))
    assert load_settings() == Settings(_env_file=None)


def test_a_blank_in_the_environment_resets_what_the_file_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ENV_FILE).write_text("LOOKBACK_DAYS=7\nLOG_FORMAT=json\n")
    monkeypatch.setenv("LOOKBACK_DAYS", "")

    settings = load_settings()

    assert (settings.lookback_days, settings.log_format) == (30, "json")
    origins = {line.name: line.origin for line in settings_in_use(settings)}
    assert (origins["LOOKBACK_DAYS"], origins["LOG_FORMAT"]) == ("default", ENV_FILE)


def test_a_blank_host_leaves_the_sandbox_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSAPI_HOST", " ")
    assert load_settings().uses_sandbox
