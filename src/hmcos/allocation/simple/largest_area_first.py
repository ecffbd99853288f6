"""Placing lives by falling product of bytes and steps."""

from __future__ import annotations

from hmcos.allocation.items import Item
from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.ordered import ordered
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena


def largest_area_first(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of placing lives from the largest bytes x steps to the smallest, ties by number."""
    return ordered(lives, lambda item: -area(item), "largest_area_first", limits, watch)


def area(item: Item) -> int:
    """Return the area of an item in bytes x steps."""
    return sum((end - begin) * size for begin, end, size in item.pieces)
