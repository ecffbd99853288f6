"""The blocks of bytes in which a network runs at its planned places, and spans in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hmcos.errors import VerifyError
from hmcos.frontends.feeding import Bytes
from hmcos.plan.arena import PlacedBuffer
from hmcos.plan.plan import Plan

POISON, NOISE = 0xFF, 0xFE
"""The poison in dead bytes (not-a-number as floats, -1 as integers) and in an operator's scratch after it ran
(huge floats). Kernels use memory of their own, not the scratch."""
Span = tuple[int, int, int]
"""A block, and bytes [begin, end) in it."""
PAGE = 4096
"""Bytes of the guard behind the arena, and the alignment of its start."""


def blocks(plan: Plan) -> list[Bytes]:
    """Return a block for each memory of a plan, or one for its arena: poison, with a guard behind it."""
    memories = 1 if plan.memories is None else len(plan.memories.placement.blocks)
    ends = [0] * memories
    for k, _, end in map(span, plan.buffers):
        if not 0 <= k < memories:
            raise VerifyError(f"a buffer is in memory {k}, which there is not")
        ends[k] = max(ends[k], end)
    found: list[Bytes] = []
    for end in ends:
        whole = np.full(end + 2 * PAGE, POISON, np.uint8)
        start = -whole.ctypes.data % PAGE
        found.append(whole[start : start + end + PAGE])
    return found


def span(buffer: PlacedBuffer) -> Span:
    """Return the bytes of a buffer."""
    return buffer.memory or 0, buffer.offset, buffer.offset + buffer.size


def meet(one: Span, other: Span) -> bool:
    """Return whether two spans share a byte."""
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def union(spans: Sequence[Span]) -> int:
    """Return the number of bytes that are in at least one of the spans."""
    total, block, reached = 0, -1, 0
    for k, begin, end in sorted(spans):
        reached = reached if k == block else 0
        block = k
        total += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def without(span: Span, alive: Sequence[Span]) -> list[Span]:
    """Return the parts of a span that are not live."""
    left: list[Span] = []
    block, begin, end = span
    for k, low, high in sorted(alive):
        if k != block or low >= end or high <= begin:
            continue
        if low > begin:
            left.append((block, begin, low))
        begin = max(begin, high)
    return [*left, (block, begin, end)] if begin < end else left
