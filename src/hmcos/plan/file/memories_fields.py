"""Write and read several memories in a plan file."""

from __future__ import annotations

from dataclasses import replace

from hmcos.errors import OptionError, PlanError
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.file.arena_fields import buffers_record, read_buffers, status_of
from hmcos.plan.file.fields import Fields, expecting
from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlacement, MemoryPlan, check_blocks
from hmcos.plan.plan import Plan

VERSION = 1
"""Of the key `memories`; it changes when something in it changes its meaning."""

_expect = expecting("run hmcos schedule on the model again")


def memories_record(memories: MemoryPlan) -> dict[str, object]:
    """Return the key `memories`, as in a plan file and in JSON output, without the seconds."""
    placement = memories.placement
    unknown = (None,) * len(placement.blocks)
    rows = zip(placement.blocks, placement.sizes or unknown, placement.traffic or unknown, strict=True)
    return {
        "version": VERSION,
        "status": str(placement.status),
        "blocks": [
            {"name": block.name, "capacity": block.capacity, "size": size, "traffic": traffic}
            for block, size, traffic in rows
        ],
        "traffic_bounds": list(placement.lower_bounds),
        "whole": memories.whole,
        "whole_lower_bound": memories.whole_lower_bound,
        "orders": memories.orders,
        "alignment": placement.alignment,
        "states": placement.states,
    }


def memories_keys(plan: Plan) -> dict[str, object]:
    """Return the keys of a plan file that describe its memories; empty if it has none."""
    if plan.memories is None:
        return {}
    return {
        "memories": memories_record(plan.memories),
        "memories_seconds": plan.memories.placement.seconds,
        **buffers_record(plan.buffers),
    }


def read_memories(fields: Fields) -> tuple[MemoryPlan | None, tuple[PlacedBuffer, ...]]:
    """Return the memories of a plan file and the buffers in them; None and nothing if there are none.

    Raises:
        PlanError: a key is missing or wrong.
    """
    if "memories" not in fields.values:
        return None, ()
    _expect("arena" not in fields.values, fields, "memories", "stand instead of `arena`, not beside it")
    part = fields.part("memories")
    version = part.number("version")
    _expect(version == VERSION, part, "version", f"is {version}, but this version of hmcos reads {VERSION}")
    rows = part.parts("blocks")
    try:
        blocks = tuple(MemoryBlock(row.text("name"), row.number_or_none("capacity")) for row in rows)
        check_blocks(blocks)
    except OptionError as error:
        raise PlanError(f"{part.where('blocks')}: {error}") from None
    buffers = read_buffers(fields)
    has_places = not rows[0].is_null("size")
    placed = tuple(
        replace(buffer, memory=_memory(row, len(blocks)))
        for buffer, row in zip(buffers, fields.parts("buffers"), strict=True)
    )
    _expect(has_places or not placed, fields, "buffers", "must be empty if not all of them have a place")
    bounds = part.numbers("traffic_bounds")
    _expect(len(bounds) == len(blocks) - 1, part, "traffic_bounds", f"must be {len(blocks) - 1} numbers")
    placement = MemoryPlacement(
        blocks=blocks,
        memory=tuple(buffer.memory or 0 for buffer in placed),
        offsets=tuple(buffer.offset for buffer in placed),
        sizes=tuple(row.number("size") for row in rows) if has_places else (),
        traffic=tuple(row.number("traffic") for row in rows) if has_places else (),
        lower_bounds=bounds,
        status=status_of(part),
        alignment=part.number("alignment", lowest=1),
        states=part.number("states"),
        seconds=fields.real("memories_seconds"),
    )
    whole, least = part.number("whole"), part.number("whole_lower_bound")
    return MemoryPlan(placement, whole, least, part.number("orders", lowest=1)), placed


def _memory(row: Fields, blocks: int) -> int:
    k = row.number("memory")
    _expect(k < blocks, row, "memory", f"there is no memory {k}; the last is {blocks - 1}")
    return k
