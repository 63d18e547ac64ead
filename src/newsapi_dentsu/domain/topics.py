"""The topics that the pipeline searches for, as users write them in a YAML file."""

import hashlib
import json
import re
from collections import Counter
from functools import cached_property, lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic import model_validator as validate_model

from newsapi_dentsu.config_file import StrictModel, read_config
from newsapi_dentsu.domain.urls import MAX_LINK_LENGTH
from newsapi_dentsu.errors import TopicsError

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def _language(code: str) -> str:
    if not re.fullmatch(r"[a-z]{3}", code):
        raise ValueError("must be a language in three letters, such as eng (ISO 639-3)")
    return code


def _concept(uri: str) -> str:
    if not re.fullmatch(r"https?://\S+", uri):
        raise ValueError("must be an address such as http://en.wikipedia.org/wiki/Marketing")
    return uri


Language = Annotated[str, AfterValidator(_language)]
ConceptUri = Annotated[str, AfterValidator(_concept)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Example = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINK_LENGTH)
]

_NO_TERMS = (
    "terms are no longer read, as articles are judged by meaning: say in one or two sentences "
    "under `description` what the topic is about, and remove `terms`"
)
_NO_WEIGHT = (
    "no longer read, as articles are judged by meaning: remove this; `threshold` alone decides "
    "how relevant is enough"
)
_FORMER_WEIGHTS = frozenset(
    ["title", "lead", "body", "clear", "weak", "together", "concepts", "categories"]
)


class Examples(StrictModel):
    """Articles that belong to a topic, and that don't: each a title, or the url of a stored one."""

    belong: Annotated[list[Example], Field(max_length=50)] = Field([])
    do_not_belong: Annotated[list[Example], Field(max_length=50)] = Field([])

    @validate_model(mode="after")
    def _not_both(self) -> "Examples":
        if both := sorted(set(self.belong) & set(self.do_not_belong)):
            raise ValueError(f"can't belong and not belong at once: {both[0]}")
        return self


class Topic(StrictModel):
    """One topic: an article matches it by any of its keywords, concepts or categories.

    How much it is about the topic is told by comparing its text with the description, with the
    keywords and with the examples. Without a description the keywords stand for it.
    """

    name: Name
    description: Text = ""
    keywords: list[Name] = Field([])
    concepts: list[ConceptUri] = Field([])
    categories: list[Name] = Field([])
    examples: Examples = Examples()

    @validate_model(mode="before")
    @classmethod
    def _no_terms(cls, given: object) -> object:
        if isinstance(given, dict) and "terms" in given:
            raise ValueError(_NO_TERMS)
        return given

    @validate_model(mode="after")
    def _has_a_condition(self) -> "Topic":
        if not (self.keywords or self.concepts or self.categories):
            raise ValueError("needs at least one of keywords, concepts, categories")
        return self


class RelevanceRules(StrictModel):
    """How relevant, from 0 to 1, is enough."""

    threshold: Share = 0.5

    @property
    def asked(self) -> str:
        """The threshold as people read it, with two decimals and more only where it has them."""
        return max(f"{self.threshold:.2f}", f"{self.threshold:g}", key=len)

    def beside(self, score: float) -> str:
        """A score as it is told beside the threshold: with four decimals where two mislead."""
        same_side = (round(score, 2) >= self.threshold) == (score >= self.threshold)
        return f"{score:.2f}" if same_side else f"{score:.4f}"

    @validate_model(mode="before")
    @classmethod
    def _no_weights(cls, given: object) -> object:
        former = sorted(_FORMER_WEIGHTS & given.keys()) if isinstance(given, dict) else []
        if former:
            raise ValueError(f"{', '.join(former)} {_NO_WEIGHT}")
        return given


class QualityRules(StrictModel):
    """What a text must be like to be read; `min_words` counts those of the body."""

    min_words: Annotated[int, Field(ge=0)] = 25


def _of_different_names(topics: list[Topic]) -> list[Topic]:
    names = Counter(topic.name for topic in topics)
    if again := [name for name, count in names.items() if count > 1]:
        raise ValueError(
            f"has several topics of the name {', '.join(again)}: give each its own, as scores are "
            "told by name"
        )
    return topics


class Topics(StrictModel):
    """What to search for: an article must match every topic."""

    topics: Annotated[list[Topic], Field(min_length=1), AfterValidator(_of_different_names)]
    languages: Annotated[list[Language], Field(min_length=1)] = Field(["eng"])
    data_types: Annotated[list[Literal["news", "pr", "blog"]], Field(min_length=1)] = Field(
        ["news"]
    )
    ignore_sources: list[Name] = Field([])
    relevance: RelevanceRules = RelevanceRules()
    quality: QualityRules = QualityRules()

    @cached_property
    def _content(self) -> str:
        return self.model_dump_json()

    def __hash__(self) -> int:
        return hash(self._content)

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


@lru_cache(maxsize=4)
def parse_topics(text: str, name: str) -> Topics:
    """Read a topics file.

    Args:
        text: the YAML text.
        name: the file's name, for messages.

    Raises:
        TopicsError: the text is not YAML or not a valid list of topics; each mistake is named
            with its line.
    """
    return read_config(text, name, Topics, TopicsError)
