"""Queries, bound to the workspace's tables by Microsoft's own language service."""

import json
import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsapi_infra.monitoring import queries
from newsapi_infra.monitoring.alert_rules import LogAlert, alerts_for
from newsapi_infra.offline.configuration import read_config

HERE = Path(__file__).parent / "kusto"
DOCS = Path(__file__).parents[2] / "docs"
MODULES = os.environ.get("KUSTO_MODULES", "")
pytestmark = pytest.mark.skipif(not MODULES, reason="KUSTO_MODULES names no folder (make kql-test)")


def all_queries() -> dict[str, str]:
    """Each query that is deployed or documented."""
    alerts = [alert for alert in alerts_for(read_config("prod")) if isinstance(alert, LogAlert)]
    shown = {
        f"{path.name} {place}": text
        for path in sorted(DOCS.glob("*.md"))
        for place, text in enumerate(
            re.findall(r"```kusto\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
        )
    }
    return {
        **queries.SAVED,
        **queries.GAUGES,
        **queries.PIPELINE_HEALTH,
        **queries.INFRASTRUCTURE_HEALTH,
        **{alert.name: f"{alert.query}\n| project {alert.measure}" for alert in alerts},
        **shown,
    }


@lru_cache
def bind(texts: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    node = shutil.which("node")
    assert node, "node is not installed"
    tables = yaml.safe_load((HERE / "tables.yaml").read_text("utf-8"))
    done = subprocess.run(
        [node, str(HERE / "bind.js"), str(Path(MODULES).resolve())],
        input=json.dumps({"tables": tables, "queries": dict(texts)}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_query_names_tables_columns_and_functions_that_exist() -> None:
    found = all_queries()
    assert len(found) > 20
    errors = bind(tuple(found.items()))
    assert {name: said for name, said in errors.items() if said} == {}
    assert set(errors) == set(found)


@pytest.mark.parametrize(
    "wrong",
    [
        "ContainerAppConsoleLogs | where ContainerAppName_s == 'x'",
        "ContainerAppConsoleLogs_CL | count",
        "AzureMetrics | summarize Value = average(Average)",
        "AzureMetrics | filtr Resource == 'x'",
        "AzureMetrics | summarize Value = avg(Average) by bin(TimeGenerated 15m)",
    ],
)
def test_what_is_wrong_is_found(wrong: str) -> None:
    assert bind((("wrong", wrong),))["wrong"]
