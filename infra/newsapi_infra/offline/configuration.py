"""The stacks' configuration files, and a configuration read without the Pulumi command."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml

from newsapi_infra.config import StackConfig, load_config

FOLDER = Path(__file__).resolve().parents[2]
PROJECT = "newsapi-infra"
STACKS = ("dev", "prod", "dr")

SECRET_KEYS = (
    "newsapiKey",
    "postgresPassword",
    "postgresAdminPassword",
    "emailPassword",
    "entraClientSecret",
    "pagerdutyUrl",
    "pagerdutyRoutingKey",
    "slackWebhookUrl",
    "digestSlackWebhookUrl",
    "sentimentEndpointKey",
    "uiCertificate",
)
PLANTED = {key: f"planted-secret-{key}" for key in SECRET_KEYS}
"""A value for each secret that can't be mistaken when it is looked for."""


def stack_settings(stack: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings of a stack's file, a stand-in for each secret, and then the `changes`.

    `changes` go without the project's name.
    """
    text = (FOLDER / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    settings: dict[str, Any] = yaml.safe_load(text)["config"]
    return settings | {
        f"{PROJECT}:{key}": value for key, value in (PLANTED | dict(changes or {})).items()
    }


def select(settings: Mapping[str, Any]) -> None:
    """Hand settings to Pulumi as its command would: texts as they are, the rest as JSON."""
    pulumi.runtime.set_all_config(
        {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in settings.items()
        },
        [f"{PROJECT}:{key}" for key in SECRET_KEYS],
    )


def read_config(stack: str) -> StackConfig:
    """Load the configuration of a stack, with stand-ins for its secrets."""
    select(stack_settings(stack))
    return load_config()
