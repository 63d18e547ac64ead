"""A vector that comes back from a database is the one that went there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from newsapi_dentsu.domain.vectors import from_steps, in_steps, rounded

VECTORS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(384)),
    elements=st.floats(-1, 1, width=32),
).filter(lambda rows: (np.abs(rows).max(axis=1) > 1e-6).all())


@given(VECTORS)
def test_what_is_rounded_comes_back_to_the_last_bit(vectors: np.ndarray) -> None:
    once = rounded(vectors)
    assert np.array_equal(from_steps(in_steps(once)), once)
    assert np.abs(in_steps(once)).max(axis=1).tolist() == [127] * len(vectors)


@given(VECTORS)
def test_rounding_hardly_turns_a_vector(vectors: np.ndarray) -> None:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    largest = np.abs(vectors).max(axis=1)
    cosines = (rounded(vectors) * vectors).sum(axis=1) / lengths
    # Half a step in each of 384 coordinates, against the length in steps.
    assert (cosines > np.cos(np.sqrt(384) / 2 / (lengths / largest * 127)) - 1e-6).all()


@given(VECTORS)
def test_a_vector_does_not_depend_on_its_neighbours(vectors: np.ndarray) -> None:
    alone = np.concatenate([rounded(vectors[row : row + 1]) for row in range(len(vectors))])
    assert np.array_equal(rounded(vectors), alone)
