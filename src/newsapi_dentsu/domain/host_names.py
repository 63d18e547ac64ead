"""Names of hosts, in the letters that the network knows."""

from typing import Final

from ada_url import idna

_LONGEST: Final = 253
"""Letters of a whole name (RFC 1035)."""


def ascii_host(name: str) -> str:
    """A host's name in ASCII (IDNA, as browsers have it); an IP address stands as it is.

    Python looks names up by an older rule, which takes `ß` and `ς` to a host of others.

    Raises:
        ValueError: no host can have that name.
    """
    if ":" in name:
        return name
    # Python's codec knows how long the parts of a name may be.
    found = idna.encode(name).decode("ascii").encode("idna").decode("ascii")
    if not 0 < len(found.removesuffix(".")) <= _LONGEST:
        raise ValueError(f"no host can be named {name}")
    return found
