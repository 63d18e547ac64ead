"""Imported by the server of `support.forking`: all that a run needs, used once."""

import dagster as dg
import duckdb  # noqa: F401
import eventregistry  # noqa: F401
import pytest  # noqa: F401

import newsapi_dentsu.cli.running
import newsapi_dentsu.cli.summary
import newsapi_dentsu.definitions
import newsapi_dentsu.hosting.execution
import newsapi_dentsu.sandbox
import newsapi_dentsu.warehouse.engines.duckdb
import newsapi_dentsu.warehouse.engines.postgres  # noqa: F401
import support.processes  # noqa: F401
from newsapi_dentsu.domain.language import LEAST_WORDS, verified_language
from newsapi_dentsu.domain.normalization import normalize
from newsapi_dentsu.meaning.embedder import SHIPPED, sentence_model


@dg.asset
def nothing() -> None:
    """An asset whose materialization makes Dagster import what it imports late."""


dg.materialize([nothing], raise_on_error=True)
# These make or load their tables when they are first used.
normalize("NFC", "é")
verified_language("wort " * LEAST_WORDS, "eng")
sentence_model(SHIPPED).embed(["It is loaded for the first text."])
