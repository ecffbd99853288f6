"""The whole arena of a model in TensorFlow Lite for Microcontrollers (TFLM)."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hmcos.plan.plan import Plan
from hmcos.report.words.sizes import savings
from hmcos.report.words.whole_arena_words import whole_arena_lines

_FORMS = {"now": "today", "order": "best order", "offsets": "and offsets", "tiled": "tiled"}


def whole_arena(plan: Plan) -> list[RenderableType]:
    """Return one row per form of the model, and what must be declared; nothing where that is not known."""
    arenas = plan.tflm
    if arenas is None:
        return []
    table = Table("arena in TFLM")
    for heading in ("head", "tail", "total", "to declare", "saved"):
        table.add_column(heading, justify="right")
    for name, arena in arenas.forms:
        saved = "" if name == "now" else savings(arenas.now.declare, arena.declare)
        sizes = (f"{size:,}" for size in (arena.head, arena.tail, arena.total, arena.declare))
        table.add_row(_FORMS[name], *sizes, saved)
    return [table, *map(Text, whole_arena_lines(arenas))]
