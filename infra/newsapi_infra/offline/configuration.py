"""A stack's configuration read from its file, without the Pulumi command."""

import pulumi

from newsapi_infra.config import StackConfig, load_config
from newsapi_infra.offline.graph import PLANTED, PROJECT, SECRET_KEYS, as_text, stack_settings


def read_config(stack: str) -> StackConfig:
    """Load the configuration of a stack, with stand-ins for its secrets."""
    settings = stack_settings(stack)
    settings |= {f"{PROJECT}:{key}": value for key, value in PLANTED.items()}
    pulumi.runtime.set_all_config(
        {key: as_text(value) for key, value in settings.items()},
        [f"{PROJECT}:{key}" for key in SECRET_KEYS],
    )
    return load_config()
