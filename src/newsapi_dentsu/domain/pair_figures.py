"""How much each sign counts when two texts are compared; see docs/stories.md.

Made by `python -m evaluation.fit_pairs` from labelled pairs of real articles. The signs are those
of `Evidence`; what they mean together is told by `Figures`.
"""

from collections.abc import Mapping
from typing import Final

COPY: Final[Mapping[str, float]] = {
    "facts": -0.6232,
    "longest": -0.7035,
    "share": -2.7363,
    "longer": -1.1588,
    "headline": -0.8659,
    "same_site": -1.204,
    "other_numbers": -0.9581,
    "constant": 5.2754,
}

FULLER: Final[Mapping[str, float]] = {
    "titles_alike": 1.8043,
    "until": 2.0873,
    "lead": -0.299,
    "lost_facts": -0.3751,
    "same_site": -1.5216,
    "other_numbers": -2.2357,
    "live": -1.4522,
    "constant": -1.4839,
}
