"""What of a text a model reads that reads only so much: the ends, and what is about its target."""

from collections.abc import Sequence


def window(marked: Sequence[int], size: int) -> list[int]:
    """The numbers of the tokens that are read, in order.

    The first and the last token mark the text's ends and always stay.

    Args:
        marked: for each token whether it is the target's, 1 or 0.
        size: how many tokens are read at most, 3 or more.
    """
    if len(marked) <= size:
        return list(range(len(marked)))
    places = [number for number, one in enumerate(marked) if one]
    middle = sum(places) // len(places) if places else 0
    inner = size - 2
    first = min(max(1, middle - inner // 2), len(marked) - 1 - inner)
    return [0, *range(first, first + inner), len(marked) - 1]
