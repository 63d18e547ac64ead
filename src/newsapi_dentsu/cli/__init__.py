"""The `newsapi` command."""

from newsapi_dentsu.cli.main import main
from newsapi_dentsu.cli.program import program

__all__ = ["main", "program"]
