"""Where Dagster starts runs: in the daemon, or each in a Container Apps Job of its own.

Jobs are made by dagster-azure's `AcaRunLauncher`, which writes their environment in plain text: so
they get no secret. Their identity logs in to the database and reads the API's key from the vault.
"""

import os
from typing import Any

from pydantic import SecretStr

from newsapi_dentsu.settings import Settings

RUN_SECONDS = 3600
"""Seconds after which the platform ends a job; run monitoring ends its run after half of them."""

RUN_RESOURCES = {"cpu": "2", "memory": "4Gi"}

_IDENTITY = "AZURE_CLIENT_ID"
_FIGURES = ("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING")
"""The address for figures and the login there. With a login, the address is no secret."""


def run_launcher(settings: Settings) -> dict[str, Any]:
    """The part `run_launcher` of dagster.yaml for `RUN_LAUNCHER=jobs`."""
    return {
        "module": "dagster_azure.container_apps",
        "class": "AcaRunLauncher",
        "config": {
            "subscription_id": settings.aca_subscription_id,
            "resource_group": settings.aca_resource_group,
            "region": settings.aca_region,
            "environment_id": settings.aca_environment_id,
            "identity_id": settings.aca_identity_id,
            "env_vars": _variables(settings),
            "run_resources": RUN_RESOURCES,
            "run_job_replica_timeout": RUN_SECONDS,
        },
    }


def _variables(settings: Settings) -> list[str]:
    """The variables that a job inherits: the settings of this process that are no secrets."""
    plain = [
        field.upper()
        for field in sorted(settings.model_fields_set)
        if not isinstance(getattr(settings, field), SecretStr)
    ]
    figures = _FIGURES if _FIGURES[1] in os.environ else ()
    return [name for name in (*plain, _IDENTITY, *figures) if name in os.environ]
