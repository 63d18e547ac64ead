"""The topics that the pipeline searches for, as users write them in a YAML file."""

import hashlib
import json
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as validate_model
from pydantic_core import ErrorDetails

from newsapi_dentsu.errors import TopicsError

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
ConceptUri = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Topic(_Strict):
    """One topic: an article matches it by any of its keywords, concepts or categories.

    How much it is about the topic is told by these and by `terms` and `weak_terms`, which are not
    searched for.
    """

    name: Name
    keywords: list[Name] = []
    concepts: list[ConceptUri] = []
    categories: list[Name] = []
    terms: list[Name] = []
    weak_terms: list[Name] = []

    @validate_model(mode="after")
    def _has_a_condition(self) -> "Topic":
        if not (self.keywords or self.concepts or self.categories):
            raise ValueError("needs at least one of keywords, concepts, categories")
        return self


class RelevanceRules(_Strict):
    """How much each sign that an article is about a topic weighs, and how relevant is enough.

    `title`, `lead` and `body` are the weights of one term there, `weak` the factor for weak terms;
    `concepts` and `categories` those of a tag at the top of the index's scale.
    """

    threshold: Share = 0.5
    title: Share = 0.45
    lead: Share = 0.3
    body: Share = 0.12
    weak: Share = 0.4
    concepts: Share = 0.3
    categories: Share = 0.25


class QualityRules(_Strict):
    """What a text must be like to be read; `min_words` counts those of the body."""

    min_words: Annotated[int, Field(ge=0)] = 25


class Topics(_Strict):
    """What to search for: an article must match every topic."""

    topics: Annotated[list[Topic], Field(min_length=1)]
    languages: Annotated[list[Language], Field(min_length=1)] = ["eng"]
    data_types: Annotated[list[Literal["news", "pr", "blog"]], Field(min_length=1)] = ["news"]
    ignore_sources: list[Name] = []
    relevance: RelevanceRules = RelevanceRules()
    quality: QualityRules = QualityRules()

    @property
    def query_id(self) -> str:
        """Identify the search: equal for files that ask for the same articles.

        Names of topics, order and repetition don't matter; 12 hexadecimal digits.
        """
        conditions = sorted(
            [
                sorted(set(topic.keywords)),
                sorted(set(topic.concepts)),
                sorted(set(topic.categories)),
            ]
            for topic in self.topics
        )
        query = {
            "topics": conditions,
            "languages": sorted(set(self.languages)),
            "data_types": sorted(set(self.data_types)),
            "ignore_sources": sorted(set(self.ignore_sources)),
        }
        return hashlib.sha256(json.dumps(query, sort_keys=True).encode()).hexdigest()[:12]


def parse_topics(text: str, name: str) -> Topics:
    """Read a topics file.

    Args:
        text: the YAML text.
        name: the file's name, for messages.

    Raises:
        TopicsError: the text is not YAML or not a valid list of topics; each mistake is named
            with its line.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TopicsError(f"{name}, line {line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise TopicsError(f"{name}: {str(error).splitlines()[0]}") from None
    if root is None or not isinstance(data, dict):
        raise TopicsError(f"{name}, line 1: must be a mapping with the key 'topics'")
    try:
        return Topics.model_validate(data)
    except ValidationError as error:
        problems = [
            f"line {_line_of(root, item['loc'])}: {_path(item['loc'])}{_wording(item)}"
            for item in error.errors(include_url=False)
        ]
        raise TopicsError(f"{name}, {'; '.join(problems)}") from None


def _wording(item: ErrorDetails) -> str:
    if item["type"] != "extra_forbidden":
        return item["msg"].removeprefix("Value error, ")
    model = Topic if len(item["loc"]) > 1 else Topics
    return f"is not known here; known are {', '.join(model.model_fields)}"


def _path(location: tuple[int | str, ...]) -> str:
    shown = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{shown.lstrip('.')}: " if shown else ""


def _line_of(node: yaml.Node, location: tuple[int | str, ...]) -> int:
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
