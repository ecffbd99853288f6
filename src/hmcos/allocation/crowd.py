"""Placing items most of which are alive together: all that is placed, in order of address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hmcos.allocation.fit import count_pairs
from hmcos.allocation.items import Item, Piece

Numbers = npt.NDArray[Any]
"""Steps or addresses: whole numbers."""

LARGEST = 2**62
"""Addresses up to it are added and subtracted in 64 bits."""

FEW_RUNS = 8
"""Runs up to which looking for them one by one is quicker than a table over all steps."""

Steps = tuple[int, int]
"""Steps [begin, end)."""


class Crowd:
    """Items of which nobody lists who meets whom."""

    def __init__(self, items: Sequence[Item]) -> None:
        """Take items; memory grows with their number, not with how many are alive together."""
        self.items = tuple(items)
        times = sorted({time for item in self.items for piece in item.pieces for time in piece[:2]})
        rank = {time: k for k, time in enumerate(times)}
        self.pieces: list[list[Piece]] = [
            [(rank[begin], rank[end], size) for begin, end, size in item.pieces] for item in self.items
        ]
        """Per item: its pieces, with the steps numbered anew so that they are small."""
        self.steps = len(times)
        """How many steps there are then."""
        self.runs = [_runs(pieces) for pieces in self.pieces]
        """Per item and size: when it has that size."""
        highest = max((item.offset or 0 for item in self.items), default=0)
        highest = max(highest, *(item.spans[-1][0] for item in self.items), 0)
        highest += sum(item.size + item.step for item in self.items)
        self.whole: type[Any] = np.int64 if highest < LARGEST else object
        """What holds an address: Python's own numbers where 64 bits may be too few."""
        rows = sorted((*piece, i) for i, pieces in enumerate(self.pieces) for piece in pieces)
        self._begins, self._ends = (np.array([row[k] for row in rows], np.int32) for k in (0, 1))
        self._owners = [row[3] for row in rows]

    def empty(self) -> AmongAll:
        """Return a placement without any item in it."""
        return AmongAll(self)

    def meeting(self, i: int) -> list[int]:
        """Return the other items that are alive at some moment of item i."""
        found: dict[int, None] = {}
        for begin, end, _ in self.pieces[i]:
            rows = np.flatnonzero((self._begins < end) & (self._ends > begin))
            found |= dict.fromkeys(self._owners[row] for row in rows.tolist())
        found.pop(i, None)
        return list(found)

    def pairs(self) -> int:
        """Return how many meetings there are, each counted from both sides."""
        return count_pairs(self.items)


class AmongAll:
    """A placement that looks through all that is placed: O(placed) a time, but a fast loop."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        rows = sum(map(len, crowd.pieces))
        self._count = 0
        self._begin, self._end = np.empty(rows, np.int32), np.empty(rows, np.int32)
        self._low, self._high = np.empty(rows, crowd.whole), np.empty(rows, crowd.whole)

    def put(self, i: int, offset: int) -> None:
        """Take note of the offset of item i."""
        for begin, end, size in self._crowd.pieces[i]:
            count = self._count
            at = int(np.searchsorted(self._low[:count], offset))
            if self._joins(at, (begin, end, offset, offset + size)):
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

    def _joins(self, at: int, new: tuple[int, int, int, int]) -> bool:
        """Return whether a piece was made one with the row at its place or the one before it.

        Thousands of outputs that nobody reads stand on each other at the same time; what one operator hands
        to the next has the same bytes as what came before.
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
        """Return the lowest address, from the given one on, at which item i meets none of those placed."""
        item = self._crowd.items[i]
        lows, floors = self._gaps(i, address)
        wide = floors[:-1] <= lows
        if len(wide) and item.step == 1 and item.spans[0] == (0, None):
            first = int(wide.argmax())
            return int(floors[first] if wide[first] else floors[-1])
        gaps = np.flatnonzero(wide)
        starts = _legal(item, floors[gaps])
        fitting = np.flatnonzero(starts <= lows[gaps])
        return int(starts[fitting[0]]) if len(fitting) else item.legal(int(floors[-1]))

    def tightest(self, i: int) -> int:
        """Return the lowest start in the smallest gap that has room for item i; above all when none has."""
        item = self._crowd.items[i]
        lows, floors = self._gaps(i, 0)
        gaps = np.flatnonzero(floors[:-1] <= lows)
        starts = _legal(item, floors[gaps])
        fitting = starts <= lows[gaps]
        starts, spare = starts[fitting], (lows[gaps] - floors[gaps])[fitting]
        return int(starts[spare.argmin()]) if len(starts) else item.legal(int(floors[-1]))

    def _gaps(self, i: int, address: int) -> tuple[Numbers, Numbers]:
        """Return the highest start below each run and, with one more, the lowest above all before it.

        A run is what is placed without a gap for item i. Before it there is one if the start above all
        before, which is at least the address, is not higher than the start below.
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
        """Return the intervals (low, high) of starts that the placed ones block, ends excluded, ascending."""
        low, high = self._low[: self._count], self._high[: self._count]
        parts: list[tuple[Numbers, Numbers]] = []
        for size, runs in self._crowd.runs[i]:
            meets = np.flatnonzero(self._meets(runs))
            parts.append((low.take(meets) - size, high.take(meets)))
        if len(parts) == 1:
            return parts[0]
        lows = np.concatenate([part[0] for part in parts] or [low[:0]])
        highs = np.concatenate([part[1] for part in parts] or [high[:0]])
        order = lows.argsort(kind="stable")
        return lows[order], highs[order]

    def _meets(self, runs: Sequence[Steps]) -> Numbers:
        """Return for each placed row whether it is there in one of the runs, which ascend."""
        begins, ends = self._begin[: self._count], self._end[: self._count]
        if len(runs) > FEW_RUNS:
            after = [*(begin for begin, _ in runs), self._crowd.steps]
            lengths = np.diff([0, *(end for _, end in runs), self._crowd.steps])
            # The first run that ends after a row begins is the one that it meets, if it meets any.
            return np.repeat(np.array(after, np.int32), lengths).take(begins) < ends
        found = np.zeros(len(begins), np.bool_)
        for begin, end in runs:
            found |= (begins < end) & (ends > begin)
        return found


def _runs(pieces: Sequence[Piece]) -> list[tuple[int, list[Steps]]]:
    """Return the sizes of pieces, each with the steps [begin, end) of it, ascending."""
    found: dict[int, list[Steps]] = {}
    for begin, end, size in pieces:
        found.setdefault(size, []).append((begin, end))
    return list(found.items())


def _legal(item: Item, floors: Numbers) -> Numbers:
    """Return for each address the lowest one from it on that the item may start at."""
    found = floors
    for first, last in reversed(item.spans):  # the last one has no end, the first that holds counts
        starts = first - (first - np.maximum(floors, first)) // item.step * item.step
        found = starts if last is None else np.where(starts <= last, starts, found)
    return found
