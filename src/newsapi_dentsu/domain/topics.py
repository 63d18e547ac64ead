"""The topics that the pipeline searches for, as users write them in a YAML file."""

import hashlib
import json
import re
from functools import cached_property, lru_cache
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic import model_validator as validate_model

from newsapi_dentsu.config_file import StrictModel, read_config
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
Weight = Annotated[float, Field(ge=0, lt=1)]

BEGINNING_LETTERS: Final = 3
"""Fewer letters before `*` begin too many words."""


def _long_enough(term: str) -> str:
    if term.endswith("*") and term[:-1].isalnum() and len(term) <= BEGINNING_LETTERS:
        raise ValueError(f"{term!r} needs {BEGINNING_LETTERS} letters before the *")
    return term


Term = Annotated[Name, AfterValidator(_long_enough)]


class Terms(StrictModel):
    """Words and phrases by how much they tell of a topic; `*` stands for any ending.

    What is `ignored` counts nothing, nor do terms within it: phrases in which a term means
    something else.
    """

    strong: list[Term] = Field([])
    clear: list[Term] = Field([])
    weak: list[Term] = Field([])
    ignored: list[Term] = Field([])

    @validate_model(mode="after")
    def _each_term_once(self) -> "Terms":
        grades: dict[str, str] = {}
        for grade in type(self).model_fields:
            for term in getattr(self, grade):
                other = grades.setdefault(term.casefold(), grade)
                if other != grade:
                    raise ValueError(f"has {term!r} as {other} and as {grade}; keep one")
        return self


class Topic(StrictModel):
    """One topic: an article matches it by any of its keywords, concepts or categories.

    How much it is about the topic is told by these and by `terms`, which are not searched for.
    A keyword is a strong term unless `terms` grades it otherwise.
    """

    name: Name
    keywords: list[Name] = Field([])
    concepts: list[ConceptUri] = Field([])
    categories: list[Name] = Field([])
    terms: Terms = Terms()

    @validate_model(mode="after")
    def _has_a_condition(self) -> "Topic":
        if not (self.keywords or self.concepts or self.categories):
            raise ValueError("needs at least one of keywords, concepts, categories")
        return self


class RelevanceRules(StrictModel):
    """How much each sign that an article is about a topic weighs, and how relevant is enough.

    `title`, `lead` and `body` are the weights of a strong term there, `clear` and `weak` the
    shares of it for other terms; `together` is the weight of strong terms or keywords of all
    topics close to each other in the title or the opening; `concepts` and `categories` are those of
    a tag at the top of the index's scale.
    """

    threshold: Share = 0.6
    title: Weight = 0.43
    lead: Weight = 0.32
    body: Weight = 0.23
    clear: Share = 0.58
    weak: Share = 0.29
    together: Weight = 0.45
    concepts: Weight = 0.3
    categories: Weight = 0.25


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
