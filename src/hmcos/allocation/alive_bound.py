"""Arenas below which nothing fits."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.items import Item


def lower_bound(items: Sequence[Item]) -> int:
    """Return bytes that every arena for these items has: the most alive at once, or one item's lowest end.

    For the lives of an order, nothing pinned and one pool, that is the peak of the order.
    """
    changes: dict[int, int] = {}
    for item in items:
        for begin, end, size in item.pieces:
            changes[begin] = changes.get(begin, 0) + size
            changes[end] = changes.get(end, 0) - size
    alive = most = 0
    for time in sorted(changes):
        alive += changes[time]
        most = max(most, alive)
    ends = (
        (item.legal(0) if item.offset is None else item.offset) + item.size for item in items if item.pieces
    )
    return max(most, max(ends, default=0))
