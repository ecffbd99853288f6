"""Places in several memories as a C header, for generated code."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.files.c_header import (
    LARGEST,
    check_prefix,
    dialects,
    life_lines,
    macros,
    power_of_two,
)
from hmcos.errors import OptionError
from hmcos.plan.memory_blocks import MemoryPlacement

Place = tuple[int, int, int]
"""Memory, offset and bytes."""


def memories_header(
    names: Sequence[str], places: Sequence[Place], placement: MemoryPlacement, prefix: str = "hmcos"
) -> str:
    """Return a header for C11 and C++11 or later: the bytes of each memory, and where every tensor is.

    Memory M becomes PREFIX_BLOCK_M, its number, PREFIX_BYTES_M, what is used of it, and PREFIX_CAPACITY_M,
    where it has one. Tensor T becomes PREFIX_MEMORY_T, one of those numbers, PREFIX_OFFSET_T, from the start
    of that memory, and PREFIX_SIZE_T. Names become macros as those of one arena do (`c_header`). Static
    asserts check that every tensor ends within its memory, and every memory within its capacity.

    Args:
        names: one per place.
        places: in any order.
        placement: the memories and the bytes used of each.
        prefix: the beginning of all macros; a C identifier.

    Raises:
        OptionError: the prefix is not an identifier, or a memory is too large for an integer of C.
    """
    check_prefix(prefix)
    largest = max(placement.sizes, default=0)
    if largest >= LARGEST:
        raise OptionError(f"a memory of {largest} bytes cannot be written in C; the most is 2**64-1 bytes")
    if not placement.sizes:
        return f'#error "hmcos found no place for all tensors of {prefix} in these memories"\n'
    head, blocks = prefix.upper(), macros([block.name for block in placement.blocks])
    lines = _preamble(head, placement)
    for k, macro in enumerate(blocks):
        lines += _block(head, prefix, macro, placement, k)
    for macro, (memory, offset, size) in zip(macros(names), places, strict=True):
        lines.append(f"#define {head}_MEMORY_{macro} {head}_BLOCK_{blocks[memory]}")
        place = (offset, size, placement.alignment)
        lines += life_lines(head, f"{head}_BYTES_{blocks[memory]}", macro, place, "its memory")
    return "\n".join([*lines, f"#undef {head}_ASSERT", f"#endif  /* {head}_ARENA_H */", ""])


def _preamble(head: str, placement: MemoryPlacement) -> list[str]:
    slower, bound = placement.slower, placement.lower_bound
    proof = "proved least for this order" if slower == bound else f"lower bound {bound} for this order"
    return [
        f"/* Memory plan for {len(placement.blocks)} memories, made by hmcos. {slower} bytes are read and",
        f"   written outside of the first one in a run, {proof}. */",
        f"#ifndef {head}_ARENA_H",
        f"#define {head}_ARENA_H",
        "",
        f"#define {head}_ARENA_ALIGNMENT {power_of_two(placement.alignment)}",
        "",
        *dialects(head),
    ]


def _block(head: str, prefix: str, macro: str, placement: MemoryPlacement, k: int) -> list[str]:
    size, capacity = placement.sizes[k], placement.blocks[k].capacity
    use = f"{head}_ALIGNED static unsigned char {prefix.lower()}_{macro.lower()}[{head}_BYTES_{macro}];"
    lines = [f"#define {head}_BLOCK_{macro} {k}", f"#define {head}_BYTES_{macro} {size}ULL"]
    if capacity is not None:
        lines += [
            f"#define {head}_CAPACITY_{macro} {capacity}ULL",
            f"{head}_ASSERT({head}_BYTES_{macro} <= {head}_CAPACITY_{macro},",
            f'    "{macro} is too small");',
        ]
    return [*lines, f"/* Use: {use} */" if size else "/* Nothing is in this memory. */", ""]
