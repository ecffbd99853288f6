"""The moments that matter."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.items import Item

Section = tuple[tuple[int, int], ...]
"""The items that are alive at one moment, ascending, each with the bytes it has then."""


def sections(items: Sequence[Item]) -> tuple[Section, ...]:
    """Return the moments at which memory is locally fullest, in order of time.

    Every other moment has the same items as one of its neighbours, or fewer, or smaller ones, so two items
    are apart everywhere when they are apart in these (MiniMalloc, ASPLOS 2023, calls them sections).
    """
    events: dict[int, dict[int, int]] = {}
    for i, item in enumerate(items):
        for _, end, _ in item.pieces:
            events.setdefault(end, {}).setdefault(i, 0)
        for begin, _, size in item.pieces:
            events.setdefault(begin, {})[i] = size
    found: list[Section] = []
    alive: dict[int, int] = {}
    grown = False
    for time in sorted(events):
        change = events[time]
        if grown and any(size < alive.get(i, 0) for i, size in change.items()):
            found.append(tuple(sorted(alive.items())))
            grown = False
        grown = grown or any(size > alive.get(i, 0) for i, size in change.items())
        alive.update(change)
        for i in [i for i, size in change.items() if not size]:
            del alive[i]
    return tuple(found)
