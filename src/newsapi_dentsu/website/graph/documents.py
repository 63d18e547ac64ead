"""Trusted documents: operations that are known beforehand, and asked for by their name or hash."""

import hashlib
import json
from pathlib import Path

from graphql import GraphQLError, GraphQLSchema, parse, validate

from newsapi_dentsu.errors import SettingsError

_LARGEST = 10_000_000


def load(place: Path, schema: GraphQLSchema) -> dict[str, str]:
    """The documents of a folder (`*.graphql`, each named by its file) or of a JSON file.

    Each is also known as `sha256:` and the hash of its text.

    Raises:
        SettingsError: there is none, or one of them can't be used; the message names it.
    """
    try:
        if place.is_dir():
            found = {path.stem: path.read_text("utf-8") for path in sorted(place.glob("*.graphql"))}
        elif place.stat().st_size > _LARGEST:
            raise SettingsError(f"{place}: is larger than {_LARGEST:,} bytes")
        else:
            found = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{place}: trusted documents can't be read: {error}") from error
    if not isinstance(found, dict) or not found:
        raise SettingsError(
            f"{place}: has no documents: give NAME.graphql, or JSON of names and texts"
        )
    known: dict[str, str] = {}
    for name, text in found.items():
        try:
            errors = validate(schema, parse(text))
        except (GraphQLError, TypeError, RecursionError) as error:
            raise SettingsError(f"{place}: {name} is no document of GraphQL: {error}") from None
        if errors:
            raise SettingsError(f"{place}: {name}: {errors[0].message}")
        known[name] = known[f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"] = text
    return known
