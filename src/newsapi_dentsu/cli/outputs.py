"""Files that a command writes for its user, as a shell's tools write them.

A plain file is replaced in one step, so that no half of one stays behind; it keeps its mode and
owner, and a link to it stays a link. What isn't a plain file (a pipe, a device) is written through,
and so is a file with several names or in a folder that can't be written. `-` is this command's own
output.
"""

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import click

_OPEN_FILE = re.compile(r"/dev/(?:stdin|stdout|stderr)|/(?:dev|proc/self)/fd/([0-9]+)")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


def out_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option `--out`, whose value is for `output_file`."""
    return click.option("--out", type=click.Path(), callback=_meant, help=help_text)


def _meant(_context: click.Context, _option: click.Parameter, out: str | None) -> Path | None:
    if out is None:
        return None
    if out == "-":
        return Path("/dev/stdout")
    if not out or out.endswith(os.sep):
        # A path forgets what stands after its last name.
        raise click.BadParameter("must be a file's path, or - for the output")
    return Path(out)


@contextmanager
def output_file(out: Path) -> Iterator[Path]:
    """Give the path of a file to write, whose content then goes to `out`.

    Raises:
        click.ClickException: `out` can't be written; a plain file that was there is as it was.
    """
    try:
        with _placed(out) as part:
            yield part
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"{out} can't be written: {error.strerror or error}") from None


@contextmanager
def _placed(out: Path) -> Iterator[Path]:
    target = Path(os.path.realpath(out))
    found = _status(out)
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(None, "it is a folder")
    if found is not None and not os.access(out, os.W_OK):
        raise PermissionError(None, "it may not be written")
    beside = os.access(target.parent, os.W_OK) and not _OPEN_FILE.fullmatch(str(out))
    plain = found is None or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)
    if not (plain and beside):
        if found is None:
            # This raises the error that says why the file can't be made.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o666))
        with tempfile.TemporaryDirectory(prefix="newsapi-") as folder:
            part = Path(folder) / "part"
            yield part
            with part.open("rb") as content, _through(out) as stream:
                shutil.copyfileobj(content, stream)
        return
    with tempfile.TemporaryDirectory(prefix=".newsapi-", dir=target.parent) as folder:
        part = Path(folder) / "part"
        yield part
        if found is not None:
            with suppress(PermissionError):
                os.chown(part, found.st_uid, found.st_gid)
            part.chmod(stat.S_IMODE(found.st_mode))
        os.replace(part, target)  # noqa: PTH105


def _status(out: Path) -> os.stat_result | None:
    try:
        return out.stat()
    except FileNotFoundError:
        return None


def _through(out: Path) -> BinaryIO:
    """The stream of something that is there; an open file of this process goes on where it is."""
    opened = _OPEN_FILE.fullmatch(str(out))
    if opened:
        number = int(opened[1]) if opened[1] else _STANDARD[str(out)]
        return os.fdopen(os.dup(number), "wb")
    return os.fdopen(os.open(out, os.O_WRONLY | os.O_TRUNC), "wb")
