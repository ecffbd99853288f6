"""An explanation as tables for people, with a line of blocks for memory over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from hmcos.memory.lifetimes import Life
from hmcos.report.tables.whole_arena_table import whole_arena
from hmcos.report.words.advice_words import advice_words, proof_words, tried_words, verdict
from hmcos.report.words.names import operator_words, shown
from hmcos.report.words.sizes import savings
from hmcos.report.words.tiling_words import tiling_advice_words, tiling_note
from hmcos.tasks.explain.advice import Kind
from hmcos.tasks.explain.explanation import Explanation
from hmcos.tasks.explain.tiling_advice import TilingAnswer
from hmcos.words import human, printable

LISTED = 12
"""Live tensors that are shown one by one."""
CELLS = 5
_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDE, _NARROW = 72, 24
"""Blocks of the line of memory over time: at most, and the fewest that stand beside their names."""


def explanation_tables(explanation: Explanation) -> RenderableType:
    """Return the verdict, memory over time, what is live at the peak, what forces it and what reduces it."""
    return Group(
        Text(printable(verdict(explanation.plan)), style="bold"),
        Text(),
        _sparks(explanation),
        Text(),
        Text(printable(_moment(explanation))),
        _live(explanation),
        Text(printable(proof_words(explanation))),
        _forced(explanation),
        *([_cells(explanation)] if explanation.cells else []),
        *whole_arena(explanation.plan),
        *_advice(explanation),
        *(Text(printable(note)) for note in (tiling_note(explanation), tried_words(explanation)) if note),
    )


def spark(heights: Sequence[int], top: int, wide: int = _WIDE) -> str:
    """Return a line of blocks, at most so wide: of each block the highest of its steps, in parts of `top`."""
    wide = min(wide, len(heights))
    edges = [i * len(heights) // wide for i in range(wide + 1)] if wide else [0]
    highest = (max(heights[a:b]) for a, b in pairwise(edges))
    return "".join(_BLOCKS[min(7, 8 * height // max(1, top))] for height in highest)


@dataclass(frozen=True, slots=True)
class Sparks:
    """Memory over time, a line of blocks per order: name, sizes per step, peak."""

    orders: tuple[tuple[str, Sequence[int], int], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines as wide as there is room; where there is little, names stand above them."""
        top = max(peak for _, _, peak in self.orders)
        names = max(len(name) for name, _, _ in self.orders)
        sizes = max(len(human(peak)) for _, _, peak in self.orders)
        room = options.max_width - names - sizes - 2
        for name, running, peak in self.orders:
            if room >= _NARROW:
                line = spark(running, top, min(room, _WIDE))
                yield Text(f"{name:<{names}} {line:<{min(room, _WIDE)}} {human(peak)}")
            else:
                yield Text(f"{name}: {human(peak)}")
                yield Text(spark(running, top, min(options.max_width, _WIDE)))


def _sparks(explanation: Explanation) -> Sparks:
    plan = explanation.plan
    return Sparks(
        (
            ("file order", explanation.given.running, plan.given_peak),
            ("reverse post-order", explanation.rpo.running, plan.rpo_peak),
            (plan.schedule.title, plan.memory.running, plan.peak),
        )
    )


def _moment(explanation: Explanation) -> str:
    crest = explanation.plan.crest
    if crest.operator is None:
        return "the peak is before the first operator; live then:"
    runs = operator_words(explanation.plan.operators[crest.operator])
    return f"the peak is at step {crest.step}, {runs}; live then:"


def _live(explanation: Explanation) -> Table:
    table = Table("tensor")
    table.add_column("type", no_wrap=True)
    table.add_column("bytes", justify="right")
    for heading in ("made by", "last needed by"):
        table.add_column(heading)
    for heading in ("peak\nif halved", "peak\nif gone"):
        table.add_column(heading, justify="right")
    peak = max(1, explanation.plan.peak)
    for i in explanation.live[:LISTED]:
        life = explanation.lives[i]
        table.add_row(
            Text(shown(explanation.name(life))),
            Text(type_words(explanation, life)),
            f"{life.size:,}\n{100 * life.size / peak:.1f} %",
            *(Text(printable(words)) for words in ends(explanation, life)),
            *(_least(explanation, life, kind) for kind in (Kind.HALVED, Kind.GONE)),
        )
    rest = [explanation.lives[i].size for i in explanation.live[LISTED:]]
    if rest:
        table.add_row(f"{len(rest)} more", "", f"{sum(rest):,}\n{100 * sum(rest) / peak:.1f} %")
    return table


def _least(explanation: Explanation, life: Life, kind: Kind) -> str:
    bytes_left = explanation.least(life, kind)
    return "" if bytes_left is None else f"{bytes_left:,}"


def type_words(explanation: Explanation, life: Life) -> str:
    """Return element type and shape of what lives; empty where there are none."""
    tensor = explanation.tensor(life)
    return f"{tensor.element}[{', '.join(map(str, tensor.shape))}]" if tensor else ""


def ends(explanation: Explanation, life: Life) -> tuple[str, str]:
    """Return who made what lives, and who reads it last in the plan."""
    problem, rows = explanation.problem, explanation.rows
    if life.buffer is None:
        own = operator_words(rows[life.operator or 0])
        return own, own
    maker = problem.producer[life.buffer]
    made = operator_words(rows[maker]) if maker >= 0 else "the caller"
    if life.buffer in problem.held or not problem.readers[life.buffer]:
        return made, "the caller" if life.buffer in problem.held else "nobody"
    return made, operator_words(rows[explanation.plan.schedule.order[life.death - 1]])


def _forced(explanation: Explanation) -> Table:
    table = Table("operator", "must be live beside it")
    table.add_column("bytes, whatever the order", justify="right")
    for one in explanation.forced:
        names = [shown(explanation.network.buffer_names[b]) for b in one.buffers]
        beside = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if names[4:] else "")
        table.add_row(
            Text(printable(operator_words(explanation.rows[one.operator]))),
            Text(beside),
            f"{one.bytes:,}",
        )
    return table


def _cells(explanation: Explanation) -> Table:
    table = Table("cell with the highest peak")
    for heading in ("operators", "most memory while it runs"):
        table.add_column(heading, justify="right")
    for cell in sorted(explanation.cells, key=lambda cell: -cell.bytes)[:CELLS]:
        way = "from" if cell.intrudes else "to"
        table.add_row(
            Text(printable(f"{way} {operator_words(explanation.rows[cell.end])}")),
            str(len(cell.operators)),
            f"{cell.bytes:,}",
        )
    return table


def _advice(explanation: Explanation) -> list[RenderableType]:
    best, peak, tiled = explanation.advised.best, explanation.advised.peak, explanation.tiling
    helps = tiled.answer is TilingAnswer.HELPS
    if not best and not helps:
        return []
    table = Table("what would make it smaller", "how")
    for heading in ("peak", "saved"):
        table.add_column(heading, justify="right")
    if helps and tiled.peak is not None:
        what, how = tiling_advice_words(explanation)
        before = explanation.plan.peak
        saved = f"{before - tiled.peak:,}\n{savings(before, tiled.peak)}"
        table.add_row(Text(what), Text(printable(how)), f"at most {tiled.peak:,}", saved)
    for one in best:
        what, how = advice_words(explanation, one.change)
        most = "" if one.proved else "at most "
        saved = f"{explanation.advised.saved(one):,}\n{savings(peak, one.peak)}"
        table.add_row(Text(printable(what)), Text(printable(how)), f"{most}{one.peak:,}", saved)
    return [table]
