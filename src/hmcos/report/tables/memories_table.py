"""Several memories as a table for people."""

from __future__ import annotations

from collections import Counter

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hmcos.plan.memory_blocks import MemoryPlan
from hmcos.plan.plan import Plan
from hmcos.report.words.memories_words import memories_lines
from hmcos.report.words.names import shown
from hmcos.words import human, printable

LISTED = 8
"""Most buffers that are named of those outside the first memory."""


def plan_memories(plan: Plan) -> list[RenderableType]:
    """Return what lies in each memory of a plan, and what is proved; nothing if it has one block."""
    if plan.memories is None:
        return []
    return [_blocks(plan, plan.memories), *map(Text, memories_lines(plan, plan.memories)), *_moved_out(plan)]


def _blocks(plan: Plan, memories: MemoryPlan) -> Table:
    placement = memories.placement
    table = Table("memory")
    for heading in ("capacity", "used", "buffers", "read and written"):
        table.add_column(heading, justify="right")
    inside = Counter(buffer.memory for buffer in plan.buffers)
    for k, block in enumerate(placement.blocks):
        capacity = "" if block.capacity is None else human(block.capacity)
        found = ("", "", "")
        if memories.has_places:
            found = (human(placement.sizes[k]), f"{inside[k]:,}", human(placement.traffic[k]))
        table.add_row(Text(printable(block.name)), capacity, *found)
    one = f"[dim]in one block: {human(memories.whole)}[/dim]"
    table.caption = one
    return table


def _moved_out(plan: Plan) -> list[RenderableType]:
    """Return the largest buffers outside the first memory, if there are any."""
    assert plan.memories is not None
    blocks = plan.memories.placement.blocks
    out = sorted((b for b in plan.buffers if b.memory), key=lambda buffer: (-buffer.size, buffer.birth))
    if not out:
        return []
    table = Table(f"outside {printable(blocks[0].name)}")
    for heading in ("memory", "offset", "bytes"):
        table.add_column(heading, justify="left" if heading == "memory" else "right")
    for buffer in out[:LISTED]:
        where = printable(blocks[buffer.memory or 0].name)
        table.add_row(Text(shown(buffer.name)), Text(where), f"{buffer.offset:,}", human(buffer.size))
    rest = out[LISTED:]
    if rest:
        table.add_row(f"in {len(rest)} more", "", "", human(sum(buffer.size for buffer in rest)))
    return [table]
