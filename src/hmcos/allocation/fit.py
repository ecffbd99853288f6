"""Placing items one after the other, each at the lowest free address.

Two items meet if they are alive at the same moment; then their address ranges must not overlap. If few pairs
meet, `Meetings` lists them once for all planners. If many do, that list would grow with the square of the
items, so `Crowd` (crowd.py) scans the placed items in order of address instead. Both give the same offsets.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from hmcos.allocation.items import Item
from hmcos.allocation.items import items as items_of
from hmcos.allocation.lives import CROWDING, Crowding, Lives
from hmcos.limits import never


class Placement(Protocol):
    """The items that have an offset so far; it finds room for the next one."""

    def put(self, i: int, offset: int) -> None:
        """Give item i an offset."""
        ...

    def lowest(self, i: int, address: int = 0) -> int:
        """Return the lowest address, from the given one on, at which item i overlaps no placed item."""
        ...

    def tightest(self, i: int) -> int:
        """Return the lowest start in the smallest gap with room for item i, or above all if none has room."""
        ...


class Board(Protocol):
    """The items of an arena, and who meets whom."""

    @property
    def items(self) -> tuple[Item, ...]:
        """The items to place; the other methods name an item by its index here."""
        ...

    def empty(self) -> Placement:
        """Return a placement in which no item has an offset yet."""
        ...

    def meeting(self, i: int) -> Sequence[int]:
        """Return the other items that are alive at some moment of item i."""
        ...

    def pairs(self) -> int:
        """Return the number of pairs that meet, each counted from both sides."""
        ...


@dataclass(frozen=True, slots=True)
class Meetings:
    """A `Board` with a list of who meets whom."""

    items: tuple[Item, ...]
    meets: tuple[tuple[int, ...], ...]
    """Per item: the other items that are alive at some moment of it."""
    seen: dict[tuple[int, int], int]
    """(i, j) to the most bytes that j has while i is alive; missing if that is all of `j.size`."""

    def height(self, i: int, j: int) -> int:
        """Return the most bytes that item j has while item i is alive."""
        return self.seen.get((i, j), self.items[j].size)

    def empty(self) -> MeetingsPlacement:
        """Return a placement in which no item has an offset yet."""
        return MeetingsPlacement(self)

    def meeting(self, i: int) -> Sequence[int]:
        """Return the other items that are alive at some moment of item i."""
        return self.meets[i]

    def pairs(self) -> int:
        """Return the number of pairs that meet, each counted from both sides."""
        return sum(map(len, self.meets))


class MeetingsPlacement:
    """A `Placement` that looks only at the items that an item meets."""

    def __init__(self, met: Meetings) -> None:
        self._met = met
        self._offsets: list[int | None] = [None] * len(met.items)

    def put(self, i: int, offset: int) -> None:
        """Give item i an offset."""
        self._offsets[i] = offset

    def lowest(self, i: int, address: int = 0) -> int:
        """Return the lowest address, from the given one on, at which item i overlaps no placed item."""
        item = self._met.items[i]
        start = item.legal(address)
        for low, high in sorted(self._blocked(i)):
            if low >= start:
                break
            if start < high:
                start = item.legal(high)
        return start

    def tightest(self, i: int) -> int:
        """Return the lowest start in the smallest gap with room for item i, or above all if none has room."""
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
        """Return the open intervals (low, high) of starts that placed items block, one per placed item.

        One interval is enough even if both items change their size over time: any rectangle of one blocks
        an interval around any rectangle of the other, and all of these contain the placed item's offset.
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
    """Return the board of the lives; cached, since one planner after another asks for it."""
    return board(items_of(lives), lives.crowding)


def board(items: Sequence[Item], crowding: Crowding = CROWDING) -> Board:
    """Return the board of items: with a list of who meets whom only if that list is short."""
    if count_pairs(items) <= max(crowding.pairs, crowding.each * len(items)):
        return meetings(items)
    from hmcos.allocation.crowd import Crowd  # noqa: PLC0415 (numpy takes 100 ms)

    return Crowd(items, crowding.runs)


def count_pairs(items: Iterable[Item]) -> int:
    """Return an upper bound on the pairs that meet, each counted from both sides, in O(n log n).

    It counts pairs of pieces, so two items with gaps or of changing size may count several times.
    """
    rows = [(begin, end) for item in items for begin, end, _ in item.pieces]
    begins = sorted(begin for begin, _ in rows)
    ends = sorted(end for _, end in rows)
    return sum(bisect_left(begins, end) - bisect_right(ends, begin) - 1 for begin, end in rows)


def meetings(items: Sequence[Item]) -> Meetings:
    """Return the board with a list of who meets whom, by a sweep over time in O(n log n + pairs)."""
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
    """Return an offset per item: in the given order, each goes to the lowest address where it overlaps none.

    Args:
        board: the items.
        order: the items to place; those that are pinned or in `placed` keep their offset.
        placed: per item its offset, None if it is still to be placed; by default only the pins are given.
    """
    offsets = first_fit_until(never, board, order, placed)
    assert offsets is not None
    return offsets


def first_fit_until(
    stop: Callable[[], bool],
    board: Board,
    order: Iterable[int],
    placed: Sequence[int | None] | None = None,
) -> list[int] | None:
    """Return what `first_fit` returns, or None as soon as `stop`, asked before each item, returns True."""
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
    """Return a placement of the items that have an offset."""
    placement = board.empty()
    for i, offset in enumerate(offsets):
        if offset is not None:
            placement.put(i, offset)
    return placement


def highest_end(items: Sequence[Item], offsets: Sequence[int]) -> int:
    """Return the size of the arena in bytes: the highest end of an item that needs room, 0 if none does."""
    return max((at + item.size for item, at in zip(items, offsets, strict=True) if item.pieces), default=0)
