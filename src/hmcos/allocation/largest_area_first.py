"""The largest product of bytes and steps first."""

from __future__ import annotations

from hmcos.allocation.items import Item
from hmcos.allocation.ordered import ordered
from hmcos.allocation.problem import Lives
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer


def largest_area_first(lives: Lives, limits: Limits, observer: Observer) -> Arena:
    """Return the arena of placing lives from the largest bytes x steps to the smallest, ties by number."""
    return ordered(lives, lambda item: -area(item), "largest_area_first", limits)


def area(item: Item) -> int:
    """Return the bytes x steps that an item covers."""
    return sum((end - begin) * size for begin, end, size in item.pieces)
