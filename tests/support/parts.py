"""Of a row of parameters, which of them `make test` takes."""

from collections.abc import Iterable
from typing import Any

import pytest


def first_quick(values: Iterable[Any], count: int = 1) -> list[Any]:
    """Parameters of which all but the first few are thorough; tuples are of several arguments."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[pytest.mark.thorough] if number >= count else [],
        )
        for number, value in enumerate(values)
    ]
