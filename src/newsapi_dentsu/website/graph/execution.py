"""Executing operations, with a short way for the fields that most answers are made of."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from graphql import (
    ExecutionContext,
    FieldNode,
    GraphQLObjectType,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import AwaitableOrValue, Path, Undefined
from typing_extensions import override


class _Plain(NamedTuple):
    """A field that is an attribute of its object, and a scalar."""

    attribute: str
    serialize: Callable[[Any], Any]


class ShortExecution(ExecutionContext):
    """Reads scalars that are attributes at once, without what other fields need to be resolved.

    Whatever isn't plain, or goes wrong, goes the usual way.
    """

    @override
    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_nodes: list[FieldNode],
        path: Path,
    ) -> AwaitableOrValue[Any]:
        plain = _plain_fields(parent_type).get(field_nodes[0].name.value)
        if plain is not None:
            value = getattr(source, plain.attribute, None)
            if value is not None:
                try:
                    told = plain.serialize(value)
                except Exception:
                    # Told by the usual way.
                    told = Undefined
                if told is not Undefined and told is not None:
                    return told
        return super().execute_field(parent_type, source, field_nodes, path)


@lru_cache(maxsize=256)
def _plain_fields(kind: GraphQLObjectType) -> dict[str, _Plain]:
    found: dict[str, _Plain] = {}
    for name, field in kind.fields.items():
        of = field.type.of_type if is_non_null_type(field.type) else field.type
        definition = field.extensions.get("strawberry-definition")
        if definition is not None and definition.is_basic_field and is_leaf_type(of):
            found[name] = _Plain(definition.python_name, of.serialize)
    return found
