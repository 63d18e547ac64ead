"""Reading a Dockerfile, as far as ours goes: stages of instructions, without build arguments."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    """One instruction: `RUN`, and what follows it in one line."""

    name: str
    text: str

    @property
    def exec_form(self) -> list[str]:
        """The words of a command that no shell reads."""
        words: list[str] = json.loads(self.text[self.text.index("[") :])
        return words

    @property
    def pairs(self) -> dict[str, str]:
        """The names and values of ENV and LABEL."""
        return dict(item.split("=", 1) for item in shlex.split(self.text))

    @property
    def files(self) -> tuple[dict[str, str], list[str], str]:
        """The flags, sources and target of COPY."""
        words = self.text.split()
        flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
        *sources, target = [word for word in words if not word.startswith("--")]
        return flags, sources, target


@dataclass
class Stage:
    """What follows one FROM."""

    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        return [one for one in self.instructions if one.name == name]

    def last(self, name: str) -> Instruction:
        return self.all(name)[-1]

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for one in self.all("ENV") for name, value in one.pairs.items()}


def read_stages(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """The stages of a Dockerfile in order."""
    lines = [
        line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")
    ]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stages: list[Stage] = []
    for line in filter(str.strip, text.splitlines()):
        name, rest = line.split(maxsplit=1)
        if name == "FROM":
            stages.append(Stage(rest.split(" AS ")[-1]))
        elif stages:
            stages[-1].instructions.append(Instruction(name, rest))
    return stages
