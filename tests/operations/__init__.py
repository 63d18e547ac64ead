"""Operating the pipeline: logs, health, runbooks."""
