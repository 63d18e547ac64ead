"""The workflows are valid, ask for little, and run what a contributor runs."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .dockerfile import ROOT
from .schemas import assert_valid

BIN = Path(sys.executable).parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = {path.stem: path.read_text("utf-8") for path in FILES}
# By libyaml: each process that collects the tests reads them.
WORKFLOWS: dict[str, dict[Any, Any]] = {
    name: yaml.load(text, yaml.CSafeLoader) for name, text in TEXTS.items()
}
ALL_JOBS: list[tuple[str, dict[str, Any]]] = [
    (name, job) for workflow in WORKFLOWS.values() for name, job in workflow["jobs"].items()
]
DEPLOY, CHECKS = WORKFLOWS["deploy"], WORKFLOWS["checks"]
JOBS: dict[str, dict[str, Any]] = DEPLOY["jobs"]
RUNNING: dict[str, dict[str, Any]] = WORKFLOWS["running"]["jobs"]
SIGNED_IN = [JOBS["preview"], JOBS["deploy"], RUNNING["image"], RUNNING["drift"]]
"""The jobs that log in to Azure, each as the identity of its environment."""


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    # The parser reads the key `on` as true.
    found: dict[str, Any] = workflow[True]
    return found


def steps(job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = JOBS[job].get("steps", [])
    return found


def scripts(job: str) -> Iterator[str]:
    yield from (step["run"] for step in steps(job) if "run" in step)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_follows_the_published_schema(path: Path) -> None:
    assert_valid(path, "github-workflows")


def actionlint(text: str) -> str:
    """What actionlint has against a workflow: contexts, outputs, inputs, expressions, labels."""
    command = [str(BIN / "actionlint"), "-no-color", "-"]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=ROOT, check=False
    ).stdout


@pytest.mark.parametrize("name", TEXTS)
def test_expressions_refer_to_what_is_there(name: str) -> None:
    assert actionlint(TEXTS[name]) == ""


def test_an_output_of_a_step_that_isnt_there_is_found() -> None:
    broken = TEXTS["deploy"].replace("${{ steps.", "${{ steps.no-such-step.outputs.", 1)
    assert "no-such-step" in actionlint(broken)


def test_it_deploys_what_is_pushed_to_main_and_looks_at_pull_requests() -> None:
    assert triggers(DEPLOY)["push"] == {"branches": ["main"]}
    assert "pull_request" in triggers(DEPLOY)
    assert not [name for name in WORKFLOWS if "pull_request_target" in triggers(WORKFLOWS[name])]
    assert "github.event_name == 'push'" in JOBS["deploy"]["if"]
    assert "github.event_name == 'pull_request'" in JOBS["preview"]["if"]


def test_actions_are_pinned_to_commits_and_say_their_version() -> None:
    uses = re.findall(r"uses: ([^.].+)", "\n".join(TEXTS.values()))
    assert uses
    for one in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+)*", one), one
    versions = {one.split("@")[0]: one for one in uses}
    assert set(uses) == set(versions.values()), "one action in two versions"


def test_nothing_is_allowed_but_what_a_job_needs() -> None:
    assert [workflow["permissions"] for workflow in WORKFLOWS.values()] == [{}] * len(WORKFLOWS)
    for name, job in ALL_JOBS:
        signs_in = job in SIGNED_IN
        more = {"id-token": "write"} if signs_in else {}
        if job == JOBS["deploy"]:
            more["attestations"] = "write"
        assert job["permissions"] == {"contents": "read", **more}, name
        assert ("environment" in job) is signs_in, name


def test_no_credential_is_stored() -> None:
    assert "secrets." not in "".join(TEXTS.values())
    for _, job in ALL_JOBS:
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("azure/login@"):
                assert set(step["with"]) == {"client-id", "tenant-id", "subscription-id"}
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_texts_of_others_never_become_commands() -> None:
    for name, job in ALL_JOBS:
        for step in job.get("steps", []):
            assert "${{" not in step.get("run", ""), name


def test_jobs_end_and_deployments_wait_for_each_other() -> None:
    assert all(job["timeout-minutes"] <= 150 for _, job in ALL_JOBS if "steps" in job)
    assert DEPLOY["concurrency"]["cancel-in-progress"] == (
        "${{ github.event_name == 'pull_request' }}"
    )


def targets(job: dict[str, Any]) -> set[str]:
    """What `make` is asked for."""
    lines = [step["run"] for step in job.get("steps", []) if "run" in step]
    return {word for line in lines if line.startswith("make ") for word in line.split()[1:]}


def test_it_installs_and_tests_as_a_contributor_does() -> None:
    assert targets(JOBS["test"]) == {"lint", "types", "test", "test-thorough"}
    script = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    assert script[-2:] == ["make lint types test", "make test-thorough"]
    assert "set -euo pipefail" in script
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set().union(*(targets(job) for _, job in ALL_JOBS)) <= known


def test_everything_is_installed_from_the_hashed_lock() -> None:
    for _, job in ALL_JOBS:
        for step in job.get("steps", []):
            for line in step.get("run", "").splitlines():
                assert "pip install" not in line or "--require-hashes" in line, line
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for line in re.findall(r"pip install .+", makefile):
        assert "--require-hashes" in line or line.endswith("-e ."), line


def test_the_preview_runs_in_the_environment_that_it_installs_into() -> None:
    project = yaml.safe_load((ROOT / "infra/Pulumi.yaml").read_text("utf-8"))
    used = (ROOT / "infra" / project["runtime"]["options"]["virtualenv"]).resolve()
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (made,) = re.findall(r"^INFRA_VENV := (.+)$", makefile, re.M)
    assert used == (ROOT / made).resolve()
    assert "infra-install: $(INFRA_VENV)/.installed" in makefile
    order = [step.get("run") or step["uses"].split("@")[0] for step in steps("preview")]
    assert order.index("make infra-install") < order.index("pulumi/actions")


def test_each_night_and_before_each_deployment_everything_runs() -> None:
    assert {"schedule", "workflow_call"} <= set(triggers(CHECKS))
    everything = set().union(*(targets(job) for job in CHECKS["jobs"].values()))
    assert everything >= {
        "lint",
        "types",
        "test-all",
        "infra-test",
        "infra-scan",
        "az-test",
        "kql-test",
        "drill",
    }
    assert JOBS["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert JOBS["checks"]["if"] == "github.event_name == 'push'"


def test_nothing_is_deployed_that_was_not_tested_and_scanned() -> None:
    assert set(JOBS["deploy"]["needs"]) == {"checks", "way-back", "image"}
    used = [step.get("uses", "").split("@")[0] for step in steps("image")]
    assert used.index("anchore/scan-action") < used.index("actions/upload-artifact")
    assert "anchore/sbom-action" in used
    # The scanned image itself goes on, not another build of the same sources.
    assert not [step for step in steps("deploy") if "build-push" in step.get("uses", "")]


def test_nothing_is_deployed_whose_origin_and_parts_are_not_proven() -> None:
    platforms = {row["platform"] for row in JOBS["image"]["strategy"]["matrix"]["include"]}
    assert platforms == {"amd64", "arm64"}
    signing = [step for step in steps("deploy") if "subject-digest" in step.get("with", {})]
    assert {step["uses"].split("@")[0] for step in signing} == {"actions/attest"}
    # Without a list of parts the action signs where something was built.
    signed = {step["with"]["subject-digest"]: step["with"].get("sbom-path") for step in signing}
    assert signed == {
        "${{ steps.push.outputs.digest }}": None,
        **{
            f"${{{{ steps.push.outputs.{name} }}}}": f"image-{name}/sbom.spdx.json"
            for name in platforms
        },
    }
    # It would take a right that the job doesn't have, and an organisation's repository.
    assert [step["with"]["create-storage-record"] for step in signing] == [False] * 3
    *_, verifying, release = steps("deploy")
    assert set(verifying["env"].values()) - {"${{ github.token }}"} == set(signed)
    assert verifying["run"].count("gh attestation verify") == 2
    assert verifying["run"].count('--source-digest "$GITHUB_SHA"') == 2
    assert "newsapi_infra.release deploy" in release["run"]


def test_what_runs_is_looked_at_each_day() -> None:
    assert set(triggers(WORKFLOWS["running"])) == {"schedule", "workflow_dispatch"}
    scanned = [step for step in RUNNING["image"]["steps"] if "scan-action" in step.get("uses", "")]
    assert [step["with"]["image"] for step in scanned] == ["${{ steps.running.outputs.image }}"]
    preview = RUNNING["drift"]["steps"][-1]["with"]
    assert preview["command"] == "preview"
    assert preview["refresh"] is preview["expect-no-changes"] is True
    last = RUNNING["image"]["steps"][-1]
    assert last["if"] == "always()"
    assert "newsapi_infra.old_images" in last["run"]


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
    # Nobody is there to approve what runs each morning.
    assert [job["environment"] for job in RUNNING.values()] == ["prod-upkeep", "prod-preview"]
    for job in RUNNING.values():
        kind = job["environment"].removeprefix("prod-").upper()
        (login,) = [one for one in job["steps"] if one.get("uses", "").startswith("azure/login@")]
        assert login["with"]["client-id"] == f"${{{{ vars.AZURE_{kind}_CLIENT_ID }}}}"
        assert job["if"] == f"vars.AZURE_{kind}_CLIENT_ID != ''"
