"""How much each sign counts when two texts are compared; see docs/stories.md.

Made by `python -m evaluation.fit_pairs` from labelled pairs of real articles. The signs are those
of `Evidence`; what they mean together is told by `Figures`.
"""

from collections.abc import Mapping
from typing import Final

COPY: Final[Mapping[str, float]] = {
    "facts": -0.6268,
    "longest": -0.7479,
    "share": -2.776,
    "longer": -1.3171,
    "headline": -0.7655,
    "same_site": -1.1337,
    "other_numbers": -0.9118,
    "constant": 5.3071,
}

FULLER: Final[Mapping[str, float]] = {
    "titles_alike": 1.775,
    "until": 2.1422,
    "lead": -0.2883,
    "lost_facts": -0.3965,
    "same_site": -1.5136,
    "other_numbers": -2.2014,
    "live": -1.4857,
    "constant": -1.5223,
}
