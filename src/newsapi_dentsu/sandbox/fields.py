"""Which fields of an article an answer carries, by the request's `include…` switches."""

from collections.abc import Mapping
from typing import Any

from newsapi_dentsu.sandbox.values import is_on, texts, whole

# switch: (on by default, the fields it controls). Fields that no switch names are always served.
_SWITCHES: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "includeArticleBasicInfo": (
        True,
        (
            *("lang", "isDuplicate", "date", "time", "dateTime", "dateTimePub"),
            *("dataType", "sim", "source"),
        ),
    ),
    "includeArticleTitle": (True, ("title",)),
    "includeArticleBody": (True, ("body",)),
    "includeArticleUrl": (True, ("url",)),
    "includeArticleEventUri": (True, ("eventUri",)),
    "includeArticleAuthors": (True, ("authors",)),
    "includeArticleImage": (True, ("image",)),
    "includeArticleSentiment": (True, ("sentiment",)),
    "includeArticleConcepts": (False, ("concepts",)),
    "includeArticleCategories": (False, ("categories",)),
    "includeArticleLinks": (False, ("links",)),
    "includeArticleVideos": (False, ("videos",)),
    "includeArticleSocialScore": (False, ("shares",)),
    "includeArticleLocation": (False, ("location",)),
    "includeArticleExtractedDates": (False, ("extractedDates",)),
    "includeArticleOriginalArticle": (False, ("originalArticle",)),
    "includeArticleStoryUri": (False, ("storyUri",)),
}
_SOURCE_SWITCHES: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "includeSourceTitle": (True, ("title",)),
    "includeSourceLocation": (False, ("location",)),
    "includeSourceRanking": (False, ("ranking",)),
}


class FieldChoice:
    """The fields one request asked for, ready to cut records down to them."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._hidden = _hidden(_SWITCHES, params)
        self._hidden_of_source = _hidden(_SOURCE_SWITCHES, params)
        self._body_length = whole(params, "articleBodyLen", -1, at_least=-1)
        self._languages = texts("conceptLang", params.get("conceptLang") or "eng")

    def apply(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record as the answer shows it."""
        shown = {name: value for name, value in record.items() if name not in self._hidden}
        if isinstance(shown.get("source"), dict):
            shown["source"] = {
                name: value
                for name, value in shown["source"].items()
                if name not in self._hidden_of_source
            }
        if self._body_length >= 0 and shown.get("body"):
            shown["body"] = shown["body"][: self._body_length]
        if shown.get("concepts"):
            shown["concepts"] = [self._labelled(concept) for concept in shown["concepts"]]
        return shown

    def _labelled(self, concept: dict[str, Any]) -> dict[str, Any]:
        labels = concept.get("label") or {}
        chosen = {language: labels[language] for language in self._languages if language in labels}
        return {**concept, "label": chosen}


def _hidden(
    switches: Mapping[str, tuple[bool, tuple[str, ...]]], params: Mapping[str, Any]
) -> frozenset[str]:
    return frozenset(
        field
        for switch, (default, fields) in switches.items()
        if not is_on(params.get(switch, default))
        for field in fields
    )
