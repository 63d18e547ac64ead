"""The image's processes, started without a container engine: in a root directory of their own.

Either the Dockerfile's steps are executed on a file system that is thrown away: each stage is a
root with this machine's files below, what the steps write above (an overlay in memory, seen by our
processes only), and this Python as /usr/local, where the official image has it. Or the root is an
image that was built, read-only, with the folders in memory that docker-compose.yml gives it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .dockerfile import ROOT, Instruction, Stage, read_stages

_BASE_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOUNTS = """
set -eu
mount -t tmpfs -o size=6g none "$1"
for stage in 0 1; do
    cd "$1" && mkdir "$stage" && cd "$stage" && mkdir files work root local local-work
    mount -t overlay -o lowerdir=/,upperdir=files,workdir=work overlay root
    mount -t overlay -o "lowerdir=$2,upperdir=local,workdir=local-work" overlay root/usr/local
    mount --rbind /dev root/dev && mount --bind /proc root/proc
    # A Python below /root loads libraries from there: in the official image anybody may.
    chmod a+rx root/root
done
echo mounted
exec sleep infinity
"""


_BUILT = """
set -eu
mount --bind "$1" "$2" && mount -o remount,ro,bind "$2"
mount -t tmpfs -o mode=1777 none "$2/tmp"
mount -t tmpfs -o uid=10001,gid=10001,mode=0750 none "$2/var/lib/newsapi"
mount --rbind /dev "$2/dev" && mount --bind /proc "$2/proc"
echo mounted
exec sleep infinity
"""


class ImageRoot:
    """The root of the finished image, and the process that keeps it mounted."""

    def __init__(self, root: Path, keeper: int) -> None:
        self._root = root
        self._keeper = keeper
        self.stages = read_stages()

    @property
    def final(self) -> Stage:
        return self.stages[-1]

    def _enter(self, *command: str | Path) -> list[str]:
        return ["nsenter", f"--mount=/proc/{self._keeper}/ns/mnt", *map(str, command)]

    def _environment(self, stage: Stage, outer: Mapping[str, str]) -> dict[str, str]:
        """A stage's variables, and how this machine reaches package indexes."""
        own = {"PATH": _BASE_PATH, "HOME": "/tmp"} | stage.environment  # noqa: S108
        own["PATH"] = own["PATH"].replace("$PATH", _BASE_PATH)
        network = {
            name: value
            for name, value in outer.items()
            if name.startswith(("PIP_", "SSL_", "REQUESTS_")) or name.lower().endswith("_proxy")
        }
        return network | own

    def command(self, *arguments: str) -> list[str]:
        """How the image would be started: as process 1, as its user, with its entrypoint."""
        user, _, group = self.final.last("USER").text.partition(":")
        return self._enter(
            *("chroot", self._root),
            *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("setpriv", "--reuid", user, "--regid", group, "--clear-groups"),
            *("--inh-caps=-all", "--no-new-privs"),
            *("sh", "-c", f'cd {self.final.last("WORKDIR").text} && exec "$@"', "sh"),
            *self.final.last("ENTRYPOINT").exec_form,
            *(arguments or self.final.last("CMD").exec_form),
        )

    def as_root(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the superuser, whom permissions don't stop."""
        return subprocess.run(
            self._enter("chroot", self._root, *arguments),
            env={"PATH": _BASE_PATH},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def once(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Start the image with a command and wait for its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self._environment(self.final, {}) | settings,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    @contextmanager
    def started(self, log: Path, *arguments: str, **settings: str) -> Iterator["Container"]:
        """Start the image and leave it running for the length of the block."""
        with log.open("w") as output:
            process = subprocess.Popen(
                self.command(*arguments),
                env=self._environment(self.final, {}) | settings,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            container = Container(process, log)
            try:
                yield container
            finally:
                container.kill()


class CleanRoot(ImageRoot):
    """The roots of the Dockerfile's stages, which its steps fill."""

    def __init__(self, folder: Path, keeper: int) -> None:
        self._folder = folder
        super().__init__(self._at(1), keeper)

    def _at(self, stage: int) -> Path:
        return self._folder / str(stage) / "root"

    def build(self) -> None:
        """Execute COPY, RUN and WORKDIR of both stages."""
        for number, stage in enumerate(self.stages):
            folder = "/"
            for one in stage.instructions:
                if one.name == "WORKDIR":
                    folder = one.text
                    self._run(self._enter("mkdir", "-p", f"{self._at(number)}{folder}"))
                elif one.name == "COPY":
                    self._copy(number, one, folder)
                elif one.name == "RUN":
                    step = f"cd {folder} && {one.text}"
                    here = self._enter("chroot", self._at(number), "/bin/sh", "-ec", step)
                    self._run(here, self._environment(stage, os.environ))

    def _copy(self, number: int, one: Instruction, folder: str) -> None:
        flags, sources, target = one.files
        source_root = self._at(0) if flags.get("from") else ROOT
        into = f"{self._at(number)}{Path(folder) / target}"
        for source in sources:
            # As Docker does: the contents of a folder, not the folder.
            place = source_root / source.lstrip("/")
            names = [f"{place}/.", into] if place.is_dir() or flags.get("from") else [place, into]
            is_folder = target.endswith("/") or names[0] != place
            self._run(self._enter("mkdir", "-p", into if is_folder else Path(into).parent))
            self._run(self._enter("cp", "-a", *names))
            if "chmod" in flags:
                self._run(self._enter("chmod", flags["chmod"], f"{into}/{Path(source).name}"))

    def _run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


class Container:
    """What an engine knows of a container: its process 1, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self.log = log

    def process_1(self) -> int:
        """Its process 1, by the number it has outside."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        deadline = time.monotonic() + 10
        while not children.read_text().split():
            assert time.monotonic() < deadline, "it didn't start"
            time.sleep(0.05)
        return int(children.read_text().split()[0])

    def kill(self) -> None:
        """End all its processes; another user's process 1 doesn't die with who started it."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.process_1(), signal.SIGKILL)
            self._process.kill()
        self._process.wait(10)

    def stop(self, name: str, grace: float) -> tuple[int, float]:
        """Send process 1 a signal as an engine does; its exit code, and how long it took."""
        begin = time.monotonic()
        os.kill(self.process_1(), signal.Signals[name])
        return self._process.wait(grace), time.monotonic() - begin


@contextmanager
def clean_root(folder: Path) -> Iterator[CleanRoot]:
    """Mount the roots of both stages, or skip where that isn't allowed."""
    prefix = getattr(sys, "_base_executable", sys.executable)
    python = Path(prefix).resolve().parents[1]
    with _mounted(_MOUNTS, folder, python) as keeper:
        yield CleanRoot(folder, keeper)


@contextmanager
def built_root(folder: Path, files: Path) -> Iterator[ImageRoot]:
    """Mount the files of an image that was built, read-only but for what compose gives it."""
    with _mounted(_BUILT, files, folder) as keeper:
        yield ImageRoot(folder, keeper)


@contextmanager
def _mounted(script: str, *arguments: Path) -> Iterator[int]:
    """Mount in a namespace of its own, or skip where that isn't allowed; the process in it."""
    if os.geteuid() != 0:
        pytest.skip("mounting file systems takes root")
    keeper = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert keeper.stdout is not None
        said = keeper.stdout.readline()
        if said.strip() != "mounted":
            pytest.skip(f"file systems can't be mounted here: {said.strip()}")
        yield keeper.pid
    finally:
        keeper.kill()
        keeper.wait()
