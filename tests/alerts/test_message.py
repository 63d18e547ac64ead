"""The one line of a message, which is a mail's subject."""

from dataclasses import replace

from .messages import LATENCY, MESSAGE, STALE


def test_it_begins_with_what_is_wrong_now() -> None:
    stopped = replace(STALE, title="Schedule or daemon stopped", severity="critical", until=None)
    over = replace(LATENCY, title="API slow")
    message = replace(MESSAGE, opened=(over, STALE, stopped), recovered=(), retried=())

    assert over.until
    assert message.headline == (
        f"Schedule or daemon stopped; {STALE.title}; 3 failed runs; API slow (over since)"
    )
