"""Masking the secrets of the settings in what is about to leave the process."""

from collections.abc import Mapping
from typing import Any

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.masking import known_secrets, mask
from newsapi_dentsu.settings import load_settings, secrets_as_given


def without_secrets(text: str) -> str:
    """The text with every secret of the settings masked."""
    try:
        settings = load_settings()
    except PipelineError:
        # One malformed value doesn't uncover the others' secrets.
        settings = secrets_as_given()
    return mask(text, known_secrets(settings))


def without_secrets_in(value: Any) -> Any:
    """A JSON-like value with the secrets masked in all its texts, but not in its keys."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {key: without_secrets_in(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets_in(item) for item in value]
    return value
