"""The `newsapi` command."""

from newsapi_dentsu.cli.main import main

__all__ = ["main"]
