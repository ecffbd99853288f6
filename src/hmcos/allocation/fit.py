"""Placing items one after the other, each at the lowest free address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hmcos.allocation.items import Item
from hmcos.allocation.items import items as items_of
from hmcos.allocation.problem import Lives


@dataclass(frozen=True, slots=True)
class Meetings:
    """Which items are alive together."""

    items: tuple[Item, ...]
    meets: tuple[tuple[int, ...], ...]
    """Per item: the others that are alive at some moment of it."""
    seen: dict[tuple[int, int], int]
    """(i, j) to the bytes of j where it is alive together with i; missing when that is all of `j.size`."""

    def height(self, i: int, j: int) -> int:
        """Return the bytes of item j where it is alive together with item i."""
        return self.seen.get((i, j), self.items[j].size)


@lru_cache(maxsize=1)
def meetings_of(lives: Lives) -> Meetings:
    """Return which items of the lives are alive together; kept for the next planner."""
    return meetings(items_of(lives))


def meetings(items: Sequence[Item]) -> Meetings:
    """Return which items are alive together, by a sweep over time in O(n log n + pairs)."""
    rows = sorted((begin, end, i, size) for i, item in enumerate(items) for begin, end, size in item.pieces)
    stepped = [any(size != item.size for _, _, size in item.pieces) for item in items]
    meets: list[dict[int, None]] = [{} for _ in items]
    seen: dict[tuple[int, int], int] = {}
    alive: list[tuple[int, int, int]] = []
    for begin, end, i, size in rows:
        alive = [row for row in alive if row[0] > begin]
        for _, j, other in alive:
            meets[i][j] = None
            meets[j][i] = None
            if stepped[i]:
                seen[j, i] = max(seen.get((j, i), 0), size)
            if stepped[j]:
                seen[i, j] = max(seen.get((i, j), 0), other)
        alive.append((end, i, size))
    return Meetings(tuple(items), tuple(map(tuple, meets)), seen)


def first_fit(met: Meetings, order: Iterable[int], placed: Sequence[int | None] | None = None) -> list[int]:
    """Return an offset per item: in that order, each at the lowest address where it meets nobody.

    Args:
        met: the items and who meets whom.
        order: the items to place; pinned ones, and those placed already, keep their offset.
        placed: offsets that are settled, None for those to come; without it only the pinned are.
    """
    offsets = [item.offset for item in met.items] if placed is None else list(placed)
    for i in order:
        if offsets[i] is None:
            offsets[i] = lowest(met, i, offsets)
    return [0 if offset is None else offset for offset in offsets]


def lowest(met: Meetings, i: int, offsets: Sequence[int | None], address: int = 0) -> int:
    """Return the lowest address, from the given one on, at which item i meets none of the placed ones.

    A placed item blocks one interval (low, high) of starts, even when both change their size over time:
    the intervals that any two of their rectangles block all contain the placed one's offset.
    """
    item = met.items[i]
    start = item.legal(address)
    for low, high in sorted(_blocked(met, i, offsets)):
        if low >= start:
            break
        if start < high:
            start = item.legal(high)
    return start


def tightest(met: Meetings, i: int, offsets: Sequence[int | None]) -> int:
    """Return the lowest start in the smallest gap that has room for item i; above all when none has."""
    item = met.items[i]
    start, floor = item.legal(0), 0
    best: tuple[int, int] | None = None
    for low, high in sorted(_blocked(met, i, offsets)):
        gap = low + item.size - floor
        if start <= low and (best is None or gap < best[0]):
            best = gap, start
        floor = max(floor, high)
        start = max(start, item.legal(high))
    return start if best is None else best[1]


def _blocked(met: Meetings, i: int, offsets: Sequence[int | None]) -> list[tuple[int, int]]:
    items, seen, size = met.items, met.seen, met.items[i].size
    if not seen:
        return [(at - size, at + items[j].size) for j in met.meets[i] if (at := offsets[j]) is not None]
    return [
        (at - met.height(j, i), at + met.height(i, j)) for j in met.meets[i] if (at := offsets[j]) is not None
    ]


def highest_end(items: Sequence[Item], offsets: Sequence[int]) -> int:
    """Return the bytes of the arena: the highest end of an item that needs room, 0 when none does."""
    return max((at + item.size for item, at in zip(items, offsets, strict=True) if item.pieces), default=0)
