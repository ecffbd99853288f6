"""Placing items one after the other, each at the lowest free address.

What an item may not overlap are the placed ones that are alive together with it. Where few are, `Meetings`
lists them once for all planners. Where many are, that list would grow with the square of the items, so
`Crowd` (crowd.py) looks through the placed ones in order of address instead. Both find the same offsets.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from hmcos.allocation.items import Item
from hmcos.allocation.items import items as items_of
from hmcos.allocation.lives import Lives
from hmcos.limits import never

FEW_PAIRS = 200_000
"""Meetings up to which they are listed: that takes a tenth of a second, and numpy as much to be loaded."""
FEW_EACH = 32
"""Meetings per item up to which looking through all that is placed takes longer than the list."""


class Placement(Protocol):
    """Items that have an offset, and where there is room beside them."""

    def put(self, i: int, offset: int) -> None:
        """Take note of the offset of item i."""
        ...

    def lowest(self, i: int, address: int = 0) -> int:
        """Return the lowest address, from the given one on, at which item i meets none of those placed."""
        ...

    def tightest(self, i: int) -> int:
        """Return the lowest start in the smallest gap that has room for item i; above all when none has."""
        ...


class Board(Protocol):
    """Items, and what is known of who meets whom."""

    @property
    def items(self) -> tuple[Item, ...]:
        """What there is to place."""
        ...

    def empty(self) -> Placement:
        """Return a placement without any item in it."""
        ...

    def meeting(self, i: int) -> Sequence[int]:
        """Return the other items that are alive at some moment of item i."""
        ...

    def pairs(self) -> int:
        """Return how many meetings there are, each counted from both sides."""
        ...


@dataclass(frozen=True, slots=True)
class Meetings:
    """Items, and per item those that it meets."""

    items: tuple[Item, ...]
    meets: tuple[tuple[int, ...], ...]
    """Per item: the others that are alive at some moment of it."""
    seen: dict[tuple[int, int], int]
    """(i, j) to the bytes of j where it is alive together with i; missing when that is all of `j.size`."""

    def height(self, i: int, j: int) -> int:
        """Return the bytes of item j where it is alive together with item i."""
        return self.seen.get((i, j), self.items[j].size)

    def empty(self) -> BesideMet:
        """Return a placement without any item in it."""
        return BesideMet(self)

    def meeting(self, i: int) -> Sequence[int]:
        """Return the other items that are alive at some moment of item i."""
        return self.meets[i]

    def pairs(self) -> int:
        """Return how many meetings there are, each counted from both sides."""
        return sum(map(len, self.meets))


class BesideMet:
    """A placement that asks those that an item meets where they are."""

    def __init__(self, met: Meetings) -> None:
        self._met = met
        self._offsets: list[int | None] = [None] * len(met.items)

    def put(self, i: int, offset: int) -> None:
        """Take note of the offset of item i."""
        self._offsets[i] = offset

    def lowest(self, i: int, address: int = 0) -> int:
        """Return the lowest address, from the given one on, at which item i meets none of those placed."""
        item = self._met.items[i]
        start = item.legal(address)
        for low, high in sorted(self._blocked(i)):
            if low >= start:
                break
            if start < high:
                start = item.legal(high)
        return start

    def tightest(self, i: int) -> int:
        """Return the lowest start in the smallest gap that has room for item i; above all when none has."""
        item = self._met.items[i]
        start, floor = item.legal(0), 0
        best: tuple[int, int] | None = None
        for low, high in sorted(self._blocked(i)):
            gap = low + item.size - floor
            if start <= low and (best is None or gap < best[0]):
                best = gap, start
            floor = max(floor, high)
            start = max(start, item.legal(high))
        return start if best is None else best[1]

    def _blocked(self, i: int) -> list[tuple[int, int]]:
        """Return the intervals (low, high) of starts that the placed ones block, ends excluded.

        One for each, even when both change their size over time: the intervals that any two of their
        rectangles block all contain the placed one's offset.
        """
        met, offsets = self._met, self._offsets
        items, size = met.items, met.items[i].size
        if not met.seen:
            return [(at - size, at + items[j].size) for j in met.meets[i] if (at := offsets[j]) is not None]
        return [
            (at - met.height(j, i), at + met.height(i, j))
            for j in met.meets[i]
            if (at := offsets[j]) is not None
        ]


@lru_cache(maxsize=1)
def board_of(lives: Lives) -> Board:
    """Return the items of the lives, ready to be placed; kept for the next planner."""
    return board(items_of(lives))


def board(items: Sequence[Item]) -> Board:
    """Return items ready to be placed: with a list of who meets whom only where that list is short."""
    if count_pairs(items) <= max(FEW_PAIRS, FEW_EACH * len(items)):
        return meetings(items)
    from hmcos.allocation.crowd import Crowd  # noqa: PLC0415 (numpy takes 100 ms)

    return Crowd(items)


def count_pairs(items: Iterable[Item]) -> int:
    """Return how many meetings a list of them has at most, each counted from both sides, in O(n log n).

    Items with gaps or of changing size count once for each pair of their pieces that meet.
    """
    rows = [(begin, end) for item in items for begin, end, _ in item.pieces]
    begins = sorted(begin for begin, _ in rows)
    ends = sorted(end for _, end in rows)
    return sum(bisect_left(begins, end) - bisect_right(ends, begin) - 1 for begin, end in rows)


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


def first_fit(board: Board, order: Iterable[int], placed: Sequence[int | None] | None = None) -> list[int]:
    """Return an offset per item: in that order, each at the lowest address where it meets nobody.

    Args:
        board: the items.
        order: the items to place; pinned ones, and those placed already, keep their offset.
        placed: offsets that are settled, None for those to come; without it only the pinned are.
    """
    found = first_fit_until(never, board, order, placed)
    assert found is not None
    return found


def first_fit_until(
    stop: Callable[[], bool],
    board: Board,
    order: Iterable[int],
    placed: Sequence[int | None] | None = None,
) -> list[int] | None:
    """Return what `first_fit` does; None as soon as `stop`, asked before each placement, returns True."""
    offsets = [item.offset for item in board.items] if placed is None else list(placed)
    placement = filled(board, offsets)
    for i in order:
        if offsets[i] is None:
            if stop():
                return None
            offsets[i] = at = placement.lowest(i)
            placement.put(i, at)
    return [0 if offset is None else offset for offset in offsets]


def filled(board: Board, offsets: Iterable[int | None]) -> Placement:
    """Return a placement with the items in it that have an offset."""
    placement = board.empty()
    for i, offset in enumerate(offsets):
        if offset is not None:
            placement.put(i, offset)
    return placement


def highest_end(items: Sequence[Item], offsets: Sequence[int]) -> int:
    """Return the bytes of the arena: the highest end of an item that needs room, 0 when none does."""
    return max((at + item.size for item, at in zip(items, offsets, strict=True) if item.pieces), default=0)
