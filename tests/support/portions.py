"""What other processes do with portions of numbers.

They import this module alone: importing the tests would take each of them a second.
"""

import os
import signal
from collections.abc import Sequence


def double(numbers: Sequence[int]) -> list[int]:
    return [2 * number for number in numbers]


def refuse(numbers: Sequence[int]) -> list[int]:
    raise ValueError(f"not {numbers}")


def die_of_seven(numbers: Sequence[int]) -> list[int]:
    if 7 in numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    return list(numbers)


def die(_: Sequence[int]) -> list[int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def whose(numbers: Sequence[int]) -> list[int]:
    return [os.getpid()] * len(numbers)
