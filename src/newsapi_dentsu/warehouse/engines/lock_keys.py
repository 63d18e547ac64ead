"""The keys of the advisory locks in PostgreSQL, in one list so that no two are the same."""

from enum import IntEnum, unique


@unique
class LockKey(IntEnum):
    """Any numbers that nobody else uses in this database."""

    RUN = 4_612_790
    UPGRADE = 4_612_791
    DAEMON = 4_612_792
    ALERTS = 4_612_793
    ROTATION = 4_612_794
    FETCH = 4_612_795
    """The first of two numbers; the second says which month, or which of the places."""
    TOGETHER = 4_612_796
    """The first of two numbers; the second says who works together on what."""
