"""The topics that the pipeline searches for, as users write them in a YAML file."""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from pydantic import model_validator as validate_model

from newsapi_dentsu.domain.config_file import StrictModel, read_config
from newsapi_dentsu.errors import TopicsError

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
ConceptUri = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


Share = Annotated[float, Field(ge=0, le=1)]


class Topic(StrictModel):
    """One topic: an article matches it by any of its keywords, concepts or categories.

    How much it is about the topic is told by these and by `terms` and `weak_terms`, which are not
    searched for.
    """

    name: Name
    keywords: list[Name] = Field([])
    concepts: list[ConceptUri] = Field([])
    categories: list[Name] = Field([])
    terms: list[Name] = Field([])
    weak_terms: list[Name] = Field([])

    @validate_model(mode="after")
    def _has_a_condition(self) -> "Topic":
        if not (self.keywords or self.concepts or self.categories):
            raise ValueError("needs at least one of keywords, concepts, categories")
        return self


class RelevanceRules(StrictModel):
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


class QualityRules(StrictModel):
    """What a text must be like to be read; `min_words` counts those of the body."""

    min_words: Annotated[int, Field(ge=0)] = 25


class Topics(StrictModel):
    """What to search for: an article must match every topic."""

    topics: Annotated[list[Topic], Field(min_length=1)]
    languages: Annotated[list[Language], Field(min_length=1)] = Field(["eng"])
    data_types: Annotated[list[Literal["news", "pr", "blog"]], Field(min_length=1)] = Field(
        ["news"]
    )
    ignore_sources: list[Name] = Field([])
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
    return read_config(text, name, Topics, TopicsError)
