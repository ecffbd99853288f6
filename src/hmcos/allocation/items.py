"""Items: lives that share one offset, to be placed as one."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from hmcos.allocation.lives import Lives, check_pin, pieces
from hmcos.errors import InstanceError

LifePiece = tuple[int, int, int]
"""Steps [begin, end) and the bytes in use then, counted from the offset of the item."""


@dataclass(frozen=True, slots=True)
class Item:
    """Lives at one offset: a life alone, or a life and those that take it over in place.

    Drawn over time, an item is a row of rectangles with a common bottom. Gaps leave holes in the row; where a
    smaller life takes over a larger one, the rest of the bytes is free.
    """

    lives: tuple[int, ...]
    pieces: tuple[LifePiece, ...]
    """Ascending in time, disjoint, none of them empty; no pieces at all if the item needs no room."""
    size: int
    """Bytes of its largest life."""
    step: int
    """Its offset within a pool is a multiple of this number of bytes."""
    spans: tuple[tuple[int, int | None], ...]
    """First and last address that it may start at, one pair per pool, ascending. The last pair has no end:
    an item that fits into no pool goes behind them all."""
    offset: int | None = None
    """The address that it is pinned at, None if it is free."""

    def legal(self, address: int) -> int:
        """Return the lowest address, from the given one on, that it may start at by alignment and pools."""
        for first, last in self.spans:
            start = first - (first - address) // self.step * self.step if address > first else first
            if last is None or start <= last:
                return start
        raise AssertionError("the last span has no end")


def items(lives: Lives) -> tuple[Item, ...]:
    """Return the items to place, in order of their first life; external lives are left out.

    Raises:
        InstanceError: lives of one item overlap in time, are pinned at different offsets or where one of them
            may not be, are external only in part, or have no pool in common; or two pinned lives overlap.
    """
    placed = tuple(_item(lives, group) for group in _groups(lives) if not _is_external(lives, group))
    _check_pins([item for item in placed if item.offset is not None])
    return placed


def _groups(lives: Lives) -> list[list[int]]:
    """Return the groups of lives that share an offset, each ascending, in order of their first life."""
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
    groups: dict[int, list[int]] = {}
    for i in range(len(leader)):
        groups.setdefault(find(i), []).append(i)
    return list(groups.values())


def _is_external(lives: Lives, group: Sequence[int]) -> bool:
    outside = [lives.demand(i).external for i in group]
    if any(outside) and not all(outside):
        raise InstanceError(
            f"life {group[outside.index(False)]}: continues an external life inside the arena"
        )
    return all(outside)


def _item(lives: Lives, group: Sequence[int]) -> Item:
    if len(group) == 1 and not lives.demands and not lives.pools:
        return _plain(lives, group[0])
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
        tuple(_merged(rectangles)),
        size,
        step,
        _spans(lives, group, size),
        pins[0] if pins else None,
    )


def _plain(lives: Lives, i: int) -> Item:
    """Return the item of a life alone that asks for nothing; most are, and there may be 100,000."""
    life, size = lives.lives[i], lives.footprint(i)
    needed = ((life.birth, life.death, size),) if size and life.birth < life.death else ()
    return Item((i,), needed, size, lives.alignment, ((0, None),))


def _merged(rectangles: Sequence[LifePiece]) -> list[LifePiece]:
    """Return the rectangles after merging each with the next one if they touch and have one height."""
    merged: list[LifePiece] = []
    for begin, end, size in rectangles:
        if merged and merged[-1][1] == begin and merged[-1][2] == size:
            merged[-1] = (merged[-1][0], end, size)
        else:
            merged.append((begin, end, size))
    return merged


def _spans(lives: Lives, group: Sequence[int], size: int) -> tuple[tuple[int, int | None], ...]:
    allowed = set(range(len(lives.pools)))
    for i in group:
        asked = lives.demand(i).pools
        if asked:
            allowed &= set(asked)
    if lives.pools and not allowed:
        raise InstanceError(f"life {group[0]}: its continuations have no pool in common")
    walls, needed = lives.walls, max(size, lives.alignment)  # a life of no bytes, too, starts inside its pool
    inside = [(walls[k], walls[k + 1] - needed) for k in sorted(allowed)]
    return (*((first, last) for first, last in inside if first <= last), (walls[-1], None))


def _check_pins(pinned: Sequence[Item]) -> None:
    """Check that no two pinned items overlap, by a sweep over time with the alive ones sorted by address.

    Raises:
        InstanceError: two of them overlap; names their lives.
    """
    events: list[tuple[int, bool, int, int, int]] = []
    for item in pinned:
        assert item.offset is not None
        for begin, end, size in item.pieces:
            row = (item.offset, item.offset + size, item.lives[0])
            events += [(begin, True, *row), (end, False, *row)]
    alive: list[tuple[int, int, int]] = []
    for _, begins, *row in sorted(events):  # at one step, lives end before others begin
        bottom, top, life = row
        at = bisect_left(alive, (bottom, top, life))
        if not begins:
            del alive[at]
            continue
        for other_bottom, other_top, other in alive[max(at - 1, 0) : at + 1]:
            if bottom < other_top and other_bottom < top:
                first, second = sorted((life, other))
                raise InstanceError(f"lives {first} and {second} are pinned at overlapping addresses")
        alive.insert(at, (bottom, top, life))
