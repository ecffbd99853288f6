"""Ejection among thousands of items most of which meet, in arrays.

The module of `Ejecting` explains ejection, and does the same for fewer items with lists.
A placement looks at all items that are alive at some moment of the one that waits. That takes O(n) in numpy,
and memory grows with the number of items, not with the pairs that meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import numpy as np

from hmcos.allocation.crowd import Crowd, Numbers, legal
from hmcos.allocation.items import Item
from hmcos.allocation.lives import CROWDING, Crowding

DEAREST = 1 << 20
"""The highest price at first; sums of prices that rose a million times still fit into 64 bits."""


class CrowdEjecting:
    """Items that all need room; runs share what is known of their lives."""

    def __init__(self, items: Sequence[Item], crowding: Crowding = CROWDING) -> None:
        """List the pieces of the items by their first step."""
        self.items = tuple(items)
        self.crowd = Crowd(items, crowding.runs)
        rows = sorted((*piece, i) for i, pieces in enumerate(self.crowd.pieces) for piece in pieces)
        self.begins, self.ends = (np.array([row[k] for row in rows], np.int32) for k in (0, 1))
        self.sizes = np.array([row[2] for row in rows], self.crowd.whole)
        """Per row, that is per piece: its first step, the step after its last one, and its bytes."""
        self.owners = np.array([row[3] for row in rows], np.int64)
        """Per row: the item that it is a piece of."""
        self.rows: list[list[int]] = [[] for _ in self.items]
        """Per item: its rows."""
        for k, row in enumerate(rows):
            self.rows[row[3]].append(k)
        pinned = np.array([item.offset is not None for item in items], np.bool_)
        self.pinned = pinned[self.owners]
        """Per row: whether nothing can eject it."""

    def run(
        self,
        offsets: Sequence[int],
        capacity: int,
        prices: Sequence[float],
        rng: Random,
        stop: Callable[[int], bool],
    ) -> list[int]:
        """Return offsets without overlaps; they end within the capacity unless `stop` ends the run before.

        Args:
            offsets: those to begin with, without overlaps; items that end above the capacity wait first.
            capacity: that of the arena; no pinned item may end above it.
            prices: positive, per item what it costs at first to eject it, and by how much that rises with
                each time that it ejects others.
            rng: chooses among places that cost the same.
            stop: is asked before each placement, with the number of placements before it in this run.
        """
        return _Run(self, offsets, prices, rng).within(capacity, stop)


class _Run:
    """What is placed where, and what it costs to eject it."""

    def __init__(
        self, ejecting: CrowdEjecting, offsets: Sequence[int], prices: Sequence[float], rng: Random
    ) -> None:
        self._of, self._rng = ejecting, rng
        self._offsets = list(offsets)
        self._low = np.array(offsets, ejecting.crowd.whole)[ejecting.owners]
        """Per row: its offset, as long as it is placed."""
        self._placed = np.ones(len(self._low), np.bool_)
        highest = max(prices, default=1.0)
        self._rises = [1 + int(price / highest * DEAREST) for price in prices]
        self._price = np.array(self._rises, np.int64)[ejecting.owners]

    def within(self, capacity: int, stop: Callable[[int], bool]) -> list[int]:
        """Return the offsets after placing what ends above the capacity, and all that this ejects."""
        items = self._of.items
        waiting = [i for i, item in enumerate(items) if self._offsets[i] + item.size > capacity]
        waiting.sort(key=lambda i: (-items[i].size, i))
        for i in waiting:
            self._placed[self._of.rows[i]] = False
        steps = 0
        while waiting and not stop(steps):
            steps += 1
            i = waiting.pop()
            ejected = self._place(i, capacity)
            if ejected is None:
                waiting.append(i)
                break
            waiting += ejected
        for i in sorted(waiting, key=lambda i: (-items[i].size, i)):
            self._place(i, None)
        return self._offsets

    def _place(self, i: int, capacity: int | None) -> list[int] | None:
        """Place an item where that costs the least; return what it ejects, None if only pins are in its way.

        At the lowest place of no cost, or one of those of least cost. Without a capacity nothing is ejected.
        """
        rows, lows, highs = self._barriers(i)
        places = self._places(i, lows, highs, capacity)
        costs = _held(lows, highs, self._price[rows], places)
        if self._of.pinned.any():
            pinned = self._of.pinned[rows]
            is_free = _held(lows[pinned], highs[pinned], self._price[rows][pinned], places) == 0
            places, costs = places[is_free], costs[is_free]
        if not len(places):
            return None
        cheapest = places[costs == costs.min()]
        if costs.min() == 0:
            self._put(i, int(cheapest[0]))
            return []
        place = int(cheapest[self._rng.randrange(len(cheapest))])
        ejected = sorted({*self._of.owners[rows[(lows < place) & (place < highs)]].tolist()})
        self._put(i, place)
        self._price[self._of.rows[i]] += self._rises[i]
        for j in ejected:
            self._placed[self._of.rows[j]] = False
        return ejected

    def _barriers(self, i: int) -> tuple[Numbers, Numbers, Numbers]:
        """Return placed rows that item i meets, and the open intervals (low, high) of starts that they block.

        A row appears several times if item i changes its size.
        """
        of, pieces = self._of, self._of.crowd.pieces[i]
        count = int(np.searchsorted(of.begins, pieces[-1][1]))
        begins, ends, placed = of.begins[:count], of.ends[:count], self._placed[:count]
        parts: list[tuple[Numbers, Numbers, Numbers]] = []
        for size, runs in of.crowd.runs[i]:
            rows = np.flatnonzero(of.crowd.alive_in(runs, begins, ends) & placed)
            low = self._low[rows]
            parts.append((rows, low - size, low + of.sizes[rows]))
        if len(parts) == 1:
            return parts[0]
        rows, lows, highs = (np.concatenate(column) for column in zip(*parts, strict=True))
        return rows, lows, highs

    def _places(self, i: int, lows: Numbers, highs: Numbers, capacity: int | None) -> Numbers:
        """Return the places where an item touches others or an end of the arena, ascending."""
        item, whole = self._of.items[i], self._of.crowd.whole
        ends = [0] if capacity is None else [0, max(0, capacity - item.size)]
        places = np.unique(np.maximum(np.concatenate((lows, highs, np.array(ends, whole))), 0))
        if item.step > 1 or item.spans[0] != (0, None):
            places = np.unique(legal(item, places))
        return places if capacity is None else places[places <= capacity - item.size]

    def _put(self, i: int, place: int) -> None:
        rows = self._of.rows[i]
        self._offsets[i] = place
        self._low[rows] = place
        self._placed[rows] = True


def _held(lows: Numbers, highs: Numbers, weights: Numbers, places: Numbers) -> Numbers:
    """Return, per place, the sum of the weights of the open intervals (low, high) that hold it."""
    begun, ended = (np.argsort(ends) for ends in (lows, highs))
    before = np.concatenate(([0], weights[begun].cumsum()))[np.searchsorted(lows[begun], places)]
    after = np.concatenate(([0], weights[ended].cumsum()))[np.searchsorted(highs[ended], places, "right")]
    return before - after
