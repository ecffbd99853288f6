"""A lower bound on the size of an arena."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.items import Item


def lower_bound(items: Sequence[Item]) -> int:
    """Return a lower bound in bytes on every arena for these items.

    It is the larger of two numbers: the most bytes that are alive at one moment, and the largest address
    that some item must end at even if it is alone, by its pin, pools or alignment. For the lives of an order,
    with nothing pinned and at most one pool, it is the peak of the order.
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
