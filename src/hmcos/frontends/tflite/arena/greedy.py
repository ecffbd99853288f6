"""Where TensorFlow Lite for Microcontrollers (TFLM) places the buffers of a model by itself."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

UNPLANNED = -1
PER_BUFFER = 40
"""Bytes that the planner itself needs per buffer: `per_buffer_size` in greedy_memory_planner.h."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A buffer of the head."""

    size: int
    """Bytes, aligned."""
    first: int
    """The first step at which it is used."""
    last: int
    """The last one, included."""
    offset: int = UNPLANNED
    """Bytes, if the file says where it is."""


def head_of(buffers: Sequence[Planned]) -> int:
    """Return the bytes of the head: the highest end of all buffers.

    Buffers with offsets come first, in their order. The others follow by size, the largest first and the
    later one of equals first; each takes the lowest gap between those placed that live at the same time.
    Source: `CalculateOffsetsIfNeeded` in memory_planner/greedy_memory_planner.cc.
    """
    fixed = [number for number, buffer in enumerate(buffers) if buffer.offset != UNPLANNED]
    free = [number for number, buffer in enumerate(buffers) if buffer.offset == UNPLANNED]
    free.sort(key=lambda number: (-buffers[number].size, -number))
    placed: list[tuple[int, int, Planned]] = []
    for turn, number in enumerate([*fixed, *free]):
        buffer = buffers[number]
        offset = buffer.offset if buffer.offset != UNPLANNED else _gap(buffer, placed)
        # Equal offsets stay in the order of placing.
        insort(placed, (offset, turn, buffer), key=lambda row: row[:2])
    return max((offset + buffer.size for offset, _, buffer in placed), default=0)


def _gap(wanted: Planned, placed: Sequence[tuple[int, int, Planned]]) -> int:
    """Return the lowest offset at which a buffer fits between those placed, by offset, that it lives with."""
    offset = 0
    for begin, _, buffer in placed:
        if buffer.first > wanted.last or wanted.first > buffer.last:
            continue
        if begin - offset >= wanted.size:
            return offset
        offset = max(offset, begin + buffer.size)
    return offset
