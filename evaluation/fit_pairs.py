"""`python -m evaluation.fit_pairs`: fit the figures of `domain/pair_figures.py` to real pairs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from evaluation.real_news import FOLDER
from evaluation.real_pairs import RealPair, is_there, real_pairs
from newsapi_dentsu.domain import pair_figures
from newsapi_dentsu.domain.comparison import Figures
from newsapi_dentsu.domain.novelty import Evidence, evidence

RIDGE: Final = 6.0
"""What a weight costs, with every sign in the scale in which its variance is 1."""

_STEPS: Final = 100
_FILE: Final = '''"""How much each sign counts when two texts are compared; see docs/stories.md.

Made by `python -m evaluation.fit_pairs` from labelled pairs of real articles. The signs are those
of `Evidence`; what they mean together is told by `Figures`.
"""

from collections.abc import Mapping
from typing import Final

COPY: Final[Mapping[str, float]] = {copy}

FULLER: Final[Mapping[str, float]] = {fuller}
'''


def main() -> int:
    """Write the figures; return 1 where the real material isn't on this machine."""
    if not is_there():
        print(f"the labelled pairs are not in {FOLDER}, so nothing was fitted")
        return 1
    found = fitted(real_pairs())
    Path(pair_figures.__file__).write_text(
        _FILE.format(copy=_literal(found.copy), fuller=_literal(found.fuller)), "utf-8"
    )
    return 0


def fitted(pairs: Sequence[RealPair]) -> Figures:
    """Fit the figures to labelled pairs."""
    seen = [(evidence(pair.earlier, pair.later), pair.label) for pair in pairs]
    return Figures(
        copy=_weights(seen, lambda one: one.of_copies, "same"),
        fuller=_weights(
            [one for one in seen if one[1] != "same"], lambda one: one.of_fuller, "fuller"
        ),
    )


def _weights(
    seen: Sequence[tuple[Evidence, str]],
    signs_of: Callable[[Evidence], Mapping[str, float]],
    label: str,
) -> Mapping[str, float]:
    """A logistic regression with a ridge, by Newton's steps."""
    signs = [signs_of(one) for one, _ in seen]
    names = list(signs[0])
    values = np.array([[one[name] for name in names] for one in signs])
    truth = np.array([told == label for _, told in seen], float)
    mean, spread = values.mean(0), values.std(0) + 1e-9
    scaled = np.c_[(values - mean) / spread, np.ones(len(values))]
    ridge = np.diag([RIDGE] * len(names) + [1e-9])
    weights = np.zeros(len(names) + 1)
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-scaled @ weights))
        slope = scaled.T @ (said - truth) + ridge @ weights
        bend = (scaled.T * (said * (1 - said))) @ scaled + ridge
        weights -= np.linalg.solve(bend, slope)
    plain = weights[:-1] / spread
    return {
        **{name: round(float(weight), 4) for name, weight in zip(names, plain, strict=True)},
        "constant": round(float(weights[-1] - plain @ mean), 4),
    }


def _literal(weights: Mapping[str, float]) -> str:
    lines = "".join(f'    "{name}": {weight},\n' for name, weight in weights.items())
    return f"{{\n{lines}}}"


if __name__ == "__main__":
    raise SystemExit(main())
