"""The brands that users watch, as they write them in a YAML file."""

import hashlib
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from newsapi_dentsu.config_file import StrictModel, read_config
from newsapi_dentsu.domain.names import name_key, words
from newsapi_dentsu.domain.text import clean_title
from newsapi_dentsu.errors import BrandsError


def _findable(name: str) -> str:
    """The name as articles have it, without what nobody sees."""
    clean = clean_title(name)
    if not any(char.isalnum() or unicodedata.category(char) == "So" for char in clean):
        raise ValueError("needs a letter, a digit or an emoji to be found by")
    return clean


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_findable),
]


class Brand(StrictModel):
    """A brand by its name, how else it is written, and phrases in which its name isn't meant."""

    name: Name
    aliases: Annotated[list[Name], Field(max_length=50)] = Field([])
    ignore: Annotated[list[Name], Field(max_length=50)] = Field([])

    @property
    def names(self) -> list[str]:
        """All its names."""
        return [self.name, *self.aliases]


def _of_different_names(brands: list[Brand]) -> list[Brand]:
    owners: dict[str, Brand] = {}
    mistakes = []
    for brand in brands:
        for key, name in _by_key(brand.names).items():
            owner = owners.setdefault(key, brand)
            if owner is not brand:
                mistakes.append(_shared(name, owner, brand))
        for key in _by_key(brand.ignore).keys() & _by_key(brand.names).keys():
            name = _by_key(brand.ignore)[key]
            mistakes.append(f"{brand.name} ignores its own name {name}: take it out of one list")
    if mistakes:
        more = len(mistakes) - _MISTAKES_TOLD
        told = "; ".join(mistakes[:_MISTAKES_TOLD])
        raise ValueError(f"{told}; and {more} more mistakes like these" if more > 0 else told)
    return brands


_MISTAKES_TOLD = 10


def _by_key(names: Iterable[str]) -> dict[str, str]:
    """The names by how names are compared, whatever their dashes and apostrophes as well."""
    return {name_key(" ".join(words(name))): name for name in names}


def _shared(name: str, one: Brand, other: Brand) -> str:
    if _by_key([one.name]).keys() == _by_key([other.name]).keys():
        spelt = "" if one.name == other.name else f" (also as {other.name})"
        return f"{one.name}{spelt} is there several times: put its aliases into one entry"
    return f"{name} is a name of {one.name} and of {other.name}: leave it to one of them"


class Brands(StrictModel):
    """The whole file."""

    brands: Annotated[list[Brand], Field(max_length=1_000), AfterValidator(_of_different_names)]

    @cached_property
    def version(self) -> str:
        """Tells files apart that find other targets; 8 hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]


NO_BRANDS = Brands(brands=[])
"""Nothing is watched but what the index tags."""


@lru_cache(maxsize=4)
def parse_brands(text: str, name: str) -> Brands:
    """Read a file of brands.

    Args:
        text: the YAML text.
        name: the file's name, for messages.

    Raises:
        BrandsError: the text is not YAML or not a valid list of brands; each mistake is named
            with its line.
    """
    return read_config(text, name, Brands, BrandsError)
