"""What helps contributors works: hooks, templates, updates, types for users of the package."""

import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from tools.generate_docs import ROOT

from shipping.schemas import assert_valid
from support.parts import HELD_BY, QUICK
from support.services import BIN

GITHUB = ROOT / ".github"


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        (GITHUB / "dependabot.yml", "dependabot"),
        (GITHUB / "ISSUE_TEMPLATE/config.yml", "github-issue-config"),
        *(
            (form, "github-issue-forms")
            for form in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
            if form.name != "config.yml"
        ),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_files_for_github_follow_its_schemas(file: Path, schema: str) -> None:
    assert_valid(file, schema)


def test_dependabot_looks_where_there_is_something_to_renew() -> None:
    signs = {
        "github-actions": ".github/workflows",
        "docker": "Dockerfile",
        "docker-compose": "docker-compose.yml",
        "npm": "package.json",
    }
    for update in yaml.safe_load((GITHUB / "dependabot.yml").read_text("utf-8"))["updates"]:
        folder = ROOT / update["directory"].lstrip("/")
        assert (folder / signs[update["package-ecosystem"]]).exists(), update


def test_hooks_run_what_ci_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    hooks = {hook["entry"].split()[0] for hook in config["repos"][0]["hooks"]}

    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipes = re.findall(r"^(?:lint|types): .*\n((?:\t.*\n)+)", makefile, re.M)
    run_by_ci = {f".venv/bin/{tool}" for tool in re.findall(r"\$\(BIN\)/(\S+)", "".join(recipes))}

    assert hooks == run_by_ci
    assert {".venv/bin/ruff", ".venv/bin/mypy"} < hooks


def test_hooks_are_well_formed() -> None:
    subprocess.run([BIN / "pre-commit", "validate-config"], cwd=ROOT, check=True, timeout=60)


def test_what_a_thorough_test_holds_a_quick_one_holds_too(request: pytest.FixtureRequest) -> None:
    """Of the tests that this run has found, which are all of them in `make test`."""
    quick = request.config.stash[QUICK]
    files = {name.partition("::")[0] for name in quick}
    for thorough, named in request.config.stash[HELD_BY].items():
        file, _, test = named.partition("::")
        assert file, f"{thorough} has no quick form and names no quick test"
        assert f"def {test}(" in (ROOT / file).read_text("utf-8"), thorough
        assert named in quick or file not in files, f"{thorough}: {named} is not quick"


def test_users_of_the_package_get_its_types() -> None:
    assert files("newsapi_dentsu").joinpath("py.typed").is_file()


def test_the_changelog_has_the_form_that_readers_know() -> None:
    headings = re.findall(r"^(##+) (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0] == ("##", "[Unreleased]")
    for level, heading in headings:
        if level == "##":
            assert re.fullmatch(r"\[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d\d-\d\d)?", heading)
        else:
            kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
            assert (level, heading in kinds) == ("###", True)


def test_no_link_is_in_the_repository() -> None:
    """One that leads out of it leads nowhere on another machine."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert listed
    assert [line for line in listed if line.startswith("120000")] == []
