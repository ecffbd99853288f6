"""Making the problem smaller before it is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd

from hmcos.allocation.fit import Meetings
from hmcos.allocation.items import Item


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


def postponable(met: Meetings, capacity: int) -> list[int]:
    """Return items that can be placed within the capacity after all others, the last one first to place.

    Each of those it meets, wherever it lies, blocks an open interval of starts. An item that has more starts
    than all of them can block together finds a free one. Taking it out makes others easier, and so on.
    Items without room, which go anywhere, are among the result; pinned ones, and those in pools, are not.
    """
    free: list[int] = []
    blocked = [_all_blocked(met, i) for i in range(len(met.items))]
    queue = list(range(len(met.items)))
    gone = [item.offset is not None or item.spans[0] != (0, None) for item in met.items]
    while queue:
        i = queue.pop()
        item = met.items[i]
        if gone[i] or (item.pieces and _starts(item, capacity) <= blocked[i]):
            continue
        gone[i] = True
        free.append(i)
        for k in met.meets[i]:
            if not gone[k]:
                blocked[k] -= _blocked(met, k, i)
                queue.append(k)
    return free[::-1]


def _starts(item: Item, capacity: int) -> int:
    return max(0, (capacity - item.size) // item.step + 1)


def _all_blocked(met: Meetings, i: int) -> int:
    return sum(_blocked(met, i, k) for k in met.meets[i])


def _blocked(met: Meetings, i: int, k: int) -> int:
    """Return how many starts of item i the item k can block at most."""
    starts = met.height(i, k) + met.height(k, i) - 1
    return -(-starts // met.items[i].step)


def clusters(met: Meetings, left: Sequence[int]) -> list[list[int]]:
    """Return the items that are left in groups that meet nobody of another group, each ascending."""
    waiting = set(left)
    found: list[list[int]] = []
    for i in sorted(left):
        if i not in waiting:
            continue
        waiting.remove(i)
        group = [i]
        for j in group:
            new = [k for k in met.meets[j] if k in waiting]
            waiting.difference_update(new)
            group += new
        found.append(sorted(group))
    return found
