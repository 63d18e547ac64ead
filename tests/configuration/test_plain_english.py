"""What is wrong with a setting or in a YAML file is said in plain English, and names the remedy."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.generate_docs import ROOT

from newsapi_dentsu.domain.alerts.rules import parse_rules
from newsapi_dentsu.domain.topics import parse_topics
from newsapi_dentsu.errors import AlertsError, SettingsError, TopicsError
from newsapi_dentsu.settings import ENV_FILE, Settings, load_settings, mistakes_in_env_file

PROGRAMMERS = re.compile(
    r"input|pydantic|pattern|\bvalid\b|\^|\\d|type=|string|integer|dictionary|NoneType|Error"
)
"""What is said to programmers, not to users."""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LOOKBACK_DAYS", "month", "must be a whole number"),
        ("LOOKBACK_DAYS", "2.5", "must be a whole number"),
        ("LOOKBACK_DAYS", "9" * 5000, "must be a whole number"),
        ("LOOKBACK_DAYS", "0", "must be at least 1"),
        ("LOOKBACK_DAYS", "3651", "must be at most 3,650"),
        ("POSTGRES_PORT", "70000", "must be at most 65,535"),
        ("REQUEST_TIMEOUT_SECONDS", "0", "must be more than 0"),
        ("REQUEST_TIMEOUT_SECONDS", "soon", "must be a number"),
        ("RUN_WAIT_SECONDS", "inf", "must be a number"),
        ("RUN_WAIT_SECONDS", "nan", "must be a number"),
        ("RUN_WAIT_SECONDS", "1e300", "must be at most 86,400"),
        ("USE_POSTGRES", "maybe", "must be true or false"),
        ("LOG_FORMAT", "xml", "must be 'auto', 'json' or 'text'"),
        ("DUCKDB_MEMORY_LIMIT", "lots", "must be a size such as 192MB or 1.5GiB"),
        ("NEWSAPI_HOST", "ftp://x", "must be an address such as https://eventregistry.org"),
    ],
)
def test_a_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as failure:
        load_settings()
    assert str(failure.value) == f"{name}: {says}"


@pytest.mark.parametrize("name", [field.upper() for field in Settings.model_fields])
def test_every_setting(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("\x01 Xy\x02 Zz", "Xy Zz:", "-1", "1e999"):
        monkeypatch.setenv(name, value)
        load_settings.cache_clear()
        try:
            load_settings()
        except SettingsError as error:
            message = str(error)
            assert not PROGRAMMERS.search(message), message
            assert "not of the kind" not in message
            assert "Xy" not in message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)
TOPIC = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("name", "keywords", "concepts", "categories", "terms", "keyword"), ANYTHING
    ),
)
TOPICS = st.fixed_dictionaries(
    {},
    optional={
        "topics": ANYTHING | st.lists(TOPIC, max_size=2),
        "languages": ANYTHING | st.lists(ANYTHING, max_size=2),
        "data_types": ANYTHING | st.lists(ANYTHING, max_size=2),
        "relevance": st.fixed_dictionaries({}, optional={"threshold": ANYTHING, "lead": ANYTHING}),
        "quality": st.fixed_dictionaries({}, optional={"min_words": ANYTHING}),
    },
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "channels": st.fixed_dictionaries({}, optional={"high": ANYTHING}),
        "rules": st.fixed_dictionaries(
            {},
            optional={
                "no_data": ANYTHING | st.fixed_dictionaries({}, optional={"runs": ANYTHING}),
                "tokens": st.fixed_dictionaries({}, optional={"left": ANYTHING}),
                "api_latency": st.fixed_dictionaries(
                    {}, optional={"seconds": ANYTHING, "severity": ANYTHING, "enabled": ANYTHING}
                ),
            },
        ),
    },
)


@given(TOPICS)
def test_any_topics_file(content: dict[str, Any]) -> None:
    try:
        parse_topics(json.dumps(content), "topics.yaml")
    except TopicsError as error:
        assert_plain(str(error))


@given(RULES)
def test_any_rules_file(content: dict[str, Any]) -> None:
    try:
        parse_rules(json.dumps(content), "alerts.yaml")
    except AlertsError as error:
        assert_plain(str(error))


def assert_plain(message: str) -> None:
    assert not PROGRAMMERS.search(message), message
    assert "not of the kind" not in message
    assert ", line " in message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("NEWSAPI_KYE=x", "NEWSAPI_KYE in .env is no setting, .*: did you mean NEWSAPI_KEY?"),
        ("NEWSAPI_API_KEY=x", "did you mean NEWSAPI_KEY?"),
        ("lookback_day=3", "lookback_day in .env .*: did you mean LOOKBACK_DAYS?"),
        ("export POSTGRES_PASWORD='x'", "did you mean POSTGRES_PASSWORD?"),
        ("SLACK_WEBHOOK=x", "did you mean SLACK_WEBHOOK_URL?"),
        ("COLOUR=x", "COLOUR in .env is no setting, .*: `newsapi config` lists them all"),
        ("NEWSAPI_KEY: x", ".env, line 3 is not NAME=value, so it has no effect"),
    ],
)
def test_a_line_of_the_file_that_has_no_effect(folder: Path, line: str, says: str) -> None:
    (folder / ENV_FILE).write_text(
        f"# A comment\n\n{line}\nLOOKBACK_DAYS=7\n", encoding="utf-8-sig"
    )
    (sentence,) = mistakes_in_env_file()
    assert re.search(says.replace("?", r"\?"), sentence)
    assert load_settings().lookback_days == 7


def test_a_file_of_settings_alone_has_no_mistakes(folder: Path) -> None:
    names = [*(field.upper() for field in Settings.model_fields), "newsapi_key", "NEWSAPI_TAG"]
    (folder / ENV_FILE).write_text("".join(f"{name}=\n" for name in names))
    assert mistakes_in_env_file() == []


def test_there_may_be_no_file() -> None:
    assert mistakes_in_env_file() == []


def test_what_compose_reads_of_the_file_is_no_mistake(folder: Path) -> None:
    names = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    assert "NEWSAPI_TAG" in names
    (folder / ENV_FILE).write_text("".join(f"{name}=\n" for name in names))
    assert mistakes_in_env_file() == []
