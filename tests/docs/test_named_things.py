"""What the documentation names exists: commands, options, files, decisions."""

import re
from pathlib import Path

import click
import pytest
from tools.generate_docs import ROOT

from newsapi_dentsu.cli.main import main

from .test_documents import PROSE

PLACES = (ROOT, ROOT / "src/newsapi_dentsu", ROOT / "infra/newsapi_infra", ROOT / "docs")
OPTION = re.compile(r"--[a-z][a-z-]+")


def code(document: Path) -> list[str]:
    """What a document shows as code: spans, and the lines of blocks."""
    text = (ROOT / document).read_text("utf-8")
    blocks = re.findall(r"^ *```(?:sh)?\n(.*?)^ *```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"`([^`]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    return [*lines, *(" ".join(span.split()) for span in spans)]


@pytest.mark.parametrize("document", PROSE, ids=str)
def test_commands_and_their_options(document: Path) -> None:
    for text in code(document):
        for words in re.findall(r"(?:^|[ /])newsapi ([a-z][^#|>&;\"`]*)", text):
            command, rest = command_of(words.split())
            known = {option for one in command.params for option in [*one.opts, "--help"]}
            for option in OPTION.findall(" ".join(rest)):
                assert option in known, f"newsapi {words}"


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that a line of words names, and the words after its name."""
    context = click.Context(main)
    command: click.Command | None = main.get_command(context, words[0])
    assert command is not None, f"newsapi {' '.join(words)}"
    rest = words[1:]
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


@pytest.mark.parametrize("document", PROSE, ids=str)
def test_files_and_folders(document: Path) -> None:
    for text in code(document):
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", text) and re.search(r"\w/|\.(py|sql)$", text):
            made = text.startswith((".venv", "data", "build", "day=", "searches", "lake", "NNNN"))
            top = text.partition("/")[0]
            ours = any((place / top).exists() for place in PLACES) or text.endswith((".py", ".sql"))
            if ours and not made:
                assert any((place / text).exists() for place in PLACES) or found(text), text


def found(name: str) -> bool:
    """Whether a file of this name is anywhere in the repository's own folders."""
    return any(
        path for top in ("src", "infra", "tests", "tools") for path in (ROOT / top).rglob(name)
    )


DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name.partition("-")[0]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 23


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_date_and_what_else_was_possible(path: Path) -> None:
    text = path.read_text("utf-8")
    number = int(path.name.partition("-")[0])
    assert re.match(rf"# {number}\. \S.*\n\nDate: \d{{4}}-\d\d-\d\d\n", text)
    parts = re.split(r"^## (.+)\n", text, flags=re.M)[1:]
    assert parts[::2] == [
        "Why there was something to decide",
        "What was decided",
        "What else was possible",
        "What follows",
    ]
    assert all(part.strip() for part in parts)
    assert parts[5].lstrip().startswith("- **")
