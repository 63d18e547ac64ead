"""How much each sign counts when two texts are compared; see docs/stories.md.

Made by `python -m evaluation.fit_pairs` from labelled pairs of real articles. The signs are those
of `Evidence`; what they mean together is told by `Figures`.
"""

from collections.abc import Mapping
from typing import Final

COPY: Final[Mapping[str, float]] = {
    "facts": -0.6363,
    "longest": -0.6916,
    "share": -2.771,
    "longer": -1.1538,
    "headline": -0.8643,
    "same_site": -1.2313,
    "other_numbers": -0.9768,
    "constant": 5.3123,
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
