"""docker-compose.yml is valid, says what production says, and holds no secret."""

import re

import pytest

from newsapi_dentsu.settings import Settings, load_settings

from .compose import FILE, apps, filled_in, read_compose, services
from .schemas import assert_valid

SECRET_SETTINGS = {
    name.upper() for name, info in Settings.model_fields.items() if "Secret" in str(info.annotation)
}


def test_it_follows_the_published_schema() -> None:
    assert_valid(FILE, "compose-spec")


def test_it_runs_what_production_runs() -> None:
    assert set(services()) == {
        *("upgrade", "webserver", "daemon", "alerts"),
        *("postgres", "azurite", "mail"),
    }
    assert len({one["image"] for one in apps().values()}) == 1


def test_every_variable_is_a_setting() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for name, one in apps().items():
        assert set(one["environment"]) <= known, name


def test_secrets_come_from_outside() -> None:
    assert "POSTGRES_PASSWORD" in SECRET_SETTINGS
    for name, one in services().items():
        for variable, value in one.get("environment", {}).items():
            if variable in SECRET_SETTINGS:
                assert re.fullmatch(r"\$\{\w+(:-|:\?[\w .]+)\}", value), (name, variable)


def test_without_a_password_nothing_starts() -> None:
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        filled_in(apps()["daemon"]["environment"], {})


def test_the_settings_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in filled_in(
        apps()["daemon"]["environment"], {"POSTGRES_PASSWORD": "invented"}
    ).items():
        monkeypatch.setenv(variable, value)
    load_settings.cache_clear()
    settings = load_settings()
    load_settings.cache_clear()
    assert settings.use_postgres
    assert settings.uses_sandbox
    assert settings.email_receivers == ("operators@example.com",)


def test_the_tables_are_upgraded_before_anything_uses_them() -> None:
    found = services()
    assert found["upgrade"]["command"] == ["newsapi", "db", "upgrade"]
    assert found["upgrade"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("webserver", "daemon", "alerts"):
        condition = found[name]["depends_on"]["upgrade"]["condition"]
        assert condition == "service_completed_successfully", name


def test_a_run_in_the_daemon_gets_time_to_end_and_to_be_marked() -> None:
    daemon = services()["daemon"]
    assert daemon["stop_grace_period"] == "2m"
    assert float(daemon["command"][-1]) < 120


def test_every_service_has_a_health_check_or_says_that_it_has_none() -> None:
    for name, one in services().items():
        # The image of webserver and daemon brings its own.
        assert "healthcheck" in one or name in ("webserver", "daemon"), name


def test_ports_are_open_on_this_machine_only_and_nothing_has_rights() -> None:
    for one in services().values():
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))
        assert not one.get("privileged")
    for one in apps().values():
        assert one["cap_drop"] == ["ALL"]
        assert one["read_only"] is True


def test_data_outlives_the_containers() -> None:
    assert set(read_compose()["volumes"]) == {"database", "blobs"}
    assert services()["postgres"]["volumes"][0].startswith("database:")


def test_images_of_others_have_a_version() -> None:
    for name, one in services().items():
        if name not in apps():
            assert re.search(r":v?\d", one["image"]), name
