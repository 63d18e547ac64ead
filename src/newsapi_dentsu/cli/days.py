"""Days that are named on the command line."""

from datetime import date
from typing import Final

import click


class _Day(click.ParamType[date]):
    """A day such as 2026-11-28."""

    name = "yyyy-mm-dd"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Read a day, or fail with what one must be."""
        from newsapi_dentsu.domain.record import parse_day

        try:
            return parse_day(str(value).strip())
        except ValueError as error:
            self.fail(f"must be {error}", param, ctx)


DAY: Final = _Day()
