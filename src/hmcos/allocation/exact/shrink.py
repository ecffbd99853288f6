"""Making the problem smaller before it is searched."""

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
"""A round of looking for items to place later is followed by another one when it finds one in so many."""


def unit_of(items: Sequence[Item]) -> int:
    """Return the largest number of bytes such that offsets need to be looked for at its multiples only.

    Left-justified arenas end at sums of sizes, so it divides all sizes, pins and pool borders; and each
    step divides it or is a multiple of it.
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
    """Return items that can be placed within the capacity after all others, the last one first to place.

    Each of those it meets, wherever it lies, blocks an open interval of starts. An item that has more starts
    than all of them can block together finds a free one. Taking it out makes others easier, and so on.
    Items without room, which go anywhere, are among the result; pinned ones, and those in pools, are not.
    When `stop` returns True, fewer are found.
    """
    free = [item.offset is None and item.spans[0] == (0, None) for item in board.items]
    if isinstance(board, Meetings):
        return _postponable_one_by_one(board, capacity, free, stop)
    return _postponable_in_rounds(board.items, capacity, free, stop)


def _postponable_one_by_one(
    met: Meetings, capacity: int, free: Sequence[bool], stop: Callable[[], bool]
) -> list[int]:
    found: list[int] = []
    blocked = [_all_blocked(met, i) for i in range(len(met.items))]
    queue = list(range(len(met.items)))
    gone = [not may for may in free]
    while queue and not stop():
        i = queue.pop()
        item = met.items[i]
        if gone[i] or (item.pieces and _starts(item, capacity) <= blocked[i]):
            continue
        gone[i] = True
        found.append(i)
        for k in met.meets[i]:
            if not gone[k]:
                blocked[k] -= _blocked(met, k, i)
                queue.append(k)
    return found[::-1]


def _postponable_in_rounds(
    items: Sequence[Item], capacity: int, free: Sequence[bool], stop: Callable[[], bool]
) -> list[int]:
    """Return the same where nobody lists who meets whom: several at once, and perhaps not all.

    An item counts as if it had its largest size all the time, gaps included.
    """
    found = [i for i, item in enumerate(items) if free[i] and not item.pieces]
    left = [i for i, item in enumerate(items) if item.pieces]
    going = left
    while going and len(going) * WORTHWHILE >= len(left) and not stop():
        present = Present([items[i] for i in left])
        going = [i for i in left if free[i] and _starts(items[i], capacity) > present.blocked(items[i])]
        found += going
        gone = set(going)
        left = [i for i in left if i not in gone]
    return found[::-1]


class Present:
    """Items that are there, and what they block of the starts of one of them, in O(log n)."""

    def __init__(self, items: Sequence[Item]) -> None:
        """Take items that need room."""
        self._begins, self._begun = _summed([(item.pieces[0][0], item.size) for item in items])
        self._ends, self._ended = _summed([(item.pieces[-1][1], item.size) for item in items])

    def blocked(self, item: Item) -> int:
        """Return how many starts of the item the others that it meets can block at most."""
        begun = bisect_left(self._begins, item.pieces[-1][1])
        ended = bisect_right(self._ends, item.pieces[0][0])
        others = begun - ended - 1
        starts = self._begun[begun] - self._ended[ended] - item.size + others * (item.size - 1)
        return (starts + others * (item.step - 1)) // item.step


def _summed(rows: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return times, ascending, and the sum of the sizes before each of them and after the last."""
    ordered = sorted(rows)
    return [time for time, _ in ordered], [0, *accumulate(size for _, size in ordered)]


def _starts(item: Item, capacity: int) -> int:
    return max(0, (capacity - item.size) // item.step + 1)


def _all_blocked(met: Meetings, i: int) -> int:
    return sum(_blocked(met, i, k) for k in met.meets[i])


def _blocked(met: Meetings, i: int, k: int) -> int:
    """Return how many starts of item i the item k can block at most."""
    starts = met.height(i, k) + met.height(k, i) - 1
    return -(-starts // met.items[i].step)


def clusters(items: Sequence[Item], left: Sequence[int]) -> list[list[int]]:
    """Return the items that are left in groups that meet nobody of another group, each ascending."""
    leader = {i: i for i in left}

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    rows = sorted((begin, end, i) for i in left for begin, end, _ in items[i].pieces)
    reach, before = -1, -1
    for begin, end, i in rows:
        if begin < reach:  # all that are alive now are in one group
            a, b = find(i), find(before)
            leader[max(a, b)] = min(a, b)
        reach, before = max(reach, end), i
    found: dict[int, list[int]] = {}
    for i in sorted(left):
        found.setdefault(find(i), []).append(i)
    return list(found.values())
