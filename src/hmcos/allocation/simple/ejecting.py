"""A search for offsets within a capacity: an item without room takes it from others, which are placed again.

Each item has a price. The item that waits goes where the prices of those that it ejects add up to the least,
and becomes dearer itself, so that no two eject each other for ever. Where all sizes but few are equal, most
items stay where they are: a step costs as much as the items that one item meets, not as all of them.

The pool of ejected items and the prices that grow: Nagata and Braysy, Operations Research Letters 37 (2009),
there for the routes of vehicles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hmcos.allocation.fit import board
from hmcos.allocation.items import Item

PINNED = 1 << 80
"""The price of an item that nothing can eject; no sum of other prices is as high."""

LISTED = 2_000_000
"""Barriers that are remembered at most; the others are looked up each time."""

Barrier = tuple[int, int, int]
"""Another item j that an item i meets, and the most bytes that i and j have at the same moment: where j is
at offset x, i can neither start in the open interval (x - bytes of i, x + bytes of j)."""


class Ejecting:
    """Items that all need room; several runs share what is known of who meets whom."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        self.steps = 0
        """Placements in all runs."""
        self.board = board(self.items)
        self._barriers: dict[int, list[Barrier]] = {}
        self._room = LISTED
        self._plain = [item.step == 1 and item.spans[0] == (0, None) for item in self.items]

    def run(
        self,
        offsets: Sequence[int],
        capacity: int,
        prices: Sequence[int],
        rng: Random,
        stop: Callable[[int], bool],
    ) -> list[int] | None:
        """Return offsets that end within a capacity, or None if `stop` ends the run before.

        Args:
            offsets: those to begin with, without overlaps; items that end above the capacity wait first.
            capacity: that of the arena; pinned items must end within it.
            prices: per item what it costs to eject it at first, and by how much that rises with each time
                that it ejects others; positive.
            rng: chooses among places that cost the same.
            stop: is asked before each placement, with the number of placements in this run.
        """
        found: list[int | None] = list(offsets)
        prices, rises = list(prices), prices
        for i, item in enumerate(self.items):
            if item.offset is not None:
                prices[i] = PINNED
        waiting = [i for i, item in enumerate(self.items) if offsets[i] + item.size > capacity]
        waiting.sort(key=lambda i: (-self.items[i].size, i))
        for i in waiting:
            found[i] = None
        before = self.steps
        while waiting:
            if stop(self.steps - before):
                return None
            self.steps += 1
            i = waiting.pop()
            cost, place = self._cheapest(i, capacity, found, prices, rng)
            if cost >= PINNED:
                return None
            found[i] = place
            if cost:
                prices[i] += rises[i]
                waiting += self._ejected(i, place, found)
        return [0 if offset is None else offset for offset in found]

    def _cheapest(
        self,
        i: int,
        capacity: int,
        offsets: Sequence[int | None],
        prices: Sequence[int],
        rng: Random,
    ) -> tuple[int, int]:
        """Return what it costs to place an item, and where: at a place that touches others, or at the end.

        The lowest place without cost; one of those that cost the least, if all of them cost something.
        """
        item = self.items[i]
        last = capacity - item.size
        rises: dict[int, int] = {0: 0, last: 0}
        falls: dict[int, int] = {}
        for j, own, other in self._barred_by(i):
            at = offsets[j]
            if at is not None:
                price = prices[j]
                rises[at - own] = rises.get(at - own, 0) + price
                falls[at + other] = falls.get(at + other, 0) + price
        places = rises.keys() | falls.keys()
        legal = places if self._plain[i] else {item.legal(max(0, place)) for place in places}
        cost, least, cheapest = 0, PINNED, [0]
        for place in sorted(places | legal):
            if place > last:
                break
            cost -= falls.get(place, 0)
            if cost <= least and place >= 0 and place in legal:
                if not cost:
                    return 0, place
                if cost < least:
                    least, cheapest = cost, []
                cheapest.append(place)
            cost += rises.get(place, 0)
        return least, cheapest[rng.randrange(len(cheapest))]

    def _ejected(self, i: int, place: int, offsets: list[int | None]) -> list[int]:
        """Take the offsets of the items that an item overlaps at its new place; return these items."""
        out: list[int] = []
        for j, own, other in self._barred_by(i):
            at = offsets[j]
            if at is not None and at - own < place < at + other:
                offsets[j] = None
                out.append(j)
        return out

    def _barred_by(self, i: int) -> list[Barrier]:
        known = self._barriers.get(i)
        if known is None:
            item = self.items[i]
            known = [(j, *_heights(item, self.items[j])) for j in self.board.meeting(i)]
            self._room -= len(known)
            if self._room >= 0:
                self._barriers[i] = known
        return known


def _heights(item: Item, other: Item) -> tuple[int, int]:
    """Return the most bytes that two items have at moments when both are alive."""
    if len(item.pieces) == len(other.pieces) == 1:
        return item.size, other.size
    met = [
        (size, high)
        for begin, end, size in item.pieces
        for first, last, high in other.pieces
        if begin < last and first < end
    ]
    return max(size for size, _ in met), max(high for _, high in met)
