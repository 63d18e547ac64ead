"""The deployment workflow is valid, asks for little, and runs what a contributor runs."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from .dockerfile import ROOT
from .schemas import assert_valid

FILE = ROOT / ".github/workflows/deploy.yml"
TEXT = FILE.read_text("utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
# The parser reads the key `on` as true.
TRIGGERS: dict[str, Any] = WORKFLOW[True]


def steps(job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = JOBS[job]["steps"]
    return found


def scripts(job: str) -> Iterator[str]:
    yield from (step["run"] for step in steps(job) if "run" in step)


def test_it_follows_the_published_schema() -> None:
    assert_valid(FILE, "github-workflows")


def test_it_deploys_what_is_pushed_to_main_and_looks_at_pull_requests() -> None:
    assert TRIGGERS["push"] == {"branches": ["main"]}
    assert "pull_request" in TRIGGERS
    assert "pull_request_target" not in TRIGGERS
    assert "github.event_name == 'push'" in JOBS["deploy"]["if"]
    assert "github.event_name == 'pull_request'" in JOBS["preview"]["if"]


def test_actions_are_pinned_to_commits_and_say_their_version() -> None:
    uses = re.findall(r"uses: (.+)", TEXT)
    assert uses
    for one in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+)*", one), one
    versions = {one.split("@")[0]: one for one in uses}
    assert set(uses) == set(versions.values()), "one action in two versions"


def test_nothing_is_allowed_but_what_a_job_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    for name, job in JOBS.items():
        signs_in = name in ("preview", "deploy")
        more = {"id-token": "write"} if signs_in else {}
        assert job["permissions"] == {"contents": "read", **more}, name
        assert ("environment" in job) is signs_in, name


def test_no_credential_is_stored() -> None:
    assert "secrets." not in TEXT
    for job in JOBS:
        for step in steps(job):
            if step.get("uses", "").startswith("azure/login@"):
                assert set(step["with"]) == {"client-id", "tenant-id", "subscription-id"}
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_texts_of_others_never_become_commands() -> None:
    for job in JOBS:
        assert not [script for script in scripts(job) if "${{" in script], job


def test_jobs_end_and_deployments_wait_for_each_other() -> None:
    assert all(job["timeout-minutes"] <= 150 for job in JOBS.values())
    assert WORKFLOW["concurrency"]["cancel-in-progress"] == (
        "${{ github.event_name == 'pull_request' }}"
    )


def test_it_installs_and_tests_as_a_contributor_does() -> None:
    commands = list(scripts("test"))
    assert 'pip install -e ".[dev]"' in commands
    assert "pytest tests/ -v" in commands
    assert any("ruff check" in command for command in commands)
    assert "mypy" in commands


def test_nothing_is_deployed_that_was_not_tested_and_scanned() -> None:
    assert set(JOBS["deploy"]["needs"]) == {"test", "infrastructure", "image"}
    used = [step.get("uses", "").split("@")[0] for step in steps("image")]
    assert used.index("anchore/scan-action") < used.index("actions/upload-artifact")
    assert "anchore/sbom-action" in used
    # The scanned image itself goes on, not another build of the same sources.
    assert not [step for step in steps("deploy") if "build" in step.get("uses", "")]


def test_the_deployment_is_a_release_by_digest() -> None:
    script = list(scripts("deploy"))[-1]
    words = shlex.split(script.replace("\\\n", " "))
    assert words[:4] == ["python3", "-m", "newsapi_infra.release", "deploy"]
    assert steps("deploy")[-1]["env"]["DIGEST"] == "${{ steps.push.outputs.digest }}"
    source = (ROOT / "infra/newsapi_infra/release.py").read_text("utf-8")
    assert set(re.findall(r'"(--[\w-]+)"', source)) >= {
        word for word in words if word.startswith("--")
    }


def test_environments_are_those_that_the_identities_trust() -> None:
    # tests/infra/test_access.py has the other side.
    declared = {name: job["environment"] for name, job in JOBS.items() if "environment" in job}
    assert declared["preview"] == "prod-preview"
    assert declared["deploy"]["name"] == "prod"
