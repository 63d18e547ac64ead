"""The two parts of each labelled set."""

from typing import Final, Literal

Part = Literal["tuning", "reported"]

PARTS: Final[tuple[Part, ...]] = ("tuning", "reported")
"""Rules may be tuned on the first; the second only tells how well they do."""
