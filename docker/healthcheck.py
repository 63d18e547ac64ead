"""The container's health: whichever role is in it (UI, daemon, news) answers well."""

import sys
from http.client import HTTPConnection

ROLES = ((3000, "/server_info"), (8080, "/health"), (8060, "/health"))


def answer(port: int, path: str) -> int | None:
    """The status of the answer; none where nobody listens."""
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    except OSError:
        return 0


if __name__ == "__main__":
    answers = [status for port, path in ROLES if (status := answer(port, path)) is not None]
    sys.exit(0 if answers and all(status == 200 for status in answers) else 1)
