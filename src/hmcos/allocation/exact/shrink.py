"""Reductions before the search: larger units, items to place afterwards, and independent clusters."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from math import gcd

from hmcos.allocation.fit import Board, Meetings
from hmcos.allocation.items import Item
from hmcos.limits import never

WORTHWHILE = 100
"""There is another round only if the last one postponed at least one in this many of the items left."""


def unit_of(items: Sequence[Item]) -> int:
    """Return the largest number of bytes of which all offsets may be multiples.

    In a left-justified arena offsets are sums of sizes, so the unit divides all sizes, pins and pool borders;
    and each step divides the unit or is a multiple of it.
    """
    unit = 0
    for item in items:
        unit = gcd(unit, item.offset or 0, *(size for _, _, size in item.pieces), item.size)
        unit = gcd(unit, *(bound for span in item.spans for bound in span if bound is not None))
    unit = unit or 1
    while odd := [item.step for item in items if unit % item.step and item.step % unit]:
        unit = gcd(unit, *odd)
    return unit


def scaled(item: Item, unit: int) -> Item:
    """Return the item with all addresses and sizes divided by the unit."""
    return replace(
        item,
        pieces=tuple((begin, end, size // unit) for begin, end, size in item.pieces),
        size=item.size // unit,
        step=max(1, item.step // unit),
        spans=tuple((first // unit, None if last is None else last // unit) for first, last in item.spans),
        offset=None if item.offset is None else item.offset // unit,
    )


def postponable(board: Board, capacity: int, stop: Callable[[], bool] = never) -> list[int]:
    """Return items that always fit into the capacity after all others, in the order to place them.

    Each item that one meets blocks an open interval of its starts, wherever it lies. An item that has more
    starts than all of them can block together always has a free one, so it need not be searched. Leaving it
    out unblocks starts of others, which may become postponable in turn. Items that need no room are among the
    result; items that are pinned or restricted to pools are not. Once `stop` returns True, no more are added.
    """
    free = [item.offset is None and item.spans[0] == (0, None) for item in board.items]
    if isinstance(board, Meetings):
        return _postponable_one_by_one(board, capacity, free, stop)
    return _postponable_in_rounds(board.items, capacity, free, stop)


def _postponable_one_by_one(
    met: Meetings, capacity: int, free: Sequence[bool], stop: Callable[[], bool]
) -> list[int]:
    postponed: list[int] = []
    blocked = [_all_blocked(met, i) for i in range(len(met.items))]
    queue = list(range(len(met.items)))
    gone = [not may for may in free]
    while queue and not stop():
        i = queue.pop()
        item = met.items[i]
        if gone[i] or (item.pieces and _starts(item, capacity) <= blocked[i]):
            continue
        gone[i] = True
        postponed.append(i)
        for k in met.meets[i]:
            if not gone[k]:
                blocked[k] -= _blocked(met, k, i)
                queue.append(k)
    return postponed[::-1]


def _postponable_in_rounds(
    items: Sequence[Item], capacity: int, free: Sequence[bool], stop: Callable[[], bool]
) -> list[int]:
    """Return postponable items without a list of who meets whom: several per round, and perhaps not all.

    An item counts as if it had its largest size all the time, gaps included.
    """
    postponed = [i for i, item in enumerate(items) if free[i] and not item.pieces]
    left = [i for i, item in enumerate(items) if item.pieces]
    going = left
    while going and len(going) * WORTHWHILE >= len(left) and not stop():
        remaining = Remaining([items[i] for i in left])
        going = [i for i in left if free[i] and _starts(items[i], capacity) > remaining.blocked(items[i])]
        postponed += going
        gone = set(going)
        left = [i for i in left if i not in gone]
    return postponed[::-1]


class Remaining:
    """The items still in the problem; says in O(log n) how many starts they block of one of them."""

    def __init__(self, items: Sequence[Item]) -> None:
        """Index items that need room by their first and last step."""
        self._begins, self._begun = _summed([(item.pieces[0][0], item.size) for item in items])
        self._ends, self._ended = _summed([(item.pieces[-1][1], item.size) for item in items])

    def blocked(self, item: Item) -> int:
        """Return the most starts of an item that the others which it meets can block."""
        begun = bisect_left(self._begins, item.pieces[-1][1])
        ended = bisect_right(self._ends, item.pieces[0][0])
        others = begun - ended - 1
        starts = self._begun[begun] - self._ended[ended] - item.size + others * (item.size - 1)
        return (starts + others * (item.step - 1)) // item.step


def _summed(rows: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return the times of (time, size) rows, ascending, and the running sums of the sizes, from 0 on."""
    ordered = sorted(rows)
    return [time for time, _ in ordered], [0, *accumulate(size for _, size in ordered)]


def _starts(item: Item, capacity: int) -> int:
    return max(0, (capacity - item.size) // item.step + 1)


def _all_blocked(met: Meetings, i: int) -> int:
    return sum(_blocked(met, i, k) for k in met.meets[i])


def _blocked(met: Meetings, i: int, k: int) -> int:
    """Return the most starts of item i that item k can block."""
    starts = met.height(i, k) + met.height(k, i) - 1
    return -(-starts // met.items[i].step)


def clusters(items: Sequence[Item], left: Sequence[int]) -> list[list[int]]:
    """Return the items in `left` as groups, each ascending; items of different groups never meet."""
    leader = {i: i for i in left}

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    rows = sorted((begin, end, i) for i in left for begin, end, _ in items[i].pieces)
    reach, before = -1, -1
    for begin, end, i in rows:
        if begin < reach:  # all pieces that are alive now belong to one group
            a, b = find(i), find(before)
            leader[max(a, b)] = min(a, b)
        reach, before = max(reach, end), i
    groups: dict[int, list[int]] = {}
    for i in sorted(left):
        groups.setdefault(find(i), []).append(i)
    return list(groups.values())
