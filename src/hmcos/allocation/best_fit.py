"""Best fit after Sekiyama et al."""

from __future__ import annotations

import heapq

from hmcos.allocation.fit import Meetings, first_fit, lowest, meetings_of
from hmcos.allocation.layout import Layout, layout
from hmcos.allocation.outcome import outcome
from hmcos.allocation.problem import Lives
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer


def best_fit(lives: Lives, limits: Limits, observer: Observer) -> Arena:
    """Return the arena of filling the lowest line first, each time with the longest life that fits on it.

    Source: Sekiyama, Imai, Negishi, Takeda, Profile-guided memory optimization for deep neural networks,
    2018, section 3.2, after the best fit of Burke, Kendall and Whitwell for strip packing, 2004. Lives that
    need no room, on which the published loop does not end, are placed aside.
    """
    met = meetings_of(lives)
    needy = [i for i, item in enumerate(met.items) if item.pieces]
    found: list[int | None] = [item.offset for item in met.items]
    if needy:
        Skyline(met, needy, found).fill()
    return outcome(lives, (met.items, first_fit(met, range(len(found)), found)), "best_fit", limits)


class Skyline:
    """The tops of what is placed, over time: lines of sections at one height."""

    def __init__(self, met: Meetings, needy: list[int], offsets: list[int | None]) -> None:
        """Take items that need room; offsets are filled in, pinned ones are there already."""
        self._met, self._offsets = met, offsets
        self._layout: Layout = layout([met.items[i] for i in needy])
        self._needy = needy
        self._tops = [0] * len(self._layout.sections)
        self._heights = [dict(section) for section in self._layout.sections]
        self._pinned = any(offset is not None for offset in offsets)
        inside, items = self._layout.inside, self._layout.items
        order = sorted(range(len(items)), key=lambda i: (-len(inside[i]), -items[i].size, i))
        self._rank = {i: rank for rank, i in enumerate(order)}
        self._waiting = [met.items[needy[name]].offset is None for name in self._layout.names]

    def fill(self) -> None:
        """Place all items, line by line, the lowest and then leftmost line first."""
        lines = [(0, 0)]
        while any(self._waiting) and lines:
            top, at = heapq.heappop(lines)
            if self._tops[at] != top or (at and self._tops[at - 1] == top):
                continue  # lifted or merged since
            end = self._end(at)
            self._fill_line(at, end)
            for s in range(at, end):
                if self._tops[s] == top:
                    self._lift(s, self._end(s))
            while at and self._tops[at - 1] == self._tops[at]:
                at -= 1
            for s in range(at, end):
                if s == at or self._tops[s] != self._tops[s - 1]:
                    heapq.heappush(lines, (self._tops[s], s))

    def _end(self, at: int) -> int:
        top = self._tops[at]
        return next((s for s in range(at, len(self._tops)) if self._tops[s] != top), len(self._tops))

    def _fill_line(self, at: int, end: int) -> None:
        """Place what fits on the line, the longest first: what does not fit then fits on no rest of it."""
        inside, tops, top = self._layout.inside, self._tops, self._tops[at]
        starts = self._layout.starts
        fitting = [i for i in range(starts[at], starts[end]) if self._waiting[i] and inside[i][-1] < end]
        for i in sorted(fitting, key=self._rank.__getitem__):
            if all(tops[s] == top for s in inside[i]):
                self._waiting[i] = False
                name = self._needy[self._layout.names[i]]
                offset = self._layout.items[i].legal(top)
                if self._pinned:
                    offset = lowest(self._met, name, self._offsets, top)
                self._offsets[name] = offset
                for s in inside[i]:
                    tops[s] = offset + self._heights[s][i]

    def _lift(self, at: int, end: int) -> None:
        """Raise a line on which nothing fits to its lower neighbour, or for good when it has none."""
        tops = self._tops
        beside = [tops[s] for s in (at - 1, end) if 0 <= s < len(tops)]
        tops[at:end] = [min(beside, default=tops[at] + 1)] * (end - at)
