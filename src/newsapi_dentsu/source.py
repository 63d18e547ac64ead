"""Opening the source of articles that the settings name: the real API or the sandbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from newsapi_dentsu.domain.brands import NO_BRANDS, Brands, parse_brands
from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.errors import BrandsError, SettingsError, TopicsError
from newsapi_dentsu.eventregistry.client import NewsApi
from newsapi_dentsu.eventregistry.source import Gate
from newsapi_dentsu.masking import known_secrets
from newsapi_dentsu.settings import Settings, chosen_file, read_file

LOCAL_BRANDS = Path("brands.yaml")
LOCAL_TOPICS = Path("topics.yaml")
SHIPPED_TOPICS = Path(__file__).with_name("topics.yaml")


@contextmanager
def open_source(settings: Settings, gate: Gate | None = None) -> Iterator[NewsApi]:
    """Open the API of the settings, starting the sandbox on loopback where they ask for it.

    Args:
        settings: the settings.
        gate: what searches pass, where several processes ask at once.

    Raises:
        SettingsError: there is no key, and the sandbox must not stand in for it.
    """
    limits: dict[str, Any] = {
        "timeout": settings.request_timeout_seconds,
        "attempts": settings.request_attempts,
        "deadline": settings.fetch_deadline_seconds,
        "gate": gate,
    }
    if settings.uses_sandbox:
        from newsapi_dentsu.sandbox import SANDBOX_KEY, Sandbox

        with Sandbox() as sandbox:
            yield NewsApi(sandbox.url, SANDBOX_KEY, **limits)
        return
    if settings.newsapi_key is None:
        raise SettingsError(
            "NEWSAPI_KEY is not set: put the key of your newsapi.ai account into the "
            "environment or .env, or set NEWSAPI_SANDBOX=always to use the built-in sample data"
        )
    yield NewsApi(
        settings.newsapi_host,
        settings.newsapi_key.get_secret_value(),
        secrets=known_secrets(settings),
        **limits,
    )


def topics_path(settings: Settings) -> Path:
    """The topics file in use: the setting's, else one in the working folder, else the shipped."""
    return chosen_file(settings.topics_file, LOCAL_TOPICS, SHIPPED_TOPICS)


def load_brands(settings: Settings) -> Brands:
    """Read the file of brands that are watched; none where there is no such file.

    Raises:
        BrandsError: the file can't be read, or holds a mistake, which is named with its line.
    """
    path = settings.brands_file or LOCAL_BRANDS
    if settings.brands_file is None and not path.exists():
        return NO_BRANDS
    return parse_brands(read_file(path, "BRANDS_FILE", BrandsError), str(path))


def load_topics(settings: Settings) -> Topics:
    """Read the topics file in use.

    Raises:
        TopicsError: the file can't be read, or holds a mistake, which is named with its line.
    """
    path = topics_path(settings)
    return parse_topics(read_file(path, "TOPICS_FILE", TopicsError), str(path))
