"""Limits by which the pipeline is judged: those of the alert rules and of the schedule."""

from dataclasses import dataclass

from newsapi_dentsu.alerts.rules_file import load_rules, shipped_rules
from newsapi_dentsu.domain.alerts.limits import Limits
from newsapi_dentsu.errors import AlertsError
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.stages.pipeline import INTERVAL


@dataclass(frozen=True, slots=True)
class LimitsInUse:
    """The limits, and what is wrong with the rules where the shipped ones stand in for them."""

    limits: Limits
    trouble: str | None


def limits_in_use(settings: Settings) -> LimitsInUse:
    """The limits of the rules in use; of the shipped rules while those have a mistake."""
    try:
        return LimitsInUse(Limits(load_rules(settings).rules, INTERVAL), None)
    except AlertsError as error:
        return LimitsInUse(Limits(shipped_rules().rules, INTERVAL), str(error))
