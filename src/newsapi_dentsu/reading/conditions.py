"""Conditions of a query, and the values in them."""

from collections.abc import Iterable


class Conditions:
    """Conditions that must all hold; their values are the statement's parameters, in order."""

    def __init__(self, parameters: list[object] | None = None) -> None:
        self._all: list[str] = []
        self.parameters: list[object] = [] if parameters is None else parameters

    def add(self, condition: str, *values: object) -> None:
        """Add one; its braces stand for the values."""
        self._all.append(condition.format(*(self.number(value) for value in values)))

    def number(self, value: object) -> str:
        """What stands for a value in the statement."""
        self.parameters.append(value)
        return f"${len(self.parameters)}"

    def add_containing(self, columns: Iterable[str], text: str) -> None:
        """Add that one of the columns contains a text, regardless of case."""
        self._all.append(f"({self._containing(columns, text)})")

    def _containing(self, columns: Iterable[str], text: str) -> str:
        escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        number = self.number(f"%{escaped}%")
        return " OR ".join(f"{name} ILIKE {number} ESCAPE '!'" for name in columns)

    @property
    def all(self) -> str:
        """All of them, for a WHERE."""
        return " AND ".join(self._all) or "1 = 1"
