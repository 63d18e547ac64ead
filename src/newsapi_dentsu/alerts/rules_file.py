"""The alert rules in use: the setting's file, else the working folder's, else the shipped one."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from newsapi_dentsu.domain.alerts.rules import AlertRules, parse_rules
from newsapi_dentsu.errors import AlertsError
from newsapi_dentsu.settings import Settings, chosen_file, read_file

LOCAL_RULES = Path("alerts.yaml")
SHIPPED_RULES = Path(__file__).parents[1] / "alerts.yaml"


def rules_path(settings: Settings) -> Path:
    """The rules in use: the setting's, else those in the working folder, else the shipped."""
    return chosen_file(settings.alerts_file, LOCAL_RULES, SHIPPED_RULES)


def load_rules(settings: Settings) -> AlertRules:
    """Read the rules in use.

    Raises:
        AlertsError: the file can't be read, or holds a mistake, which is named with its line.
    """
    path = rules_path(settings)
    return _parsed(read_file(path, "ALERTS_FILE", AlertsError), str(path))


def shipped_rules() -> AlertRules:
    """The rules that come with the program."""
    return _parsed(SHIPPED_RULES.read_text("utf-8"), str(SHIPPED_RULES))


@lru_cache(maxsize=1)
def _parsed(text: str, name: str) -> AlertRules:
    return parse_rules(text, name, _shipped())


@cache
def _shipped() -> dict[str, Any]:
    shipped: dict[str, Any] = yaml.safe_load(SHIPPED_RULES.read_text("utf-8"))
    return shipped
