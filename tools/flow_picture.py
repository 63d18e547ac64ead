"""The picture of the flow in README: an SVG of boxes and arrows, light or dark as the reader is."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from newsapi_dentsu.stages import pipeline
from newsapi_dentsu.warehouse.tables import assessments, embeddings, final, processed, raw, tone

HEIGHT: Final = 356

_STEP: Final = 200
WIDTH: Final = _STEP * (1 + len(pipeline.STAGES))
_BOX: Final = 180
_MARGIN: Final = (_STEP - _BOX) / 2
_LINE: Final = 17
_TOPS: Final = {"stage": 14, "table": 136, "reader": 272}
_HEIGHTS: Final = {"stage": 82, "table": 96, "reader": 64}

_STYLE: Final = """\
    text { font: 13px system-ui, "Segoe UI", Roboto, Arial, sans-serif; fill: #1f2328 }
    .name { font-weight: 600; font-size: 15px }
    .table { font: 600 11px ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace }
    .box { fill: #ffffff; stroke: #59636e; stroke-width: 1.5 }
    .stage { fill: #ddf4ff; stroke: #0969da }
    .reader { fill: #dafbe1; stroke: #1a7f37 }
    .arrow { fill: none; stroke: #59636e; stroke-width: 1.5; marker-end: url(#head) }
    .head { fill: #59636e }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .box { fill: #151b23; stroke: #9198a1 }
      .stage { fill: #121d2f; stroke: #4493f8 }
      .reader { fill: #12261e; stroke: #3fb950 }
      .arrow { stroke: #9198a1 }
      .head { fill: #9198a1 }
    }"""


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the picture: its column (from 0), its row, and what stands in it."""

    column: int
    row: str
    name: str
    lines: tuple[str, ...] = ()
    columns: int = 1

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.column * _STEP + _MARGIN

    @property
    def width(self) -> float:
        """Its width."""
        return _BOX + (self.columns - 1) * _STEP

    @property
    def middle(self) -> float:
        """The middle between its left and right edges."""
        return self.left + self.width / 2


STAGES: Final = (
    Box(0, "stage", "newsapi.ai", ("or the built-in", "sandbox")),
    *(
        Box(column, "stage", stage.name, stage.in_words)
        for column, stage in enumerate(pipeline.STAGES, start=1)
    ),
)
_ROWS: Final = {
    raw.TABLE: ("every record, whole;", "nothing is ever changed"),
    processed.TABLE: ("one row an article",),
    embeddings.TABLE: ("what each text means,", "made once"),
    assessments.TABLE: ("one verdict an article,", "and its story"),
    tone.TARGETS: ("how each article speaks", "of brands, companies,", "people"),
    final.TABLE: ("what people read;", "the rest is in", final.REJECTED),
}
TABLES: Final = (
    *(
        Box(column, "table", stage.table, _ROWS[stage.table])
        for column, stage in enumerate(pipeline.STAGES, start=1)
    ),
)
READERS: Final = (
    Box(
        1, "reader", "Operators", ("newsapi status · dashboard · alerts · Dagster's UI",), columns=2
    ),
    Box(4, "reader", "Readers", ("newsapi articles · explain · SQL · CSV, Parquet",), columns=2),
)


def flow() -> str:
    """The picture as SVG text."""
    boxes = (*STAGES, *TABLES, *READERS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="title description">',
        '  <title id="title">The flow of the news</title>',
        f'  <desc id="description">{escape(_in_words())}</desc>',
        f"  <style>\n{_STYLE}\n  </style>",
        '  <defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
        *(line for box in boxes for line in _drawn(box)),
        *_arrows(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _in_words() -> str:
    """The picture for whoever can't see it."""
    stages = " ".join(
        f"{stage.name} ({' '.join(stage.lines)}) fills {table.name} ({' '.join(table.lines)})."
        for stage, table in zip(STAGES[1:], TABLES, strict=True)
    )
    readers = " ".join(f"{reader.name} use {', '.join(reader.lines)}." for reader in READERS)
    return f"From {STAGES[0].name} {' '.join(STAGES[0].lines)}, in this order: {stages} {readers}"


def _drawn(box: Box) -> Iterator[str]:
    top, height = _TOPS[box.row], _HEIGHTS[box.row]
    kind = "box" if box is STAGES[0] or box.row == "table" else f"box {box.row}"
    round_ = 4 if box.row == "table" else 10
    yield (
        f'  <rect class="{kind}" x="{box.left:g}" y="{top}" width="{box.width:g}" '
        f'height="{height}" rx="{round_}"/>'
    )
    first = top + (height - _LINE * len(box.lines)) / 2 + 2
    name = "table" if box.row == "table" else "name"
    yield _text(name, box.middle, first, box.name)
    for number, line in enumerate(box.lines, start=1):
        yield _text("", box.middle, first + _LINE * number + 2, line)


def _text(kind: str, middle: float, baseline: float, text: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return (
        f'  <text{named} x="{middle:g}" y="{baseline:g}" text-anchor="middle">{escape(text)}</text>'
    )


def _arrows() -> Iterator[str]:
    """From source to stage to stage, from each stage to its table, from the tables to people."""
    centre = _TOPS["stage"] + _HEIGHTS["stage"] / 2
    for one, other in pairwise(STAGES):
        yield _arrow(f"M{one.left + one.width:g} {centre:g}H{other.left - 2:g}")
    for table in TABLES:
        end = _TOPS["stage"] + _HEIGHTS["stage"]
        yield _arrow(f"M{table.middle:g} {end}V{_TOPS['table'] - 2}")
    for table, reader in zip((TABLES[0], TABLES[-1]), READERS, strict=True):
        end = _TOPS["table"] + _HEIGHTS["table"]
        yield _arrow(f"M{table.middle:g} {end}V{_TOPS[reader.row] - 2}")


def _arrow(path: str) -> str:
    return f'  <path class="arrow" d="{path}"/>'
