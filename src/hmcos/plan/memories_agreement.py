"""Check the memories of a plan against its buffers and their own proof; this needs no model."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.alignment import round_up
from hmcos.limits import Status
from hmcos.plan.memory_blocks import MemoryPlacement, MemoryPlan
from hmcos.plan.plan import Plan


def in_memories(plan: Plan, memories: MemoryPlan) -> Iterator[tuple[str, str]]:
    """Yield contradictions of memories with the buffers in them, the peak, or their own proof."""
    placement = memories.placement
    wide = placement.alignment
    if wide % plan.target.alignment:
        yield "memories.alignment", f"is {wide}, no multiple of the target's {plan.target.alignment}"
    whole, least = memories.whole, memories.whole_lower_bound
    if not plan.peak <= least <= whole:
        words = f"is {least}, not between the peak, {plan.peak}, and `whole`, {whole}"
        yield "memories.whole_lower_bound", words
    yield from _of_status(placement, memories.has_places)
    if memories.has_places:
        yield from _of_sizes(plan, placement)


def _of_sizes(plan: Plan, placement: MemoryPlacement) -> Iterator[tuple[str, str]]:
    wide = placement.alignment
    ends = [0] * len(placement.blocks)
    for i, buffer in enumerate(plan.buffers):
        if buffer.memory is None or not buffer.memory < len(ends):
            yield f"buffers[{i}].memory", f"{buffer.name!r} is in no memory"
            return
        if buffer.offset % wide:
            yield "memories.alignment", f"is {wide}, but {buffer.name!r} is at {buffer.offset}"
        ends[buffer.memory] = max(ends[buffer.memory], buffer.offset + round_up(buffer.size, wide))
    for k, (block, size, end) in enumerate(zip(placement.blocks, placement.sizes, ends, strict=True)):
        if size != end:
            yield (
                f"memories.blocks[{k}].size",
                f"is {size}, but the last buffer in {block.name!r} ends at {end}",
            )
        if block.capacity is not None and end > block.capacity:
            yield f"memories.blocks[{k}].capacity", f"is {block.capacity}, but a buffer ends at {end}"


def _of_status(placement: MemoryPlacement, has_places: bool) -> Iterator[tuple[str, str]]:
    behind = placement.behind if has_places else ()
    for k, (bound, moved) in enumerate(zip(placement.lower_bounds, behind, strict=False)):
        if bound > moved:
            yield f"memories.traffic_bounds[{k}]", f"is {bound}, but {moved} bytes are moved there and behind"
    proved = has_places and behind == placement.lower_bounds
    if (placement.status is Status.OPTIMAL) is not proved:
        words = "every bound is reached" if proved else "not every bound is reached"
        yield "memories.status", f"is {str(placement.status)!r}, but {words}"
    if placement.status is Status.FITS or (placement.status is Status.DOES_NOT_FIT and has_places):
        yield "memories.status", f"is {str(placement.status)!r}, which contradicts the places"
