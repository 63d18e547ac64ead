"""The brands that users watch, as they write them in a YAML file."""

import hashlib
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from newsapi_dentsu.config_file import StrictModel, read_config
from newsapi_dentsu.errors import BrandsError

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Brand(StrictModel):
    """A brand by its name, how else it is written, and phrases in which its name isn't meant."""

    name: Name
    aliases: Annotated[list[Name], Field(max_length=50)] = Field([])
    ignore: Annotated[list[Name], Field(max_length=50)] = Field([])


def _of_different_names(brands: list[Brand]) -> list[Brand]:
    names = [brand.name for brand in brands]
    if again := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names {', '.join(again)} several times: put its aliases into one entry")
    return brands


class Brands(StrictModel):
    """The whole file."""

    brands: Annotated[list[Brand], Field(max_length=1_000), AfterValidator(_of_different_names)]

    @property
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
