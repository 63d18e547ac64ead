"""The rules of alerts, as the shipped `alerts.yaml` and a user's copy of it define them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from newsapi_dentsu.config_file import StrictModel, read_config
from newsapi_dentsu.errors import AlertsError

Severity = Literal["critical", "high", "medium", "info"]
ChannelName = Literal["pagerduty", "email", "slack"]
RuleName = Literal[
    "pipeline_failure",
    "failed_run",
    "high_error_rate",
    "no_data",
    "api_latency",
    "database_full",
    "stale_final",
    "tokens",
    "stopped",
    "brand_tone",
]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the most to the least severe."""

CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)

TITLES: Mapping[RuleName, str] = {
    "pipeline_failure": "Pipeline failure",
    "failed_run": "Failed run",
    "high_error_rate": "High error rate",
    "no_data": "No data fetched",
    "api_latency": "High API latency",
    "database_full": "Database full",
    "stale_final": "Stale final table",
    "tokens": "Tokens running out",
    "stopped": "Schedule or daemon stopped",
    "brand_tone": "Tone of a brand fell",
}

Hours = Annotated[float, Field(gt=0, le=24 * 31, strict=False)]
Positive = Annotated[float, Field(gt=0, strict=False)]


class Rule(StrictModel):
    """What all rules have."""

    enabled: bool = True
    severity: Severity


class PipelineFailure(Rule):
    """A scheduled run that failed for good, or more than `failed_attempts` in `within_hours`."""

    failed_attempts: Annotated[int, Field(ge=0)]
    within_hours: Hours


class FailedRun(Rule):
    """A failed run that no schedule asked for."""


class HighErrorRate(Rule):
    """More than `percent` of at least `min_runs` runs failed, and at least `min_failures` did."""

    percent: Annotated[float, Field(ge=0, lt=100, strict=False)]
    within_hours: Hours
    min_runs: Annotated[int, Field(ge=1)]
    min_failures: Annotated[int, Field(ge=1)]


class NoData(Rule):
    """The last `runs` or more that read the news API to the end found nothing new for `hours`."""

    runs: Annotated[int, Field(ge=1, le=100)]
    hours: Hours


class ApiLatency(Rule):
    """The news API took more than `seconds` for an answer, on average in the last run."""

    seconds: Positive


class DatabaseFull(Rule):
    """Less than `free_gb` (of 1024³ bytes) are free."""

    free_gb: Positive


class StaleFinal(Rule):
    """No run has succeeded for `intervals` of the schedule."""

    intervals: Positive


class Tokens(Rule):
    """Fewer than `left`, or fewer than the rest of the month takes at the recent pace."""

    left: Annotated[int, Field(ge=0)]
    pace_days: Annotated[int, Field(ge=1, le=31)]


class Stopped(Rule):
    """A schedule or the sensor is off, or no sign of life of the daemon."""

    heartbeat_minutes: Positive


class BrandTone(Rule):
    """A watched brand's stories of the last `days` speak worse of it, by `fall`, than before.

    Before are the four times as many days before those; each has at least `stories` stories. The
    tone goes from -1 to 1.
    """

    days: Annotated[int, Field(ge=1, le=92)]
    fall: Annotated[float, Field(gt=0, le=2, strict=False)]
    stories: Annotated[int, Field(ge=1)]


class RuleSet(StrictModel):
    """Every rule, by name."""

    pipeline_failure: PipelineFailure
    failed_run: FailedRun
    high_error_rate: HighErrorRate
    no_data: NoData
    api_latency: ApiLatency
    database_full: DatabaseFull
    stale_final: StaleFinal
    tokens: Tokens
    stopped: Stopped
    brand_tone: BrandTone


class Routing(StrictModel):
    """The channels of each severity."""

    critical: list[ChannelName]
    high: list[ChannelName]
    medium: list[ChannelName]
    info: list[ChannelName]


class AlertRules(StrictModel):
    """The whole file."""

    channels: Routing
    rules: RuleSet

    def rule(self, name: RuleName) -> Rule:
        """The rule of this name."""
        rule: Rule = getattr(self.rules, name)
        return rule

    def channels_of(self, severity: Severity) -> tuple[ChannelName, ...]:
        """Where alerts of a severity go."""
        channels: list[ChannelName] = getattr(self.channels, severity)
        return tuple(dict.fromkeys(channels))


def parse_rules(text: str, name: str, defaults: Mapping[str, Any] | None = None) -> AlertRules:
    """Read a file of alert rules.

    Args:
        text: the YAML text.
        name: the file's name, for messages.
        defaults: the shipped file's content, for what the text leaves out.

    Raises:
        AlertsError: the text is not YAML or not valid; each mistake is named with its line.
    """
    return read_config(text, name, AlertRules, AlertsError, defaults)
