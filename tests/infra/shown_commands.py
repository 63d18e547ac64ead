"""Commands as documents, workflows and runbooks show them, ready for a parser."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = (
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "SECURITY.md", "Makefile")),
    *sorted((ROOT / ".github/workflows").glob("*.yml")),
    *sorted((ROOT / "infra").glob("*.yaml")),
    *sorted((ROOT / "docker").glob("*.sh")),
)
STAND_INS = (("…", "x"), ("\\n", " "))
_SUBSTITUTION = r"\$\(((?:[^()]|\([^()]*\))*)\)"
_END = re.compile(r"\s(?:\||\|\||&&|;|>|<|#)(?:\s|$)")


def shown_commands(program: str, *, names: bool = False) -> dict[str, str]:
    """Each command of a program, without its name, with the file that shows it.

    A command in running text without an option is a name, not a command line: left out, unless
    `names` are wanted.
    """
    found: dict[str, str] = {}
    for path in FILES:
        text = path.read_text("utf-8")
        # The comments of settings name commands as the running text of documents does.
        in_text = path.suffix in (".md", ".yaml")
        blocks = re.findall(r"```\w*\n(.*?)```", text, re.S) if in_text else [text]
        prose = re.sub(r"```.*?```", "", text, flags=re.S)
        spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", prose) if in_text else []
        lines = [
            line for block in blocks for line in re.sub(r"\\\n\s*", " ", block).splitlines()
        ] + [" ".join(span.split()) for span in spans if names or " -" in span]
        for line in lines:
            for command in _commands(line, program, names=names):
                found[command] = path.name
    return found


def _commands(line: str, program: str, *, names: bool) -> list[str]:
    """The commands of a line, those inside `$( )` included."""
    inner = re.findall(_SUBSTITUTION, line)
    outer = re.sub(_SUBSTITUTION, "x", line.partition("## ")[0])
    found = [command for part in inner for command in _commands(part, program, names=names)]
    for start in re.finditer(rf"(?:^|[\s\"'(`]){program} (?=[a-z])", outer):
        command = _up_to_its_end(outer[start.end() :])
        if names or " -" in f" {command}":
            found.append(command)
    return found


def _up_to_its_end(rest: str) -> str:
    for written, stand_in in STAND_INS:
        rest = rest.replace(written, stand_in)
    command = _END.split(rest)[0].strip()
    shlex.split(command)
    return " ".join(command.split())
