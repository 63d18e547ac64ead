"""Settings with receivers whose other sides are real servers, on either engine, with some news."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alerts.servers import MailServer, WebServer, mail_server, web_server
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.warehouse import Warehouse
from support.databases import Database, DuckDBDatabase, PostgresDatabase, disconnect
from support.searching import published

WEBHOOK = "/services/T0AAAAAAA/B0BBBBBBB/digestdigestdigestdigest"


@dataclass
class Newsroom:
    """An installation whose digest goes by mail and to Slack."""

    settings: Settings
    warehouse: Warehouse
    mail: MailServer
    slack: WebServer

    def publish(self) -> None:
        """What a run does at its end."""
        published(self.warehouse, self.settings.reading_folder)


@pytest.fixture
def set_up(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Newsroom]]:
    """Makes a newsroom; settings that are given as None are left out."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:

        def make(**changes: Any) -> Newsroom:
            mail, slack = stack.enter_context(mail_server()), stack.enter_context(web_server())
            slack.default.status, slack.default.body = 200, "ok"
            wanted: dict[str, Any] = {
                "newsapi_home": tmp_path / "data",
                "smtp_host": "127.0.0.1",
                "smtp_port": mail.port,
                "smtp_security": "none",
                "alert_email_from": "Nachrichten Größe <news@example.com>",
                "digest_email_to": "analyst@example.com, chief@example.com",
                "digest_slack_webhook_url": f"{slack.url}{WEBHOOK}",
                **_stored(database, tmp_path / "data"),
                **changes,
            }
            given = {name: value for name, value in wanted.items() if value is not None}
            settings = Settings(_env_file=None, **given)
            if isinstance(database, DuckDBDatabase):
                warehouse = DuckDBDatabase(settings.duckdb_path).open()
            else:
                warehouse = database.open()
            stack.callback(disconnect, warehouse)
            return Newsroom(settings, warehouse, mail, slack)

        yield make


def _stored(database: Database, data: Path) -> dict[str, Any]:
    if isinstance(database, PostgresDatabase):
        server = {f"postgres_{name}": value for name, value in database.server.items()}
        return {"use_postgres": True, **server, "postgres_db": database.name}
    assert isinstance(database, DuckDBDatabase)
    data.mkdir()
    shutil.copy(database.path, data / "news.duckdb")
    return {"newsapi_sandbox": "always"}
