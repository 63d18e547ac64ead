"""Lists of files, as exports, backups and the lake keep them in JSON beside the files.

Such a list comes from a place that others can write to. So nothing of it is used before all of it
has its form, the names of files above all: what they name is read, replaced and deleted.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, NonNegativeInt, StringConstraints, ValidationError

from newsapi_dentsu.mistakes import in_plain_words
from newsapi_dentsu.transfer.proof import Digest


class FileList(BaseModel):
    """A list, or a part of one: nothing converted; what later versions add is not looked at."""

    model_config = ConfigDict(frozen=True, strict=True)


class ListedFile(FileList):
    """A file: its size, and what it holds."""

    bytes: NonNegativeInt
    rows: NonNegativeInt
    hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]

    @property
    def digest(self) -> Digest:
        """The rows and their hash."""
        return Digest(self.rows, self.hash)


def first_mistake(error: ValidationError) -> str:
    """Where the first mistake of a list is, and what it is, without its value."""
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])[:100]
    return f"{place!r} {in_plain_words(found)}" if place else "it is no JSON of that form"
