"""The REST API's description: OpenAPI 3.1, made of its operations and of the rows that it reads."""

import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from newsapi_dentsu.reading.hits import COUNTED, Hit
from newsapi_dentsu.reading.states import ARTICLE_TYPES, Change
from newsapi_dentsu.reading.stories import Place, Story
from newsapi_dentsu.reading.tones import TargetTone
from newsapi_dentsu.reading.trends import SourceProfile, Trends
from newsapi_dentsu.website.api import OPERATIONS, Operation

_JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
    "list": {"type": "array", "items": {"type": "string"}},
}
_FILES = {
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_HEADERS = {
    name: {"description": about, "schema": {"type": "string"}}
    for name, about in {
        "ETag": "Names this answer: give it in If-None-Match.",
        "RateLimit-Policy": "How many requests are taken in how many seconds.",
        "RateLimit": "How many are left, and the seconds until there are more.",
    }.items()
}
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `newsapi keys create`, where others can reach the server.",
}
_CURSOR = {
    "type": ["string", "null"],
    "description": "The cursor of the next page; null at the end.",
}
_FOUND_SINCE = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "While the index of searches is being made, articles from before aren't found; "
    "null where none is missing.",
}


def description() -> dict[str, Any]:
    """The description as JSON values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI & Marketing News",
            "version": "1",
            "summary": "Articles, stories and changes of newsapi-dentsu "
            + version("newsapi-dentsu"),
        },
        "paths": {one.path: {"get": _operation(one)} for one in OPERATIONS},
        "components": {"schemas": _schemas(), "securitySchemes": {"key": _KEY}},
    }


def _operation(one: Operation) -> dict[str, Any]:
    in_path = re.findall(r"{(\w+)}", one.path)
    answers: dict[str, Any] = {
        "200": _answer(one),
        "304": {"description": "Nothing has changed since the ETag given."},
        "400": _problem("A parameter is malformed, unknown or given twice."),
        "401": _problem("A key is needed, and none that holds was given."),
        "403": _problem("The key isn't for this."),
        "406": _problem("This kind of answer isn't taken."),
        "414": _problem("The address is longer than 8,000 bytes."),
        "429": _problem("Too many requests: come again after the seconds of Retry-After."),
        "503": _problem("Nothing is ready to be read, or too many read."),
    }
    if any(parameter.name == "cursor" for parameter in one.parameters):
        answers["410"] = _problem("The cursor is too old: begin again.")
    if in_path:
        answers["404"] = _problem("There is no such thing.")
    return {
        "operationId": re.sub(r"\W+", "_", one.path.removeprefix("/api/v1/")).strip("_"),
        "summary": one.about,
        "parameters": [
            *(
                {
                    "name": name,
                    "in": "path",
                    "required": True,
                    "description": "Its id.",
                    "schema": {"type": "string"},
                }
                for name in in_path
            ),
            *(
                {"name": name, "in": "query", "description": about, "schema": dict(schema)}
                for name, about, schema in one.parameters
            ),
        ],
        "responses": answers,
    }


def _answer(one: Operation) -> dict[str, Any]:
    if one.answer in _FILES:
        content = {_FILES[one.answer]: {"schema": {"type": "string"}}}
        return {"description": one.about, "headers": _HEADERS, "content": content}
    schema = {"$ref": f"#/components/schemas/{one.answer}"}
    return {
        "description": one.about,
        "headers": _HEADERS,
        "content": {"application/json": {"schema": schema}},
    }


def _problem(about: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": about, "content": {"application/problem+json": {"schema": schema}}}


def _schemas() -> dict[str, Any]:
    def rows_of(kind: type) -> dict[str, Any]:
        return TypeAdapter(kind).json_schema(mode="serialization")

    def reference(name: str) -> dict[str, Any]:
        return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}

    def whole(properties: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "required": list(properties), "properties": properties}

    story, day = rows_of(Story), {"type": "string", "format": "date"}
    return {
        "Article": whole({name: _JSON_TYPES[kind] for name, kind in ARTICLE_TYPES.items()}),
        "Articles": whole(
            {
                "state": {"type": "integer"},
                "total": {"type": "integer"},
                "found_since": _FOUND_SINCE,
                "articles": reference("Article"),
                "next": _CURSOR,
            }
        ),
        "StoryInList": story,
        "Story": {**story, "properties": {**story["properties"], "places": reference("Place")}},
        "Stories": whole(
            {
                "since": day,
                "until": day,
                "found_since": _FOUND_SINCE,
                "stories": reference("StoryInList"),
                "next": _CURSOR,
            }
        ),
        "Place": rows_of(Place),
        "Change": rows_of(Change),
        "Changes": whole(
            {
                "changes": reference("Change"),
                "more": {"type": "boolean"},
                "next": {"type": "string"},
            }
        ),
        **_schemas_of_searches(rows_of),
        "Problem": whole(
            {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
            }
        ),
    }


def _schemas_of_searches(rows_of: Callable[[type], dict[str, Any]]) -> dict[str, Any]:
    def whole(properties: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "required": list(properties), "properties": properties}

    hit, integer = _inlined(rows_of(Hit)), {"type": "integer"}
    counted = {
        "type": "array",
        "items": whole({"value": {"type": "string"}, "hits": integer}),
    }
    similar = {"type": ["number", "null"], "description": "The cosine of the texts' vectors."}
    return {
        "Hits": whole(
            {
                "state": integer,
                "total": integer,
                "total_is_exact": {
                    "type": "boolean",
                    "description": f"False where there are more than {COUNTED:,} hits.",
                },
                "found_since": _FOUND_SINCE,
                "hits": {"type": "array", "items": hit},
                "next": _CURSOR,
            }
        ),
        "Facets": whole(
            {
                "of": integer,
                "found_since": _FOUND_SINCE,
                **dict.fromkeys(
                    ("days", "sources", "topics", "languages", "tones", "brands"), counted
                ),
            }
        ),
        "RelatedStories": whole(
            {
                "related": {
                    "type": "array",
                    "items": {**hit, "properties": {**hit["properties"], "similarity": similar}},
                }
            }
        ),
        "Tones": whole(
            {
                "tone": {"type": ["string", "null"]},
                "targets": {"type": "array", "items": _inlined(rows_of(TargetTone))},
            }
        ),
        "Trends": _inlined(rows_of(Trends)),
        "Source": rows_of(SourceProfile),
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to in it, as there is no other place for that here."""
    parts = schema.pop("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolved(parts[value["$ref"].rsplit("/", 1)[1]])
            return {name: resolved(part) for name, part in value.items()}
        return [resolved(part) for part in value] if isinstance(value, list) else value

    told: dict[str, Any] = resolved(schema)
    return told
