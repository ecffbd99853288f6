"""Sections: the moments that matter to an arena."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from hmcos.allocation.items import Item

Section = tuple[tuple[int, int], ...]
"""The items that are alive at one moment, ascending, each with the bytes it has then."""

Stretch = tuple[range, int]
"""A range of consecutive sections, and the bytes that an item has in all of them."""


def stretches(items: Sequence[Item]) -> tuple[int, list[list[Stretch]]]:
    """Return the number of sections, and per item the stretches of sections it is in, ascending.

    Sections are the moments at which memory is locally fullest, in order of time. At every other moment the
    same items are alive as in a neighbouring section, or fewer, or smaller ones. So items that overlap in no
    section never overlap (the sections of MiniMalloc, ASPLOS 2023). Takes O(n log n).
    """
    closed = _closed(items)
    return len(closed), [_stretches(item, closed) for item in items]


def _stretches(item: Item, closed: Sequence[int]) -> list[Stretch]:
    merged: list[Stretch] = []
    for begin, end, size in item.pieces:
        first, last = bisect_right(closed, begin), bisect_right(closed, end)
        if merged and (merged[-1][0].stop, merged[-1][1]) == (first, size):
            first = merged.pop()[0].start  # no section lies in the gap between the two pieces
        if first < last:
            merged.append((range(first, last), size))
    return merged


def entries(items: Sequence[Item]) -> int:
    """Return the number of entries in the table that `sections` would make, in O(n log n)."""
    return sum(len(stretch) for rows in stretches(items)[1] for stretch, _ in rows)


def sections(items: Sequence[Item]) -> tuple[Section, ...]:
    """Return the items of each section; this table may grow with the square of the number of items."""
    count, by_item = stretches(items)
    rows: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for i, inside in enumerate(by_item):
        for stretch, size in inside:
            for s in stretch:
                rows[s].append((i, size))
    return tuple(map(tuple, rows))


def _closed(items: Sequence[Item]) -> list[int]:
    """Return the times at which sections end: an item shrinks there, and one grew since the last time."""
    events: dict[int, dict[int, int]] = {}
    for i, item in enumerate(items):
        for _, end, _ in item.pieces:
            events.setdefault(end, {}).setdefault(i, 0)
        for begin, _, size in item.pieces:
            events.setdefault(begin, {})[i] = size
    closed: list[int] = []
    alive: dict[int, int] = {}
    grown = False
    for time in sorted(events):
        change = events[time]
        if grown and any(size < alive.get(i, 0) for i, size in change.items()):
            closed.append(time)
            grown = False
        grown = grown or any(size > alive.get(i, 0) for i, size in change.items())
        alive.update(change)
    return closed
