"""Articles that no code can process: set aside, told, and tried again by the next version.

One article must not stop the others, whatever it does to the code that looks at it.
"""

import hashlib
from functools import cache
from importlib.metadata import version

from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import positions

_LONGEST = 200


def told(error: BaseException) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST].removesuffix(": ")


def rules_changed(session: Session, stage: str, rules: int = 0) -> bool:
    """Whether what a stage set aside was last tried by another version of the program or rules."""
    return positions.position(session, _name(stage)) != _program() ^ rules


def note_rules(session: Session, stage: str, rules: int = 0) -> None:
    """Note that this version of the program has tried, by these rules."""
    if rules_changed(session, stage, rules):
        positions.set_position(session, _name(stage), _program() ^ rules)


def _name(stage: str) -> str:
    return f"{stage}.tried_by"


def _program() -> int:
    """The program's version, as a positive 63-bit number."""
    digest = hashlib.sha256(_version().encode()).digest()
    return int.from_bytes(digest[:8]) >> 1 or 1


@cache
def _version() -> str:
    # Reading it takes milliseconds, and each batch asks for it several times.
    return version("newsapi-dentsu")
