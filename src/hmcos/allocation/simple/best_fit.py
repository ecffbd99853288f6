"""Best fit, after Sekiyama et al."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from hmcos.allocation.fit import Board, board_of, filled
from hmcos.allocation.items import Item
from hmcos.allocation.layout import starts
from hmcos.allocation.lives import CROWDING, Crowding, Lives
from hmcos.allocation.outcome import outcome
from hmcos.allocation.sections import Stretch, stretches
from hmcos.allocation.simple.lines import Line, Lines
from hmcos.allocation.simple.ordered import fallback
from hmcos.allocation.simple.waiting import waiting
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena

SectionRange = tuple[int, int]
"""Sections [begin, end)."""

_HOLED = (-1, -1)
"""Queued in place of a part for an item with holes in its life: it may lie in several parts."""


def best_fit(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the arena of filling the lowest line first, each time with the longest life that fits on it.

    Lives that need no room are placed separately, since the published loop would not end on them. If a limit
    stops the planner, it returns the arena of `largest_first`.

    Source: Sekiyama, Imai, Negishi, Takeda, Profile-guided memory optimization for deep neural networks,
    2018, section 3.2, after the best fit of Burke, Kendall and Whitwell for strip packing, 2004.
    """
    board = board_of(lives)
    offsets = Skyline(board, lives.crowding).filled(partial(watch.is_over, limits))
    if offsets is None:
        return fallback(lives, limits, watch)
    return outcome(lives, (board.items, offsets), "best_fit", limits, watch)


class Skyline:
    """The items placed so far, the height that they reach at each section, and the items still to place."""

    def __init__(self, board: Board, crowding: Crowding = CROWDING) -> None:
        """Start with only the pinned items placed."""
        self._board = board
        self._offsets = [item.offset for item in board.items]
        self._pinned = any(offset is not None for offset in self._offsets)
        self._placement = filled(board, self._offsets)
        needy = [i for i, item in enumerate(board.items) if item.pieces]
        count, by_item = stretches([board.items[i] for i in needy])
        order = sorted(range(len(needy)), key=lambda k: (by_item[k][0][0].start, k))
        self._names = [needy[k] for k in order]
        """The items that need room, in order of their first section; every number k is an index into this."""
        self._where = [by_item[k] for k in order]
        """Per item: the stretches of sections it is in."""
        long = [sum(len(stretch) for stretch, _ in rows) for rows in self._where]
        self._ranking = sorted(range(len(long)), key=lambda k: (-long[k], -self._item(k).size, k))
        """The items, the longest first, then the largest."""
        self._left = {k for k in range(len(long)) if self._item(k).offset is None}
        self._lines = Lines(count)
        self._start_waiting(count, crowding.waiting)

    def _start_waiting(self, count: int, few: int) -> None:
        self._rank = [0] * len(self._ranking)
        for rank, k in enumerate(self._ranking):
            self._rank[k] = rank
        self._holed = [k for k, rows in enumerate(self._where) if k in self._left and len(_runs(rows)) > 1]
        """The items with holes: sections without them lie between their own. Ascending."""
        self._starts = starts(count, self._where)
        ends = [self._end(k) if k in self._left else count + 1 for k in range(len(self._where))]
        self._waiting = waiting(self._rank, ends, self._starts, few)

    def _item(self, k: int) -> Item:
        return self._board.items[self._names[k]]

    def _end(self, k: int) -> int:
        return self._where[k][-1][0].stop

    def filled(self, stop: Callable[[], bool]) -> list[int] | None:
        """Return an offset per item, filling the lowest and then leftmost line first; None if stopped."""
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
        offsets = zip(self._board.items, self._offsets, strict=True)
        return [item.legal(0) if offset is None else offset for item, offset in offsets]

    def _fitting(self, line: Line) -> Iterator[int]:
        """Yield the items that fit on a line beside those yielded before, the longest first.

        The caller must place each item before asking for the next one.
        """
        begin, end, _ = line
        free = _Free(begin, end)
        queue: list[tuple[int, SectionRange]] = [
            (self._rank[k], _HOLED) for k in self._holed_within(begin, end)
        ]
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

    def _offer(self, queue: list[tuple[int, SectionRange]], part: SectionRange) -> None:
        """Queue the longest item that lies within a free part."""
        rank = self._waiting.first(*part)
        if rank is not None:
            heapq.heappush(queue, (rank, part))

    def _place(self, k: int, top: int) -> int:
        """Place an item as low as it may be from the address `top` on; return its offset."""
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
    """The parts of a line that are still free."""

    def __init__(self, begin: int, end: int) -> None:
        self._begins, self._end = [begin], {begin: end}

    def has(self, part: SectionRange) -> bool:
        """Return whether this is exactly one of the free parts."""
        return self._end.get(part[0]) == part[1]

    def holds(self, run: SectionRange) -> bool:
        """Return whether a run of sections lies within one free part."""
        before = bisect_right(self._begins, run[0])
        return before > 0 and self._end[self._begins[before - 1]] >= run[1]

    def cut(self, run: SectionRange) -> list[SectionRange]:
        """Take a run of sections out of the free part that holds it; return what is left of that part."""
        at = bisect_right(self._begins, run[0]) - 1
        begin = self._begins.pop(at)
        rests = [(begin, run[0]), (run[1], self._end.pop(begin))]
        rests = [(first, last) for first, last in rests if first < last]
        self._begins[at:at] = [first for first, _ in rests]
        self._end.update(rests)
        return rests


def _runs(rows: Iterable[Stretch]) -> list[SectionRange]:
    """Return the sections of an item as intervals that do not touch."""
    runs: list[SectionRange] = []
    for stretch, _ in rows:
        begin = runs.pop()[0] if runs and runs[-1][1] == stretch.start else stretch.start
        runs.append((begin, stretch.stop))
    return runs
