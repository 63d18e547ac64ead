"""In which language an article is, by its text where the index's word is doubtful."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LEAST_WORDS: Final = 20
"""Shorter texts don't tell their language surely."""

LEAST_CERTAINTY: Final = 0.95
"""How sure the detector must be to be believed more than the index."""

COMMON_SHARE: Final = 0.15
"""A text of which this share are a language's commonest words, and no more another's, is in it."""

_JUDGED_CHARACTERS: Final = 600

_COMMON_WORDS: Final[Mapping[str, str]] = {
    "eng": "the of and to a in is that for it as was with be by on not his which but are from or "
    "at has have had an they were their this its who will would said",
    "deu": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch "
    "es an werden aus er hat dass sie nach bei um am sind wie einem über",
    "fra": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce "
    "il sont avec son ses aux mais ou nous comme",
    "spa": "de la que el en y a los se del las un por con no una su para es al lo como más o pero "
    "sus le ha me si sin sobre este ya entre cuando",
    "ita": "di e il la che in a per un del non è una con si le dei da sono al della i come più "
    "anche gli alla nel ha lo delle ma su o se",
    "por": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi "
    "ao ele das tem à seu sua ou ser",
    "nld": "de van een het en in is dat op te zijn met voor niet aan er om ook als dan door maar "
    "bij wordt uit nog naar worden heeft hij die was",
}


def verified_language(body: str, claimed: str | None) -> str | None:
    """Tell an article's language (ISO 639-2/T): the claimed one unless the text speaks against it.

    A text full of the claimed language's commonest words needs no detector; one in another
    language, or of which nothing is claimed, is put to py3langid.

    Returns:
        None where nothing is claimed and the text doesn't tell.
    """
    words = body[:_JUDGED_CHARACTERS].casefold().split()
    if len(words) < LEAST_WORDS:
        return claimed
    counts = dict.fromkeys(_COMMON_WORDS, 0)
    for languages, count in Counter(map(_languages_with().get, words)).items():
        for language in languages or ():
            counts[language] += count
    count = counts.get(claimed or "", 0)
    if count >= COMMON_SHARE * len(words) and count == max(counts.values()):
        return claimed
    language, certainty = _identifier().classify(body[:_JUDGED_CHARACTERS])
    return alpha3(language) if certainty >= LEAST_CERTAINTY else claimed


def common_share(words: Sequence[str], language: str | None) -> float | None:
    """The share of words, in lower case, that are a language's commonest; None for other languages.

    Sentences can't do without them: a quarter to a half of all words is usual.
    """
    if language not in _COMMON_WORDS:
        return None
    found = sum(language in _languages_with().get(word, ()) for word in words)
    return found / max(1, len(words))


@cache
def _languages_with() -> dict[str, tuple[str, ...]]:
    """The languages in which a word is among the commonest, by the word."""
    found: dict[str, tuple[str, ...]] = {}
    for language, common in _COMMON_WORDS.items():
        for word in dict.fromkeys(common.split()):
            found[word] = (*found.get(word, ()), language)
    return found


@cache
def _identifier() -> "LanguageIdentifier":
    # Loading it takes longer than a whole batch of texts in a known language.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def alpha3(tag: str) -> str | None:
    """The ISO 639-2/T code of a language tag such as `en` or `pt-BR`; None where it is none."""
    from langcodes import Language
    from langcodes.tag_parser import LanguageTagError

    try:
        return Language.get(tag).to_alpha3()
    except (LanguageTagError, LookupError):
        return None
