"""`newsapi sandbox`: the imitation of the API, for whoever wants to try a client on it."""

import re
import signal
from datetime import UTC, datetime, timedelta

import requests

from .conftest import Workspace


def test_it_serves_until_it_is_told_to_stop(workspace: Workspace) -> None:
    with workspace.start("sandbox", "--port", "0", "--fault", "status=503 on=1") as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        assert "SANDBOX" in line
        body = {
            **{"apiKey": "sandbox-key", "keyword": "marketing", "resultType": "articles"},
            "dateStart": str(datetime.now(UTC).date() - timedelta(days=30)),
        }
        url = found[0] + "/api/v1/article/getArticles"
        first = requests.post(url, json=body, timeout=30)
        second = requests.post(url, json=body | {"forceMaxDataTimeWindow": 31}, timeout=30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert first.status_code == 503
    assert second.json()["articles"]["totalResults"] > 100
    assert second.headers["x-newsapi-sandbox"] == "1"
