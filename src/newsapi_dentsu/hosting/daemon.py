"""Dagster's daemon, alone on its database, with an endpoint for probes."""

import contextlib
import json
import logging
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tenacity

from newsapi_dentsu import logs
from newsapi_dentsu.errors import PipelineError, SettingsError, WarehouseBusyError
from newsapi_dentsu.serving import BoundedHandler, BoundedServer
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse.engines.daemon_lock import DaemonLock, open_daemon_lock

logger = logging.getLogger(__name__)

LONGEST_SILENCE = 300.0
"""Seconds without a heartbeat that mean death; Dagster's threads give one every 30 seconds."""

_LOOK_SECONDS = 5.0
_LISTEN_SECONDS = 15.0
_STANDBY_SECONDS = 1.0
_LOG_SECONDS = 60.0


@dataclass(slots=True)
class Liveness:
    """What the endpoint tells: written by the watch, read by each request."""

    state: str = "starting"
    heartbeat: float = field(default_factory=time.time)

    def answer(self, now: float) -> tuple[int, dict[str, Any]]:
        """HTTP status and body: 503 when the daemon acts, but its heartbeat is too old."""
        silence = round(now - self.heartbeat, 1)
        if self.state != "active":
            return 200, {"state": self.state}
        status = 200 if silence <= LONGEST_SILENCE else 503
        return status, {"state": self.state, "heartbeat_age_seconds": silence}


def run_daemon(
    settings: Settings, workspace: Path | None, *, host: str, port: int, stop_seconds: float
) -> None:
    """Stand by until no other daemon acts, then run Dagster's until it is told to stop.

    Args:
        settings: the settings; Dagster's home must be prepared.
        workspace: the workspace file; None for the pipeline's own code.
        host: where `/health` answers.
        port: its port; 0 picks one.
        stop_seconds: how long runs under way may go on afterwards.

    Raises:
        SettingsError: the port can't be used.
        WarehouseBusyError: another daemon took the lock while this one had lost the database.
    """
    from newsapi_dentsu.hosting.runs_under_way import see_runs_off

    liveness = Liveness()
    with _endpoint(liveness, host, port):
        try:
            lock = _awaited(settings, liveness)
        except KeyboardInterrupt:
            return
        watch = _Watch(settings, liveness, lock)
        try:
            threading.Thread(target=watch.run, name="watch", daemon=True).start()
            _run_dagsters_daemon(workspace)
        finally:
            watch.end()
            lock.release()
        see_runs_off(stop_seconds)
    if watch.overtaken:
        raise WarehouseBusyError(
            "another daemon has the lock since this one lost its connection to the database: "
            "this one stops, so that the two don't run every tick twice"
        )


@contextlib.contextmanager
def _endpoint(liveness: Liveness, host: str, port: int) -> Any:
    class Handler(BoundedHandler):
        def do_GET(self) -> None:  # noqa: N802
            status, body = liveness.answer(time.time())
            if self.path != "/health":
                status, body = 404, {"error": "only /health is here"}
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    try:
        server = BoundedServer((host, port), Handler)
    except OSError as error:
        raise SettingsError(
            f"port {port} can't be used ({error.strerror}): choose another with --health-port"
        ) from None
    logger.info("Health answers on port %d", server.server_address[1])
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _awaited(settings: Settings, liveness: Liveness) -> DaemonLock:
    """The daemon lock, once no other daemon holds it and the server answers."""
    lock, told = open_daemon_lock(settings), 0.0

    def stand_by(state: tenacity.RetryCallState) -> None:
        nonlocal told
        liveness.state = "standby"
        if time.monotonic() - told > _LOG_SECONDS:
            error = state.outcome.exception() if state.outcome else None
            reason = error or "another daemon acts"
            logger.info("Standing by: %s", reason, extra={"event": logs.DAEMON_HEARTBEAT})
            told = time.monotonic()

    tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(PipelineError) | tenacity.retry_if_not_result(bool),
        wait=tenacity.wait_fixed(_STANDBY_SECONDS),
        before_sleep=stand_by,
    )(lock.take)
    return lock


class _Watch:
    """Looks after the lock and the heartbeat while the daemon acts."""

    def __init__(self, settings: Settings, liveness: Liveness, lock: DaemonLock) -> None:
        self._settings = settings
        self._liveness = liveness
        self._lock = lock
        self.overtaken = False
        self._ended = threading.Event()

    def end(self) -> None:
        """Stop looking: the lock is about to be given up."""
        self._ended.set()
        self._liveness.state = "stopping"

    def run(self) -> None:
        """Look every few seconds, and end the process when another daemon has the lock."""
        self._liveness.heartbeat = time.time()
        self._liveness.state = "active"
        told = listened = 0.0
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                if not self._lock.is_held():
                    if self._ended.is_set():
                        return
                    self.overtaken = True
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                if time.monotonic() - listened > _LISTEN_SECONDS:
                    listened = time.monotonic()
                    self._listen()
            except PipelineError as error:
                # The server is away: nobody can act, and the heartbeat grows old.
                logger.warning("The daemon can't be watched: %s", error)
            if time.monotonic() - told > _LOG_SECONDS:
                silence = round(time.time() - self._liveness.heartbeat, 1)
                fields = {"event": logs.DAEMON_HEARTBEAT, "heartbeat_age_seconds": silence}
                logger.info("The daemon acts", extra=fields)
                told = time.monotonic()

    def _listen(self) -> None:
        from newsapi_dentsu.warehouse.queries.dagster_records import read_dagster_records

        now = datetime.now(UTC)
        silence = read_dagster_records(self._settings).silence(now)
        if silence is not None:
            # Old heartbeats are those of an earlier daemon, and don't count against this one.
            heard = (now - silence).timestamp()
            self._liveness.heartbeat = max(self._liveness.heartbeat, heard)


def _run_dagsters_daemon(workspace: Path | None) -> None:
    from newsapi_dentsu.dagster_private import run_daemon

    run_daemon(["-w", str(workspace)] if workspace else ["-m", "newsapi_dentsu.definitions"])
