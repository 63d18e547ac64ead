"""Writing to a terminal: tables and progress bars there, plain text in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from typing_extensions import override

from newsapi_dentsu.progress import Bars, Progress, no_progress
from newsapi_dentsu.visible import raw, visible

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 250


def console(*, stderr: bool = True) -> Console:
    """A console on stderr, where everything goes that isn't the command's result."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class Screen(Console):
        """A console that obeys what this program means, and shows what comes from outside."""

        @override
        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                if segment.control:
                    yield segment
                else:
                    yield Segment(visible(segment.text), segment.style)

        @override
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    file = raw(sys.stderr if stderr else sys.stdout)
    screen = Screen(file=file, highlight=False, soft_wrap=True)
    if not screen.is_terminal:
        # Whoever reads a pipe wants whole lines.
        screen.width = PIPE_WIDTH
    return screen


def print_rows(screen: Console, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show rows, each on one line: cut to a terminal's width, and whole in a pipe.

    A terminal that is too narrow for all has no room for the last column, and the others but the
    first are cut.
    """
    from rich.cells import cell_len
    from rich.text import Text

    shown = [[" ".join(visible(cell).split()) for cell in row] for row in (heads, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    most = screen.width if screen.is_terminal else sum(widths) + 2 * len(widths)
    if sum(widths) + 2 * (len(widths) - 1) > most:
        first, *middle, last = widths[:-1]
        middle = [min(width, max(8, most // 4)) for width in middle]
        last = max(8, min(last, most - first - sum(middle) - 2 * (len(middle) + 1)))
        widths = [first, *middle, last]
    for number, row in enumerate(shown):
        line = Text(style="bold" if number == 0 else "")
        for cell, width in zip(row, widths, strict=False):
            part = Text(cell)
            part.truncate(width, overflow="ellipsis", pad=True)
            line.append(part).append("  ")
        line.rstrip()
        line.truncate(most, overflow="ellipsis")
        screen.print(line)


def stages_told() -> Bars:
    """Tell in a line of stderr when a stage begins, for whoever has no terminal."""
    from newsapi_dentsu.stages.pipeline import stage

    def of_stage(name: str) -> Progress:
        known = stage(name)
        click.echo(f"{known.progress if known else name} …", err=True)
        return no_progress

    return of_stage


@contextmanager
def progress_bars(*, shown: bool) -> Iterator[Bars]:
    """Give each stage a progress bar on a terminal; none in a pipe or when not `shown`."""
    screen = console()
    if not shown or not screen.is_terminal:
        yield lambda _stage: no_progress
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Screen

    from newsapi_dentsu.stages.pipeline import stage

    columns = (
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Screen(*columns, console=screen) as bars:

        def of_stage(name: str) -> Progress:
            known = stage(name)
            task = bars.add_task(known.progress if known else name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield of_stage
