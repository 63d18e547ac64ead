"""Logs of every process: JSON lines or text, through structlog, with the secrets masked.

Code logs with the standard library and gives an event's own fields as `extra`:
`logger.info("The news API answered", extra={"event": "api_response", "seconds": 0.4})`.
"""

from newsapi_dentsu.logs.lines import (
    API_RESPONSE,
    DAEMON_HEARTBEAT,
    RUN_FINISHED,
    bound,
    writes_json,
)
from newsapi_dentsu.logs.secrets import without_secrets, without_secrets_in
from newsapi_dentsu.logs.setup import (
    configure_command,
    configure_service,
    configured,
    own_handlers,
    run_handlers,
)

__all__ = [
    "API_RESPONSE",
    "DAEMON_HEARTBEAT",
    "RUN_FINISHED",
    "bound",
    "configure_command",
    "configure_service",
    "configured",
    "own_handlers",
    "run_handlers",
    "without_secrets",
    "without_secrets_in",
    "writes_json",
]
