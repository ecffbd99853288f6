"""Lives that share one offset, as one thing to place."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from hmcos.allocation.lives import Lives, check_pin, pieces
from hmcos.errors import InstanceError

Piece = tuple[int, int, int]
"""Steps [begin, end) and the bytes in use then, counted from the offset of the item."""


@dataclass(frozen=True, slots=True)
class Item:
    """Lives at one offset: a life and those that take it over in place, or a life alone.

    Seen over time it is a row of rectangles that stand on one line: gaps leave holes in the row, a smaller
    life that takes over a larger one frees the tail.
    """

    lives: tuple[int, ...]
    pieces: tuple[Piece, ...]
    """Ascending in time, disjoint, none empty; none at all when nothing needs room."""
    size: int
    """Bytes of its largest life."""
    step: int
    """Within a pool it starts at a multiple of this."""
    spans: tuple[tuple[int, int | None], ...]
    """First and last address it may start at, one pair per pool, ascending; the last pair has no end."""
    offset: int | None = None
    """Pinned there."""

    def legal(self, address: int) -> int:
        """Return the lowest address, from the given one on, that it may start at."""
        for first, last in self.spans:
            start = first - (first - address) // self.step * self.step if address > first else first
            if last is None or start <= last:
                return start
        raise AssertionError("the last span has no end")


def items(lives: Lives) -> tuple[Item, ...]:
    """Return what there is to place, in order of the first life of each; external lives are left out.

    Raises:
        InstanceError: lives that continue each other overlap in time, are pinned apart or where one of them
            may not be, are external only in part or have no pool in common; or pinned lives meet.
    """
    found = tuple(_item(lives, group) for group in _groups(lives) if not _is_external(lives, group))
    _check_pins([item for item in found if item.offset is not None])
    return found


def _groups(lives: Lives) -> list[list[int]]:
    """Return the lives that share an offset, each group ascending, ordered by first life."""
    leader = list(range(len(lives.lives)))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for i, life in enumerate(lives.lives):
        if life.takes_over is not None:
            a, b = find(i), find(life.takes_over)
            leader[max(a, b)] = min(a, b)
    found: dict[int, list[int]] = {}
    for i in range(len(leader)):
        found.setdefault(find(i), []).append(i)
    return list(found.values())


def _is_external(lives: Lives, group: Sequence[int]) -> bool:
    outside = [lives.demand(i).external for i in group]
    if any(outside) and not all(outside):
        raise InstanceError(
            f"life {group[outside.index(False)]}: continues an external life inside the arena"
        )
    return all(outside)


def _item(lives: Lives, group: Sequence[int]) -> Item:
    rectangles = sorted(
        (begin, end, lives.footprint(i))
        for i in group
        if lives.footprint(i)
        for begin, end in pieces(lives, i)
    )
    for (_, end, _), (begin, _, _) in itertools.pairwise(rectangles):
        if begin < end:
            raise InstanceError(f"life {group[0]}: two of its continuations are alive at step {begin}")
    pins = sorted({pin for i in group if (pin := lives.demand(i).offset) is not None})
    if len(pins) > 1:
        raise InstanceError(f"life {group[0]}: its continuations are pinned at {pins[0]} and at {pins[1]}")
    for i in group if pins else ():
        check_pin(lives, i, pins[0])
    step = lcm(*(lives.step(i) for i in group))
    size = max(lives.footprint(i) for i in group)
    return Item(
        tuple(group),
        tuple(_joined(rectangles)),
        size,
        step,
        _spans(lives, group, size),
        pins[0] if pins else None,
    )


def _joined(rectangles: Sequence[Piece]) -> list[Piece]:
    """Return the rectangles with neighbours of one height made one."""
    found: list[Piece] = []
    for begin, end, size in rectangles:
        if found and found[-1][1] == begin and found[-1][2] == size:
            found[-1] = (found[-1][0], end, size)
        else:
            found.append((begin, end, size))
    return found


def _spans(lives: Lives, group: Sequence[int], size: int) -> tuple[tuple[int, int | None], ...]:
    allowed = set(range(len(lives.pools)))
    for i in group:
        asked = lives.demand(i).pools
        if asked:
            allowed &= set(asked)
    if lives.pools and not allowed:
        raise InstanceError(f"life {group[0]}: its continuations have no pool in common")
    walls, needed = lives.walls, max(size, lives.alignment)  # also a life of no bytes starts inside its pool
    inside = [(walls[k], walls[k + 1] - needed) for k in sorted(allowed)]
    return (*((first, last) for first, last in inside if first <= last), (walls[-1], None))


def _check_pins(pinned: Sequence[Item]) -> None:
    """Do nothing if no two of the items meet: a sweep over time keeps who is alive in order of address."""
    events: list[tuple[int, bool, int, int, int]] = []
    for item in pinned:
        assert item.offset is not None
        for begin, end, size in item.pieces:
            row = (item.offset, item.offset + size, item.lives[0])
            events += [(begin, True, *row), (end, False, *row)]
    alive: list[tuple[int, int, int]] = []
    for _, begins, *row in sorted(events):  # what ends comes first
        bottom, top, life = row
        at = bisect_left(alive, (bottom, top, life))
        if not begins:
            del alive[at]
            continue
        for other_bottom, other_top, other in alive[max(at - 1, 0) : at + 1]:
            if bottom < other_top and other_bottom < top:
                first, second = sorted((life, other))
                raise InstanceError(f"lives {first} and {second} are pinned onto each other")
        alive.insert(at, (bottom, top, life))
