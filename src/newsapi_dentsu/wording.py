"""Lengths of time, sizes and counts in words, for people; moments as text, for programs."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(span: timedelta) -> str:
    """A length of time in its two largest units, such as `2 d 3 h` or `45 min`; at least `0 s`."""
    seconds = max(0, round(span.total_seconds()))
    for place, (size, unit) in enumerate(_UNITS):
        if seconds >= size:
            text = f"{seconds // size} {unit}"
            rest = seconds % size
            smaller, smaller_unit = _UNITS[min(place + 1, len(_UNITS) - 1)]
            return f"{text} {rest // smaller} {smaller_unit}" if rest >= smaller else text
    return "0 s"


def counted(count: int, noun: str) -> str:
    """So many of a thing, such as `1 category` or `1,200 categories`."""
    if count == 1:
        return f"1 {noun}"
    plural = re.sub("(?<=[^aeiou])y$", "ie", noun)
    return f"{count:,} {plural}s"


def utc_text(moment: datetime) -> str:
    """A moment as every JSON output of this program spells it: ISO 8601, UTC, ending with Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def size(count: float) -> str:
    """A number of bytes; as in the settings, a kB has 1024."""
    for power, unit in ((40, "TB"), (30, "GB"), (20, "MB"), (10, "kB")):
        if count >= 1 << power:
            return f"{count / (1 << power):.1f} {unit}"
    return f"{count:.0f} B"
