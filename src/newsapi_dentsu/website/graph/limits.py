"""What an operation may ask for at most, found before it is validated: that takes longer.

One walk over a document, in which each fragment is looked at once however often it is spread.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

MOST_TOKENS: Final = 2_000
MOST_DEPTH: Final = 16
MOST_ALIASES: Final = 30
MOST_COST: Final = 5_000
"""Objects that an operation may lead to: those of a list within a list are multiplied."""

MOST_LISTED: Final = 100
"""Entries of a page, and of a list."""

USUAL: Final = {
    **{"articles": 20, "stories": 20, "changes": 20},
    **{"places": 10, "targets": 12, "sentences": 3},
}
"""Fields that take `first`, and how many they give without it."""

_DEAR: Final = {"totalCount": 50, "facets": 200, "searchFacets": 200, "trends": 300, "weeks": 50}
_TURNS: Final = frozenset({"fields", "inputFields", "interfaces", "possibleTypes"})
"""Lists by which descriptions of types lead to each other, in circles."""

_MOST_TURNS: Final = 2
_MOST_PAIRS: Final = 10_000
"""Pairs of fields of one name, each of which validation compares."""


@dataclass(frozen=True, slots=True)
class _Size:
    cost: int = 0
    depth: int = 0
    aliases: int = 0
    turns: int = 0

    def beside(self, other: "_Size") -> "_Size":
        return _Size(
            self.cost + other.cost,
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            max(self.turns, other.turns),
        )


class _Walk:
    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._fragments = {
            one.name.value: one.selection_set
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[str, _Size | None] = {}

    def of(self, selected: SelectionSetNode | None) -> _Size:
        total = _Size()
        for one in selected.selections if selected else ():
            if isinstance(one, FieldNode):
                total = total.beside(self._field(one))
            elif isinstance(one, InlineFragmentNode):
                total = total.beside(self.of(one.selection_set))
            elif isinstance(one, FragmentSpreadNode):
                total = total.beside(self._fragment(one.name.value))
        return total

    def _fragment(self, name: str) -> _Size:
        if name not in self._known:
            # A circle: validation refuses it.
            self._known[name] = None
            self._known[name] = self.of(self._fragments.get(name))
        return self._known[name] or _Size()

    def _field(self, field: FieldNode) -> _Size:
        name = field.name.value
        within = self.of(field.selection_set)
        many = self._first(field, USUAL[name]) if name in USUAL else 1
        own = 1 if field.selection_set else 0
        return _Size(
            many * (own + within.cost) + _DEAR.get(name, 0),
            within.depth + 1,
            within.aliases + (1 if field.alias else 0),
            within.turns + (1 if name in _TURNS else 0),
        )

    def _first(self, field: FieldNode, usual: int) -> int:
        for argument in field.arguments:
            if argument.name.value == "first":
                value: Any = None
                if isinstance(argument.value, IntValueNode):
                    value = int(argument.value.value[:9])
                elif isinstance(argument.value, VariableNode):
                    value = self._variables.get(argument.value.name.value)
                if isinstance(value, int):
                    return max(1, min(value, MOST_LISTED))
                return MOST_LISTED
        return usual


def excess(
    document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> GraphQLError | None:
    """What an operation asks too much of; None where it doesn't."""
    if sum(count * count for count in _named(document).values()) > _MOST_PAIRS:
        return GraphQLError(
            "The same fields are asked for too many times: once is enough.",
            extensions={"code": "TOO_MUCH", "limit": "repetitions"},
        )
    size = _Walk(document, variables).of(operation.selection_set)
    for name, found, most in (
        ("depth", size.depth, MOST_DEPTH),
        ("aliases", size.aliases, MOST_ALIASES),
        ("cost", size.cost, MOST_COST),
    ):
        if found > most:
            told = f"{found:,}" if found < 10**12 else "far more"
            return GraphQLError(
                f"The {name} of this operation is {told}, at most {most:,} is answered: "
                "ask for less, or for smaller pages.",
                extensions={"code": "TOO_MUCH", "limit": name},
            )
    if size.turns > _MOST_TURNS:
        return GraphQLError("Types lead to each other in circles: ask for less of them.")
    return None


def _named(document: DocumentNode) -> Counter[str]:
    """How many fields of each name a document has."""
    found: Counter[str] = Counter()
    waiting: list[Any] = [getattr(one, "selection_set", None) for one in document.definitions]
    while waiting:
        selected = waiting.pop()
        for one in selected.selections if selected else ():
            if isinstance(one, FieldNode):
                found[(one.alias or one.name).value] += 1
            waiting.append(getattr(one, "selection_set", None))
    return found
