"""The names of all resources, in one place, by Azure's rules for each kind."""

import uuid
from dataclasses import dataclass

IMAGE = "newsapi-dagster"
WEBSERVER = "dagster-webserver"
DAEMON = "dagster-daemon"
NEWS_API = "news-api"
UPGRADE = "newsapi-db-upgrade"
UPGRADE_FOR_GOOD = "newsapi-db-upgrade-for-good"
DATABASE_ROLE_JOB = "newsapi-db-role"
ROTATION = "newsapi-db-rotate"
ALERTS_CHECK = "newsapi-alerts-check"
SMOKE_RUN = "newsapi-smoke-run"
DATABASE = "newsapi_db"
DATABASE_ROLE = "dagster_user"
DATABASE_ADMIN = "newsapi_admin"
CACHE_DATABASE = "default"
"""The only name that a database of Azure Managed Redis may have."""

NEWSAPI_KEY_SECRET = "newsapi-api-key"  # noqa: S105
POSTGRES_SECRET = "newsapi-postgres-credentials"  # noqa: S105
EMAIL_SECRET = "newsapi-email-credentials"  # noqa: S105
SLACK_SECRET = "newsapi-slack-webhook-url"  # noqa: S105
DIGEST_SLACK_SECRET = "newsapi-digest-slack-webhook-url"  # noqa: S105
PAGERDUTY_SECRET = "newsapi-pagerduty-routing-key"  # noqa: S105
ENTRA_SECRET = "newsapi-entra-client-secret"  # noqa: S105
TONE_SECRET = "newsapi-sentiment-endpoint-key"  # noqa: S105
CERTIFICATE_SECRET = "newsapi-ui-certificate"  # noqa: S105

_NAMESPACE = uuid.UUID("6a9bb0a6-4a0e-5d0f-9d0b-3f0c4c1a7f55")


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one stack; `suffix` is only in those that the whole of Azure must not share."""

    stack: str
    suffix: str

    def of(self, kind: str) -> str:
        """A name that must be unique in the resource group only."""
        return f"newsapi-{self.stack}-{kind}"

    def unique(self, kind: str) -> str:
        """A name that must be unique in all of Azure, hyphens allowed."""
        return f"newsapi-{self.stack}-{kind}-{self.suffix}"

    def compact(self, kind: str) -> str:
        """A name that must be unique in all of Azure, letters and digits only."""
        return f"newsapi{self.stack}{kind}{self.suffix}"

    def guid(self, *parts: str) -> str:
        """A name that must be a GUID: the same parts give the same one."""
        return str(uuid.uuid5(_NAMESPACE, "/".join((self.stack, self.suffix, *parts))))
