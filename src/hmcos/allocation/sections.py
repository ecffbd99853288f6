"""The moments that matter."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from hmcos.allocation.items import Item

Section = tuple[tuple[int, int], ...]
"""The items that are alive at one moment, ascending, each with the bytes it has then."""

Stretch = tuple[range, int]
"""Sections one after the other in which an item has so many bytes."""


def stretches(items: Sequence[Item]) -> tuple[int, list[list[Stretch]]]:
    """Return how many sections there are, and per item where it is in them, ascending; in O(n log n).

    Sections are the moments at which memory is locally fullest, in order of time. Every other moment has the
    same items as one of its neighbours, or fewer, or smaller ones, so two items are apart everywhere when
    they are apart in these (MiniMalloc, ASPLOS 2023, calls them sections).
    """
    closed = _closed(items)
    return len(closed), [_stretches(item, closed) for item in items]


def _stretches(item: Item, closed: Sequence[int]) -> list[Stretch]:
    found: list[Stretch] = []
    for begin, end, size in item.pieces:
        first, last = bisect_right(closed, begin), bisect_right(closed, end)
        if found and (found[-1][0].stop, found[-1][1]) == (first, size):
            first = found.pop()[0].start  # no section lies in the gap
        if first < last:
            found.append((range(first, last), size))
    return found


def entries(items: Sequence[Item]) -> int:
    """Return how many entries `sections` would have for these items, in O(n log n)."""
    return sum(len(stretch) for rows in stretches(items)[1] for stretch, _ in rows)


def sections(items: Sequence[Item]) -> tuple[Section, ...]:
    """Return what is in each section: a table that may grow with the square of the items."""
    count, found = stretches(items)
    rows: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for i, inside in enumerate(found):
        for stretch, size in inside:
            for s in stretch:
                rows[s].append((i, size))
    return tuple(map(tuple, rows))


def _closed(items: Sequence[Item]) -> list[int]:
    """Return the times at which sections end: something grew before them, and something shrinks there."""
    events: dict[int, dict[int, int]] = {}
    for i, item in enumerate(items):
        for _, end, _ in item.pieces:
            events.setdefault(end, {}).setdefault(i, 0)
        for begin, _, size in item.pieces:
            events.setdefault(begin, {})[i] = size
    found: list[int] = []
    alive: dict[int, int] = {}
    grown = False
    for time in sorted(events):
        change = events[time]
        if grown and any(size < alive.get(i, 0) for i, size in change.items()):
            found.append(time)
            grown = False
        grown = grown or any(size > alive.get(i, 0) for i, size in change.items())
        alive.update(change)
    return found
