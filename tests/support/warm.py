"""Imported by the server of `support.forking`: all that a command needs, used once."""

import gc
import pkgutil
from contextlib import suppress
from importlib import import_module

import dagster as dg
import duckdb  # noqa: F401
import eventregistry  # noqa: F401
import pytest  # noqa: F401

import newsapi_dentsu.definitions
import newsapi_dentsu.hosting.execution
import newsapi_dentsu.reading.copy
import newsapi_dentsu.reading.index
import newsapi_dentsu.sandbox
import newsapi_dentsu.warehouse.engines.duckdb
import newsapi_dentsu.warehouse.engines.postgres  # noqa: F401
import support.processes  # noqa: F401
from newsapi_dentsu import cli
from newsapi_dentsu.domain.encoding import repaired
from newsapi_dentsu.domain.language import LEAST_WORDS, verified_language
from newsapi_dentsu.domain.normalization import normalize
from newsapi_dentsu.errors import SettingsError
from newsapi_dentsu.meaning.embedder import SHIPPED, sentence_model
from newsapi_dentsu.settings import load_settings


@dg.asset
def nothing() -> None:
    """An asset whose materialization makes Dagster import what it imports late."""


for command in pkgutil.iter_modules(cli.__path__):
    import_module(f"{cli.__name__}.{command.name}")
dg.materialize([nothing], raise_on_error=True)
# These make or load their tables when they are first used.
normalize("NFC", "é")
repaired("cafÃ©")
verified_language("wort " * LEAST_WORDS, "eng")
sentence_model(SHIPPED).embed(["It is loaded for the first text."])
# Which types the settings have is the dearest question among so many classes.
with suppress(SettingsError):
    load_settings()
load_settings.cache_clear()
# A process that looks for garbage would otherwise write to, and so copy, all that is here.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
