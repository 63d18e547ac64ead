"""The code location: everything that Dagster knows of the pipeline."""

from newsapi_dentsu.defs import build_definitions

defs = build_definitions()
