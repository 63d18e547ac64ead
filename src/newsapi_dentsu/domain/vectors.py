"""Vectors of texts, rounded so that every database gives them back to the last bit.

A vector is kept as whole numbers in the direction that it has: its largest coordinate becomes 127.
Every type of number that a database has holds these exactly.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
"""One vector a row, each of length 1."""

Vector: TypeAlias = NDArray[np.float32]
"""One of them."""

Steps: TypeAlias = NDArray[np.int8]
"""The same in whole numbers, which tell their direction alone."""

_LARGEST: Final = 127


def in_steps(vectors: Vectors) -> Steps:
    """Each row in whole numbers; a row that `from_steps` made becomes what it was made of."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    steps: Steps = np.rint(vectors / largest * _LARGEST).astype(np.int8)
    return steps


def from_steps(steps: Steps) -> Vectors:
    """Each row of whole numbers as a vector of length 1."""
    # Sums of whole numbers are exact in whatever order a processor adds them up.
    squares = np.square(steps, dtype=np.int32).sum(axis=1, keepdims=True)
    vectors: Vectors = (steps / np.sqrt(squares)).astype(np.float32)
    return vectors


def rounded(vectors: Vectors) -> Vectors:
    """Each row as a database gives it back."""
    return from_steps(in_steps(vectors))
