"""A command's output: in an encoding by rule, without what acts on a terminal, into any pipe.

- Into a file or a pipe goes UTF-8, whatever the locale; PYTHONIOENCODING chooses another encoding.
- A terminal gets its locale's encoding, with `?` for characters that this lacks.
- What comes from outside reaches neither a terminal nor a log raw (see `visible`). Only articles in
  CSV or JSON lines go into a file or a pipe as they are.
- A reader that has read enough (`| head`) is no error.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from newsapi_dentsu.errors import OutputError
from newsapi_dentsu.visible import Shown


@contextmanager
def guarded() -> Iterator[None]:
    """Let stdout and stderr be as this module's rules want them.

    Raises:
        SystemExit: with 0 where whoever reads stdout has gone away, with 1 where it is full.
    """
    before = sys.stdout, sys.stderr
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Started with the stream closed: there is nobody to write to.
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        if isinstance(stream, io.TextIOWrapper):
            if "PYTHONIOENCODING" in os.environ or stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="replace")
            setattr(sys, name, Shown(stream))
    try:
        yield
        sys.stdout.flush()
    except SystemExit:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _let_go()
        except OutputError as error:
            _let_go()
            _tell(error)
            raise SystemExit(1) from None
        raise
    except BrokenPipeError:
        _let_go()
        raise SystemExit(0) from None
    except OutputError as error:
        _let_go()
        _tell(error)
        raise SystemExit(1) from None
    finally:
        sys.stdout, sys.stderr = before


def _tell(error: OutputError) -> None:
    with suppress(BrokenPipeError, OutputError):
        sys.stderr.write(f"Error: {error}\n")


def _let_go() -> None:
    """Write what is left to nowhere: the interpreter flushes once more at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
