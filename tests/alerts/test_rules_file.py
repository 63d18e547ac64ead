"""The rules are one file; a user's copy holds what differs, and a mistake is named by its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from newsapi_dentsu.alerts.rules_file import SHIPPED_RULES, load_rules
from newsapi_dentsu.domain.alerts.rules import SEVERITIES, TITLES
from newsapi_dentsu.errors import AlertsError
from newsapi_dentsu.settings import Settings

SHIPPED = {
    "critical": ("pagerduty", "email"),
    "high": ("pagerduty", "email"),
    "medium": ("email",),
    "info": ("slack",),
}
DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Settings]:
    def write(text: str) -> Settings:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "mine.yaml").write_text(text)
        return Settings(_env_file=None, alerts_file="mine.yaml")

    return write


def test_the_shipped_rules_route_by_severity() -> None:
    rules = load_rules(Settings(_env_file=None, alerts_file=SHIPPED_RULES))

    assert {severity: rules.channels_of(severity) for severity in SEVERITIES} == SHIPPED
    assert {name: rules.rule(name).severity for name in TITLES} == {
        "pipeline_failure": "high",
        "failed_run": "info",
        "high_error_rate": "medium",
        "no_data": "medium",
        "api_latency": "medium",
        "database_full": "high",
        "stale_final": "high",
        "tokens": "medium",
        "stopped": "critical",
        "brand_tone": "info",
    }


def test_a_copy_says_only_what_differs(settings: Callable[[str], Settings]) -> None:
    rules = load_rules(
        settings("channels: {medium: [slack]}\nrules:\n  no_data: {runs: 5, enabled: false}\n")
    )

    assert rules.channels_of("medium") == ("slack",)
    assert rules.channels_of("high") == ("pagerduty", "email")
    assert rules.rules.no_data.runs == 5
    assert not rules.rules.no_data.enabled
    assert rules.rules.stale_final.intervals == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rules:\n  no_data:\n    rans: 3\n",
            r"line 3: rules\.no_data\.rans: is not known here; "
            r"known are enabled, severity, runs",
        ),
        ("rules:\n  no_date: {}\n", r"line 2: rules\.no_date: is not known here; known are pipe"),
        (
            "rules:\n  tokens:\n    left: many\n",
            r"line 3: rules\.tokens\.left: must be a whole number",
        ),
        ("channels:\n  high:\n    - pager\n", r"line 3: channels\.high\[1\]: .*pagerduty"),
        ("rules:\n  stopped:\n    severity: urgent\n", r"line 3: .*'critical', 'high'"),
        ("rules: [\n", r"line 2: "),
        ("", r"line 1: must be a mapping with the key 'channels' or 'rules'"),
    ],
)
def test_a_mistake_is_named_by_its_line(
    settings: Callable[[str], Settings], text: str, message: str
) -> None:
    with pytest.raises(AlertsError, match=rf"mine\.yaml, {message}"):
        load_rules(settings(text))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(AlertsError, match=r"gone\.yaml can't be read .*ALERTS_FILE"):
        load_rules(Settings(_env_file=None, alerts_file="gone.yaml"))


@pytest.mark.parametrize("name", TITLES)
def test_every_alert_has_its_entry_in_the_documentation(name: str) -> None:
    entry = DOCS.read_text("utf-8").partition(f"\n## {name}\n")[2].partition("\n## ")[0]

    assert "**Means:**" in entry
    assert "**Look:**" in entry
    assert "**Do:**" in entry
