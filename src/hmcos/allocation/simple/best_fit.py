"""Best fit after Sekiyama et al."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from hmcos.allocation.fit import Board, board_of, filled
from hmcos.allocation.items import Item
from hmcos.allocation.layout import starts
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import outcome
from hmcos.allocation.sections import Stretch, stretches
from hmcos.allocation.simple.lines import Line, Lines
from hmcos.allocation.simple.ordered import given_up
from hmcos.allocation.simple.waiting import waiting
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena

Part = tuple[int, int]
"""Sections [begin, end)."""

_HOLED = (-1, -1)
"""Stands for no part in particular: several may hold an item that has a hole."""


def best_fit(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of filling the lowest line first, each time with the longest life that fits on it.

    Source: Sekiyama, Imai, Negishi, Takeda, Profile-guided memory optimization for deep neural networks,
    2018, section 3.2, after the best fit of Burke, Kendall and Whitwell for strip packing, 2004. Lives that
    need no room, on which the published loop does not end, are placed aside. When a limit ends it, the
    answer is the arena of `largest_first`.
    """
    board = board_of(lives)
    offsets = Skyline(board).filled(partial(watch.is_over, limits))
    if offsets is None:
        return given_up(lives, limits, watch)
    return outcome(lives, (board.items, offsets), "best_fit", limits, watch)


class Skyline:
    """What is placed, and what still waits for a place, with the tops of what is placed over time."""

    def __init__(self, board: Board) -> None:
        """Take items; the pinned ones are in their places."""
        self._board = board
        self._offsets = [item.offset for item in board.items]
        self._pinned = any(offset is not None for offset in self._offsets)
        self._placement = filled(board, self._offsets)
        needy = [i for i, item in enumerate(board.items) if item.pieces]
        count, found = stretches([board.items[i] for i in needy])
        order = sorted(range(len(needy)), key=lambda k: (found[k][0][0].start, k))
        self._names = [needy[k] for k in order]
        """The items that need room, in order of their first section; all numbers k count through these."""
        self._where = [found[k] for k in order]
        long = [sum(len(stretch) for stretch, _ in rows) for rows in self._where]
        self._ranking = sorted(range(len(long)), key=lambda k: (-long[k], -self._item(k).size, k))
        """The longest first."""
        self._left = {k for k in range(len(long)) if self._item(k).offset is None}
        self._lines = Lines(count)
        self._start_waiting(count)

    def _start_waiting(self, count: int) -> None:
        self._rank = [0] * len(self._ranking)
        for rank, k in enumerate(self._ranking):
            self._rank[k] = rank
        self._holed = [k for k, rows in enumerate(self._where) if k in self._left and len(_runs(rows)) > 1]
        """Those that have sections without them between their own, ascending."""
        self._starts = starts(count, self._where)
        ends = [self._end(k) if k in self._left else count + 1 for k in range(len(self._where))]
        self._waiting = waiting(self._rank, ends, self._starts)

    def _item(self, k: int) -> Item:
        return self._board.items[self._names[k]]

    def _end(self, k: int) -> int:
        return self._where[k][-1][0].stop

    def filled(self, stop: Callable[[], bool]) -> list[int] | None:
        """Return an offset per item, the lowest and then leftmost line filled first; None when stopped."""
        while self._left:
            line = self._lines.lowest()
            placed: list[Line] = []
            for k in self._fitting(line):
                if stop():
                    return None
                offset = self._place(k, line[2])
                placed += [(where.start, where.stop, offset + size) for where, size in self._where[k]]
            if stop():
                return None
            self._lines.fill(line, placed)
        found = zip(self._board.items, self._offsets, strict=True)
        return [item.legal(0) if offset is None else offset for item, offset in found]

    def _fitting(self, line: Line) -> Iterator[int]:
        """Yield what fits on a line beside those yielded before, the longest first; each must be placed."""
        begin, end, _ = line
        free = _Free(begin, end)
        queue: list[tuple[int, Part]] = [(self._rank[k], _HOLED) for k in self._holed_within(begin, end)]
        heapq.heapify(queue)
        self._offer(queue, (begin, end))
        while queue:
            rank, part = heapq.heappop(queue)
            k = self._ranking[rank]
            if k not in self._left:
                if free.has(part):
                    self._offer(queue, part)
            elif free.has(part) or (part == _HOLED and all(map(free.holds, _runs(self._where[k])))):
                yield k
                for run in _runs(self._where[k]):
                    for rest in free.cut(run):
                        self._offer(queue, rest)

    def _holed_within(self, begin: int, end: int) -> Iterator[int]:
        first, last = (bisect_left(self._holed, self._starts[s]) for s in (begin, end))
        return (k for k in self._holed[first:last] if k in self._left and self._end(k) <= end)

    def _offer(self, queue: list[tuple[int, Part]], part: Part) -> None:
        """Queue the longest item that lies within a free part."""
        rank = self._waiting.first(*part)
        if rank is not None:
            heapq.heappush(queue, (rank, part))

    def _place(self, k: int, top: int) -> int:
        """Return the offset of an item, placed as low above a top as it may be."""
        name = self._names[k]
        offset = self._item(k).legal(top)
        if self._pinned:
            offset = self._placement.lowest(name, top)
            self._placement.put(name, offset)
        self._offsets[name] = offset
        self._left.remove(k)
        self._waiting.remove(k)
        return offset


class _Free:
    """The parts of a line on which nothing was placed yet."""

    def __init__(self, begin: int, end: int) -> None:
        self._begins, self._end = [begin], {begin: end}

    def has(self, part: Part) -> bool:
        """Return whether this is one of the parts, whole."""
        return self._end.get(part[0]) == part[1]

    def holds(self, run: Part) -> bool:
        """Return whether sections are within one part."""
        before = bisect_right(self._begins, run[0])
        return before > 0 and self._end[self._begins[before - 1]] >= run[1]

    def cut(self, run: Part) -> list[Part]:
        """Return the parts that sections leave of the one that they are in."""
        at = bisect_right(self._begins, run[0]) - 1
        begin = self._begins.pop(at)
        rests = [(begin, run[0]), (run[1], self._end.pop(begin))]
        rests = [(first, last) for first, last in rests if first < last]
        self._begins[at:at] = [first for first, _ in rests]
        self._end.update(rests)
        return rests


def _runs(rows: Iterable[Stretch]) -> list[Part]:
    """Return the sections of an item as intervals that do not touch."""
    found: list[Part] = []
    for stretch, _ in rows:
        begin = found.pop()[0] if found and found[-1][1] == stretch.start else stretch.start
        found.append((begin, stretch.stop))
    return found
