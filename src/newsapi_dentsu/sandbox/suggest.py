"""The suggestion endpoints: names into the uris that the generated corpus uses."""

from collections.abc import Mapping, Sequence
from typing import Any

from newsapi_dentsu.sandbox.sources import SOURCES
from newsapi_dentsu.sandbox.tags import CATEGORIES, CONCEPTS
from newsapi_dentsu.sandbox.values import NotExecutedError, whole

_DEFAULT_COUNT = 20


def suggest(kind: str, params: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Return the answer of one of the endpoints in `SUGGESTIONS`."""
    prefix = params.get("prefix")
    if not isinstance(prefix, str) or not prefix.strip():
        raise NotExecutedError("prefix must be a text.")
    wanted = prefix.strip().casefold()
    found = [entry for names, entry in SUGGESTIONS[kind] if wanted in names]
    page = whole(params, "page", 1, at_least=1)
    count = whole(params, "count", _DEFAULT_COUNT, at_least=1)
    return found[(page - 1) * count : page * count]


SUGGESTIONS: Mapping[str, Sequence[tuple[str, dict[str, Any]]]] = {
    "suggestConceptsFast": [
        (
            f"{concept.label} {concept.uri}".casefold(),
            {"uri": concept.uri, "type": concept.type, "label": {"eng": concept.label}},
        )
        for concept in CONCEPTS
    ],
    "suggestCategoriesFast": [
        (uri.replace("_", " ").casefold() + " " + uri.casefold(), {"uri": uri, "label": label})
        for uri, label in CATEGORIES.items()
    ],
    "suggestSourcesFast": [
        (
            f"{source.title} {source.uri}".casefold(),
            {"uri": source.uri, "dataType": source.data_type, "title": source.title},
        )
        for source in SOURCES
    ],
}
