"""Placing thousands of items most of which meet: one table of all placed items, sorted by address.

A list of who meets whom would grow with the square of the items here (see fit.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hmcos.allocation.fit import count_pairs
from hmcos.allocation.items import Item, LifePiece
from hmcos.allocation.lives import CROWDING

Numbers = npt.NDArray[Any]
"""Steps or addresses: whole numbers."""

LARGEST = 2**62
"""Below this, sums and differences of addresses fit into 64 bits."""

FEW_ROWS = 8
"""Up to this many rows, a scan in Python takes less time than the calls of numpy."""

Steps = tuple[int, int]
"""Steps [begin, end)."""


class Crowd:
    """A `Board` without a list of who meets whom."""

    def __init__(self, items: Sequence[Item], few_runs: int = CROWDING.runs) -> None:
        """Index the items by time, in memory that grows with their number, not with the pairs that meet."""
        self.items = tuple(items)
        self.few_runs = few_runs
        """For more runs of a life than these, there is a table over all steps."""
        times = sorted({time for item in self.items for piece in item.pieces for time in piece[:2]})
        rank = {time: k for k, time in enumerate(times)}
        self.pieces: list[list[LifePiece]] = [
            [(rank[begin], rank[end], size) for begin, end, size in item.pieces] for item in self.items
        ]
        """Per item: its pieces, with steps renumbered 0, 1, ... over the times at which anything changes."""
        self.steps = len(times)
        """The number of renumbered steps."""
        self.runs = [_runs(pieces) for pieces in self.pieces]
        """Per item: each size that it has, with the steps at which it has that size."""
        highest = max((item.offset or 0 for item in self.items), default=0)
        highest = max(highest, *(item.spans[-1][0] for item in self.items), 0)
        highest += sum(item.size + item.step for item in self.items)
        self.whole: type[Any] = np.int64 if highest < LARGEST else object
        """The element type of address arrays: Python integers if 64 bits may be too few."""
        rows = sorted((*piece, i) for i, pieces in enumerate(self.pieces) for piece in pieces)
        self._begins, self._ends = (np.array([row[k] for row in rows], np.int32) for k in (0, 1))
        self._owners = [row[3] for row in rows]

    def empty(self) -> CrowdPlacement:
        """Return a placement in which no item has an offset yet."""
        return CrowdPlacement(self)

    def meeting(self, i: int) -> list[int]:
        """Return the other items that are alive at some moment of item i."""
        met: dict[int, None] = {}
        for begin, end, _ in self.pieces[i]:
            rows = np.flatnonzero((self._begins < end) & (self._ends > begin))
            met |= dict.fromkeys(self._owners[row] for row in rows.tolist())
        met.pop(i, None)
        return list(met)

    def pairs(self) -> int:
        """Return the number of pairs that meet, each counted from both sides."""
        return count_pairs(self.items)

    def alive_in(self, runs: Sequence[Steps], begins: Numbers, ends: Numbers) -> Numbers:
        """Return, per row with these first and last steps, whether it is alive in a run; the runs ascend."""
        if len(runs) > self.few_runs:
            after = [*(begin for begin, _ in runs), self.steps]
            lengths = np.diff([0, *(end for _, end in runs), self.steps])
            # The first run that ends after a row begins is the one that it meets, if it meets any.
            return np.repeat(np.array(after, np.int32), lengths).take(begins) < ends
        alive = np.zeros(len(begins), np.bool_)
        for begin, end in runs:
            alive |= (begins < end) & (ends > begin)
        return alive


class CrowdPlacement:
    """A `Placement` that scans all placed items for each question: O(placed), in numpy."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        rows = sum(map(len, crowd.pieces))
        self._count = 0
        self._begin, self._end = np.empty(rows, np.int32), np.empty(rows, np.int32)
        self._low, self._high = np.empty(rows, crowd.whole), np.empty(rows, crowd.whole)

    def put(self, i: int, offset: int) -> None:
        """Give item i an offset."""
        for begin, end, size in self._crowd.pieces[i]:
            count = self._count
            at = int(np.searchsorted(self._low[:count], offset))
            if self._merges(at, (begin, end, offset, offset + size)):
                continue
            for column, value in (
                (self._begin, begin),
                (self._end, end),
                (self._low, offset),
                (self._high, offset + size),
            ):
                column[at + 1 : count + 1] = column[at:count]
                column[at] = value
            self._count = count + 1

    def _merges(self, at: int, new: tuple[int, int, int, int]) -> bool:
        """Return whether a piece was merged into the row at its place or the row before it.

        This keeps the table short in two common cases: thousands of outputs that nobody reads lie on top of
        each other at the same step, and a buffer often has the same address range as the one it replaces.
        """
        begin, end, low, high = new
        if at and (self._begin[at - 1], self._end[at - 1], self._high[at - 1]) == (begin, end, low):
            self._high[at - 1] = high
            return True
        if at == self._count or (self._low[at], self._high[at]) != (low, high):
            return False
        if self._end[at] == begin:
            self._end[at] = end
        elif self._begin[at] == end:
            self._begin[at] = begin
        else:
            return False
        return True

    def lowest(self, i: int, address: int = 0) -> int:
        """Return the lowest address, from the given one on, at which item i overlaps no placed item."""
        item = self._crowd.items[i]
        if self._count <= FEW_ROWS and len(self._crowd.runs[i]) == 1:
            return self._lowest_of_few(i, address)
        lows, floors = self._gaps(i, address)
        wide = floors[:-1] <= lows
        if len(wide) and item.step == 1 and item.spans[0] == (0, None):
            first = int(wide.argmax())
            return int(floors[first] if wide[first] else floors[-1])
        gaps = np.flatnonzero(wide)
        starts = legal(item, floors[gaps])
        fitting = np.flatnonzero(starts <= lows[gaps])
        return int(starts[fitting[0]]) if len(fitting) else item.legal(int(floors[-1]))

    def _lowest_of_few(self, i: int, address: int) -> int:
        """Return what `lowest` returns, for an item of one size."""
        item, ((size, runs),) = self._crowd.items[i], self._crowd.runs[i]
        rows = (column[: self._count].tolist() for column in (self._begin, self._end, self._low, self._high))
        start = item.legal(address)
        for begin, end, low, high in zip(*rows, strict=True):
            if not any(begin < last and end > first for first, last in runs):
                continue
            if start + size <= low:
                break
            start = item.legal(high) if high > start else start
        return start

    def tightest(self, i: int) -> int:
        """Return the lowest start in the smallest gap with room for item i, or above all if none has room."""
        item = self._crowd.items[i]
        lows, floors = self._gaps(i, 0)
        gaps = np.flatnonzero(floors[:-1] <= lows)
        starts = legal(item, floors[gaps])
        fitting = starts <= lows[gaps]
        starts, spare = starts[fitting], (lows[gaps] - floors[gaps])[fitting]
        return int(starts[spare.argmin()]) if len(starts) else item.legal(int(floors[-1]))

    def _gaps(self, i: int, address: int) -> tuple[Numbers, Numbers]:
        """Return the gaps for item i between address ranges that are blocked without a break.

        The first array has one entry per blocked range: the highest start of item i below that range. The
        second has one more entry: the lowest start above all ranges before, at least `address`. Gap k is
        wide enough for item i where `second[k] <= first[k]`; the last gap has no end.
        """
        lows, highs = self._blocked(i)
        runs = np.flatnonzero(lows[1:] >= highs[:-1]) + 1
        if len(lows):
            runs = np.concatenate(([0], runs))
        floors = np.empty(len(runs) + 1, self._crowd.whole)
        floors[0] = address
        if len(runs):
            floors[1:] = np.maximum.reduceat(highs, runs)
        return lows[runs], np.maximum.accumulate(floors)

    def _blocked(self, i: int) -> tuple[Numbers, Numbers]:
        """Return the open intervals (low, high) of starts that placed items block, ascending."""
        low, high = self._low[: self._count], self._high[: self._count]
        begins, ends = self._begin[: self._count], self._end[: self._count]
        parts: list[tuple[Numbers, Numbers]] = []
        for size, runs in self._crowd.runs[i]:
            meets = np.flatnonzero(self._crowd.alive_in(runs, begins, ends))
            parts.append((low.take(meets) - size, high.take(meets)))
        if len(parts) == 1:
            return parts[0]
        lows = np.concatenate([part[0] for part in parts] or [low[:0]])
        highs = np.concatenate([part[1] for part in parts] or [high[:0]])
        order = lows.argsort(kind="stable")
        return lows[order], highs[order]


def _runs(pieces: Sequence[LifePiece]) -> list[tuple[int, list[Steps]]]:
    """Return each size among the pieces with the steps [begin, end) at which it is in use, ascending."""
    runs: dict[int, list[Steps]] = {}
    for begin, end, size in pieces:
        runs.setdefault(size, []).append((begin, end))
    return list(runs.items())


def legal(item: Item, floors: Numbers) -> Numbers:
    """Return `item.legal` of each address: the lowest address from it on that the item may start at."""
    lowest = floors
    for first, last in reversed(item.spans):  # the last span has no end; the first span with room wins
        starts = first - (first - np.maximum(floors, first)) // item.step * item.step
        lowest = starts if last is None else np.where(starts <= last, starts, lowest)
    return lowest
