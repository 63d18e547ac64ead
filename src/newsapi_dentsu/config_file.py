"""Configuration that users write in YAML: a mistake is named with its line."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.mistakes import in_plain_words, nearest

_MISTAKES_TOLD = 10
"""So many mistakes of one kind are named."""

Location = tuple[int | str, ...]

# The shipped topics take the Python loader a quarter of a second, the C one a tenth of that.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StrictModel(BaseModel):
    """A part of such a file: nothing unknown in it, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Model = TypeVar("Model", bound=StrictModel)


def read_config(
    text: str,
    name: str,
    model: type[Model],
    error: type[PipelineError],
    defaults: Mapping[str, Any] | None = None,
) -> Model:
    """Read and validate a file.

    Args:
        text: the YAML text.
        name: the file's name, for messages.
        model: what the file must be.
        error: what to raise.
        defaults: what holds where the text says nothing, at any depth.

    Raises:
        error: the text is not YAML or not what it must be; each mistake is named with its line.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  a safe one
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
        hint = ": indent with spaces, not tabs" if tab else ""
        line = mark.line + 1 if mark else 1
        raise error(f"{name}, line {line}: {problem.problem}{hint}") from None
    except yaml.YAMLError as problem:
        raise error(f"{name}: {str(problem).splitlines()[0]}") from None
    if root is None or not isinstance(data, dict):
        needed = [key for key, field in model.model_fields.items() if field.is_required()]
        keys = " or ".join(repr(key) for key in needed)
        raise error(f"{name}, line 1: must be a mapping with the key {keys}")
    twice = [
        f"line {key.start_mark.line + 1}: {key.value} is there twice in one place"
        for key in _repeated(root)
    ]
    if twice:
        raise error(f"{name}, {'; '.join(twice[:_MISTAKES_TOLD])}")
    try:
        return model.model_validate(_merged(defaults or {}, data))
    except ValidationError as problem:
        mistakes = [
            f"line {_line_of(root, item['loc'])}: {_path(item['loc'])}{_wording(item, model)}"
            for item in problem.errors(include_url=False)
        ]
        raise error(f"{name}, {'; '.join(mistakes)}") from None


def _repeated(root: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """The keys that a mapping has had before; of which YAML would take the last in silence."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        # What an alias names is one node, however often it is there.
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys: set[tuple[str, str]] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if (key.tag, key.value) in keys:
                        yield key
                    keys.add((key.tag, key.value))
            waiting += reversed([value for _, value in node.value])


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **given}
    for key, value in given.items():
        default = defaults.get(key)
        if isinstance(default, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(default, value)
    return merged


def _wording(item: ErrorDetails, model: type[BaseModel]) -> str:
    if item["type"] != "extra_forbidden":
        return in_plain_words(item)
    known = _model_at(model, item["loc"][:-1]).model_fields
    meant = nearest(str(item["loc"][-1]), known)
    hint = f" (did you mean {meant}?)" if meant else ""
    return f"is not known here; known are {', '.join(known)}{hint}"


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model of the mapping at `location`."""
    for part in location:
        if isinstance(part, str):
            annotation: Any = model.model_fields[part].annotation
            candidates = [annotation, *get_args(annotation)]
            model = next(
                one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)
            )
    return model


def _path(location: Location) -> str:
    shown = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{shown.lstrip('.')}: " if shown else ""


def _line_of(node: yaml.Node, location: Location) -> int:
    """Find the line of the deepest node on the way to `location`."""
    line = node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == part), None)
            if pair is None:
                break
            key, node = pair
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
