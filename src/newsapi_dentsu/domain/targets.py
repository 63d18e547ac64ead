"""Whom a text speaks about: companies, people and brands, found in it by their names."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from newsapi_dentsu.domain.brands import Brand
from newsapi_dentsu.domain.names import WORD, folded, words

KINDS: Final = ("brand", "org", "person")

_IN_PARENTHESES = re.compile(r"\s*\([^()]*\)\s*$")
_LEGAL_AS_TEXT: Final = (
    "inc corp corporation ltd limited llc plc ag se sa nv bv gmbh kg spa srl ab asa oyj "
    "co company group holding holdings"
)
_LEGAL: Final = frozenset(_LEGAL_AS_TEXT.split())
_SHORTEST = 2


class Target(NamedTuple):
    """Who is spoken about, and the kind of what it is."""

    name: str
    kind: str


class Found(NamedTuple):
    """A place in a text that names a target."""

    start: int
    end: int
    target: Target


class _Name(NamedTuple):
    """One way to write a target; `target` is None where the words mean something else."""

    tokens: tuple[str, ...]
    target: Target | None
    short: bool
    """Whether it is a part of the name, which only says whom it means beside the whole."""


class Gazetteer:
    """Finds names in texts: whole words, the longest name that fits, its own case or capitals."""

    def __init__(self, names: Iterable[_Name], before: "Gazetteer | None" = None) -> None:
        """Take names, those of another gazetteer before them; that one stays as it is."""
        self._by_first: dict[str, tuple[_Name, ...]] = dict(before._by_first) if before else {}
        new: dict[str, list[_Name]] = {}
        for name in names:
            new.setdefault(name.tokens[0].casefold(), []).append(name)
        for first, several in new.items():
            # Of names of one length whoever has it is meant, before those who only ignore it; then
            # the first that was given: brands come before concepts.
            several = [*self._by_first.get(first, ()), *several]
            several.sort(key=lambda one: (-len(one.tokens), one.target is None))
            self._by_first[first] = tuple(several)

    def called(self, tokens: tuple[str, ...]) -> Target | None:
        """Who has this name, written just so."""
        several = self._by_first.get(tokens[0].casefold(), ())
        return next((one.target for one in several if one.tokens == tokens and one.target), None)

    def find(self, text: str) -> list[Found]:
        """Every place where the text names a target, in order; places don't overlap."""
        like = folded(text)
        tokens = [(match.start(), match.end(), match[0]) for match in WORD.finditer(like)]
        found: list[tuple[Found, bool]] = []
        number = 0
        while number < len(tokens):
            name = self._at(like, tokens, number)
            if name is None:
                number += 1
                continue
            last = number + len(name.tokens) - 1
            if name.target is not None:
                place = Found(tokens[number][0], tokens[last][1], name.target)
                found.append((place, name.short))
            number = last + 1
        whole = {place.target for place, short in found if not short}
        return [place for place, short in found if not short or place.target in whole]

    def _at(self, text: str, tokens: Sequence[tuple[int, int, str]], number: int) -> _Name | None:
        for name in self._by_first.get(tokens[number][2].casefold(), ()):
            there = tokens[number : number + len(name.tokens)]
            if (
                len(there) == len(name.tokens)
                and all(
                    _written(part, one[2]) for part, one in zip(name.tokens, there, strict=True)
                )
                and not _in_address(text, there[0][0], there[-1][1])
            ):
                return name
        return None


def watching(brands: Iterable[Brand]) -> Gazetteer:
    """A gazetteer of the brands that users name."""
    return Gazetteer(name for brand in brands for name in _names_of_brand(brand))


def gazetteer(concepts: Iterable[tuple[str, str]], watched: Gazetteer) -> Gazetteer:
    """A gazetteer of what is watched and of an article's concepts.

    Args:
        concepts: the kind and the label of each concept; kinds other than `org` and `person` are
            passed over.
        watched: the brands; their names come before those of concepts.
    """
    names: list[_Name] = []
    for kind, label in concepts:
        if kind in ("org", "person"):
            own = list(_names_of_concept(kind, label))
            # A concept that has a brand's name is the brand, however else it is called.
            brand = next(filter(None, (watched.called(name.tokens) for name in own)), None)
            names += [
                name._replace(target=brand) if brand else name
                for name in own
                if not watched.called(name.tokens)
            ]
    return Gazetteer(names, watched)


def _names_of_brand(brand: Brand) -> Iterator[_Name]:
    target = Target(brand.name, "brand")
    for alias in dict.fromkeys([brand.name, *brand.aliases]):
        if tokens := words(alias):
            yield _Name(tokens, target, short=False)
    for phrase in brand.ignore:
        if tokens := words(phrase):
            yield _Name(tokens, None, short=False)


def _names_of_concept(kind: str, label: str) -> Iterator[_Name]:
    label = _IN_PARENTHESES.sub("", label).strip()
    tokens = words(label)
    if len(label) < _SHORTEST or not label[0].isalnum():
        return
    target = Target(label, kind)
    if kind == "person":
        yield _Name(tokens, target, short=False)
        if len(tokens) > 1 and len(tokens[-1]) > _SHORTEST and tokens[-1][0].isupper():
            yield _Name(tokens[-1:], target, short=True)
        return
    for shorter in _without_form(tokens):
        if len("".join(shorter)) > _SHORTEST:
            yield _Name(shorter, target, short=False)
            if shorter[0] == "The" and len(shorter) > 1:
                yield _Name(shorter[1:], target, short=False)


def _without_form(tokens: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The name, and what is left without legal forms: "Acme" of "Acme Holdings, Inc."."""
    yield tokens
    while len(tokens) > 1:
        if tokens[-1].lower() in _LEGAL or tokens[-1] in (".", ",", "&"):
            tokens = tokens[:-1]
        elif tokens[-3:] == ("F", ".", "C"):
            tokens = tokens[:-3]
        else:
            return
        if tokens[-1] not in (".", ",", "&"):
            yield tokens


def _written(name: str, word: str) -> bool:
    """Whether a word is a name's: in its case, in capitals, or with a capital in front."""
    return word in (name, name.upper(), name[:1].upper() + name[1:])


def _in_address(text: str, start: int, end: int) -> bool:
    """Whether the words are part of a web or mail address."""
    before = text[start - 1 : start]
    after = text[end : end + 2]
    return before in ("@", "/") or (len(after) == 2 and after[0] in ".@" and after[1].isalnum())


def names(found: Collection[Found]) -> list[Target]:
    """The targets of some places, each once, in order."""
    return list(dict.fromkeys(place.target for place in found))
