"""What is wrong with a value that a user wrote, in plain English.

pydantic words its errors for programmers ("Input should be a valid integer, unable to parse string
as an integer"). Users of settings and of YAML files read these sentences instead.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic_core import ErrorDetails

_NEAR: Final = 0.7
"""Share of letters in common: NEWSAPI_API_KEY is near NEWSAPI_KEY (0.85), DB_HOST near nothing."""

_WHOLE_NUMBER: Final = "must be a whole number"
_NUMBER: Final = "must be a number"
_YES_OR_NO: Final = "must be true or false"
_MAPPING: Final = "must be a mapping: one `key: value` a line"

_WORDINGS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "is missing",
    "value_error": lambda context: str(context["error"]),
    "literal_error": lambda context: f"must be {context['expected']}",
    "string_type": lambda _: "must be a text (put it in quotes)",
    "string_too_short": lambda context: (
        "must not be empty"
        if context["min_length"] == 1
        else f"must have at least {context['min_length']} characters"
    ),
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
    "invalid_key": lambda _: "is no key: keys must be texts",
    "list_type": lambda _: "must be a list, as in [first, second]",
    "too_short": lambda context: f"must have at least {_entries(context['min_length'])}",
    "too_long": lambda context: f"must have at most {_entries(context['max_length'])}",
    "model_type": lambda _: _MAPPING,
    "dict_type": lambda _: _MAPPING,
    "int_type": lambda _: _WHOLE_NUMBER,
    "int_parsing": lambda _: _WHOLE_NUMBER,
    "int_parsing_size": lambda _: _WHOLE_NUMBER,
    "int_from_float": lambda _: _WHOLE_NUMBER,
    "float_type": lambda _: _NUMBER,
    "float_parsing": lambda _: _NUMBER,
    "finite_number": lambda _: _NUMBER,
    "bool_type": lambda _: _YES_OR_NO,
    "bool_parsing": lambda _: _YES_OR_NO,
    "greater_than": lambda context: f"must be more than {context['gt']:,g}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:,g}",
    "less_than": lambda context: f"must be less than {context['lt']:,g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:,g}",
}


def in_plain_words(mistake: ErrorDetails) -> str:
    """Say what a value must be, without repeating it: it may be a secret.

    Args:
        mistake: one of the errors that pydantic found.

    Returns:
        The predicate of a sentence whose subject is the setting or the key.
    """
    wording = _WORDINGS.get(mistake["type"])
    return wording(mistake.get("ctx", {})) if wording else "is not of the kind that is needed here"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that somebody who wrote `name` probably meant; None where none is near."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=_NEAR)), None)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"
