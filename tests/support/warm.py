"""Imported by the server of `support.commands`: all that a run needs, used once."""

import dagster as dg
import duckdb  # noqa: F401
import eventregistry  # noqa: F401

import newsapi_dentsu.cli.running
import newsapi_dentsu.cli.summary
import newsapi_dentsu.definitions
import newsapi_dentsu.hosting.execution
import newsapi_dentsu.sandbox
import newsapi_dentsu.warehouse.engines.duckdb  # noqa: F401


@dg.asset
def nothing() -> None:
    """An asset whose materialization makes Dagster import what it imports late."""


dg.materialize([nothing], raise_on_error=True)
