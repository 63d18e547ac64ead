"""Commands of `pulumi` that documents, settings and workflows show, held to the command's grammar.

The command is in no package registry: pulumi_commands.yaml has what it takes, with its source.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from newsapi_infra import config
from newsapi_infra.offline.graph import Graph

from .shown_commands import ROOT, shown_commands

GRAMMAR: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "pulumi_commands.yaml").read_text("utf-8")
)
COMMANDS: dict[str, dict[str, Any]] = GRAMMAR["commands"]
SHOWN = shown_commands("pulumi", names=True)


def test_lines_of_every_kind_are_found() -> None:
    assert {"up", "login", "stack init prod", "config set stage apps"} <= SHOWN.keys()
    assert "stack output environmentDomain" in SHOWN


@pytest.mark.parametrize("command", SHOWN)
def test_the_command_takes_what_is_shown(command: str) -> None:
    assert list(complaints(command)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "upp",
        "up --no-such-option",
        "up -s",
        "up prod dr",
        "preview --yes",
        "preview prod",
        "refresh --target a --exclude b",
        "import azure-native:dbforpostgresql:Server database-server",
        "config set",
        "config set stage apps twice",
        "config set --secret --plaintext newsapiKey",
        "stack shew",
        "stack output --shell a b",
        "stack change-secrets-provider",
        "state unprotect --everything",
        "config get -s prod",
    ],
)
def test_what_the_command_refuses_is_refused(wrong: str) -> None:
    assert list(complaints(wrong))


@pytest.mark.parametrize(
    "right",
    [
        "-C infra up -ys prod --refresh",
        "up --refresh=false -c a=b --config c=d",
        "config set --secret newsapiKey",
        "config -s prod set stage apps",
        "config set stage apps -s prod",
        "state delete URN --force --target-dependents -y",
        "import --file new.json",
        "import azure-native:dbforpostgresql:Server database-server ID --yes",
        "stack ls",
    ],
)
def test_what_the_command_takes_is_taken(right: str) -> None:
    assert list(complaints(right)) == []


def test_settings_that_are_shown_are_settings_of_the_program() -> None:
    source = Path(config.__file__).read_text("utf-8")
    known = set(re.findall(r'"([a-z][A-Za-z]+)"', source))
    shown = {}
    for command in SHOWN:
        match words(command):
            case ["config", "set", str(name), *value]:
                shown[name] = value
    assert {"imageDigest", "stage", "wafMode", "databaseServer"} <= shown.keys()
    assert {name for name in shown if name not in known} == {"NAME"}
    for name, type_ in (("stage", config.Stage), ("wafMode", config.WafMode)):
        assert set(shown[name]) <= set(get_args(type_)), name


def test_stacks_and_outputs_that_are_shown_exist(prod: Graph) -> None:
    stacks = set(get_args(config.StackName))
    for command in SHOWN:
        match words(command):
            case ["stack", "output", str(name)]:
                assert name in prod.outputs, command
            case ["stack", "init" | "select", str(name)] if "--" not in command:
                assert name in stacks, command
        named = re.search(r"(?:-s|--stack) (\S+)", command)
        assert named is None or named[1] in stacks, command


def test_the_action_takes_what_the_workflows_give_it() -> None:
    used = 0
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
            for step in job.get("steps", []):
                if not step.get("uses", "").startswith("pulumi/actions@"):
                    continue
                used += 1
                given = dict(step["with"])
                assert set(given) <= set(GRAMMAR["action"])
                command = [given["command"], "-s", given["stack-name"]]
                command += [
                    f"--{name}" for name in ("refresh", "expect-no-changes") if given.get(name)
                ]
                assert list(complaints(" ".join(command))) == []
    assert used == 2


def words(command: str) -> list[str]:
    """The words of a command that are no options."""
    return [word for word in shlex.split(command) if not word.startswith("-")]


def complaints(command: str) -> Iterator[str]:
    """What the command of Pulumi would say against a line."""
    rest = shlex.split(command)
    name, rest, early = _command(rest)
    if name is None:
        yield f"unknown command: {command}"
        return
    grammar = COMMANDS[name]
    switches, options = _taken(name)
    arguments: list[str] = []
    given: set[str] = set()
    rest = [*early, *rest]
    while rest:
        word = rest.pop(0)
        if word == "--":
            arguments += rest
            break
        if not word.startswith("-") or word == "-":
            arguments.append(word)
            continue
        option, equals, _ = word.partition("=")
        letters = [option] if option.startswith("--") else [f"-{letter}" for letter in option[1:]]
        for place, one in enumerate(letters):
            if one in switches:
                given.add(switches[one])
            elif one in options:
                given.add(options[one])
                # `-sprod` has its value at once.
                if place + 1 == len(letters) and not equals:
                    if not rest:
                        yield f"{one} needs a value"
                        return
                    rest.pop(0)
                break
            else:
                yield f"{name} has no option {one}"
                return
    least, most = grammar["arguments"]
    if given & set(grammar.get("instead of arguments", [])):
        least = most = 0
    if len(arguments) < least:
        yield f"{name} needs {least} arguments"
    if most is not None and len(arguments) > most:
        yield f"{name} takes {most} arguments"
    for group in grammar.get("one of", []):
        if len(given & set(group)) > 1:
            yield f"{name} takes one of {group}"


def _command(rest: list[str]) -> tuple[str | None, list[str], list[str]]:
    """The command's own name, what follows it, and the options that stood before its last word."""
    early: list[str] = []
    found: str | None = None
    rest = list(rest)
    while rest:
        if rest[0].startswith("-"):
            option = rest.pop(0)
            early.append(option)
            taken = _taken(found)[1] if found else _forms(GRAMMAR["everywhere"]["options"])
            if option in taken and rest:
                early.append(rest.pop(0))
            continue
        below = _known(f"{found} {rest[0]}" if found else rest[0])
        if below is None:
            break
        found = below
        rest.pop(0)
    return found, rest, early


def _known(name: str) -> str | None:
    *before, last = name.split()
    for known, grammar in COMMANDS.items():
        *parents, own = known.split()
        if parents == before and last in (own, *grammar.get("also", [])):
            return known
    return None


def _taken(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """The switches and the options of a command, by each way to write them."""
    grammar, everywhere = COMMANDS[name], GRAMMAR["everywhere"]
    handed_down = GRAMMAR["handed down"].get(name.split()[0], [])
    return (
        _forms([*everywhere["switches"], *grammar.get("switches", [])]),
        _forms([*everywhere["options"], *handed_down, *grammar.get("options", [])]),
    )


def _forms(written: list[str]) -> dict[str, str]:
    forms = {}
    for one in written:
        name, _, letter = one.partition("/")
        forms[f"--{name}"] = name
        if letter:
            forms[f"-{letter}"] = name
    return forms
