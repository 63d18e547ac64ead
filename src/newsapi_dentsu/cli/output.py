"""Writing to a terminal: tables and progress bars there, plain text in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 250

Progress = Callable[[int, int], None]


def console(*, stderr: bool = True) -> Console:
    """A console on stderr, where everything goes that isn't the command's result."""
    from rich.console import Console

    screen = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not screen.is_terminal:
        # Whoever reads a pipe wants whole lines.
        screen.width = PIPE_WIDTH
    return screen


@contextmanager
def progress_bars(*, shown: bool) -> Iterator[Callable[[str], Progress]]:
    """Give each stage a progress bar on a terminal; none in a pipe or when not `shown`."""
    screen = console()
    if not shown or not screen.is_terminal:
        yield lambda _stage: lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    from newsapi_dentsu.stages.pipeline import stage

    columns = (
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=screen) as bars:

        def of_stage(name: str) -> Progress:
            known = stage(name)
            task = bars.add_task(known.progress if known else name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield of_stage
