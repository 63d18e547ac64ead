"""How much each sign counts when two texts are compared; see docs/stories.md.

Made by `python -m evaluation.fit_pairs` from labelled pairs of real articles. The signs are those
of `Evidence`; what they mean together is told by `Figures`.
"""

from collections.abc import Mapping
from typing import Final

COPY: Final[Mapping[str, float]] = {
    "facts": -0.6407,
    "longest": -0.7383,
    "share": -2.7812,
    "longer": -1.3271,
    "headline": -0.7579,
    "same_site": -1.1231,
    "other_numbers": -0.9475,
    "constant": 5.303,
}

FULLER: Final[Mapping[str, float]] = {
    "titles_alike": 1.785,
    "until": 2.158,
    "lead": -0.2888,
    "lost_facts": -0.3698,
    "same_site": -1.5144,
    "other_numbers": -2.2007,
    "live": -1.4529,
    "constant": -1.5849,
}
