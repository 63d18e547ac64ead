"""The limits of the shipped alert rules."""

from newsapi_dentsu.alerts.rules_file import shipped_rules
from newsapi_dentsu.domain.alerts.limits import Limits
from newsapi_dentsu.stages.pipeline import INTERVAL

LIMITS = Limits(shipped_rules().rules, INTERVAL)
