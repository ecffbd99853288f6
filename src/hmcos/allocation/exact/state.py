"""A situation of the search: what is placed, where the rest can start, and the way back."""

from __future__ import annotations

from collections.abc import Iterable

from hmcos.allocation.exact.rules import PlacementRules
from hmcos.allocation.layout import Layout

SECTION, ITEM, PLACED = range(3)
"""What an entry of the trail restores."""


class PlacementState:
    """Offsets of placed items and lowest starts of the others, with a trail to undo changes."""

    def __init__(self, layout: Layout, capacity: int, rules: PlacementRules) -> None:
        """Take note of an empty arena of that capacity."""
        items, count = layout.items, len(layout.sections)
        self.layout, self.capacity, self._heads = layout, capacity, rules.heads
        self._support = rules.support
        self.offset = [-1] * len(items)
        """-1 while an item is not placed."""
        self.low = [item.legal(0) if item.offset is None else item.offset for item in items]
        """No arena that is left to look at has the item lower; -1 once it is placed."""
        self.ground = list(self.low)
        """Its lowest start above all placed items that it meets; -1 once it is placed."""
        self.floor = [0] * count
        """Per section: the lowest start of any item that is left in it."""
        self.slack = [0] * count
        """Per section: the bytes from its floor up to the capacity that no item of it will fill.

        Holes under items that start high count. Only when there are none at all does some item have to
        start at the floor: the stack of `heads` may end at the capacity and still jump, where a lowest start
        is above what lies under it, and the floor can rise into a jump without lifting the top.
        """
        self.left = [len(section) for section in layout.sections]
        """Per section: items that are not placed."""
        self.lowest = [0] * count
        """Per section: items that may start at its floor."""
        self.crossing = [0] * (count + 1)
        """Per section: items not placed that are in sections on both sides of its begin."""
        self.weight = [1.0] * count
        """Per section: how often it refuted, faded."""
        self.trail: list[tuple[int, int, int, int, int, int]] = []
        for inside in layout.inside:
            for s in range(inside[0] + 1, inside[-1] + 1):
                self.crossing[s] += 1

    def candidates(self, section: int) -> list[int]:
        """Return the items that may start at the floor of a section, ascending."""
        low, floor = self.low, self.floor[section]
        return [i for i, _ in self.layout.sections[section] if low[i] == floor]

    def place(self, i: int) -> bool:
        """Place an item at its lowest start; return False when the rest cannot fit any more."""
        layout, low, ground = self.layout, self.low, self.ground
        at = low[i]
        self.trail.append((PLACED, i, at, ground[i], 0, 0))
        self.offset[i] = at
        low[i] = ground[i] = -1
        inside = layout.inside[i]
        for s in range(inside[0] + 1, inside[-1] + 1):
            self.crossing[s] -= 1
        touched = set(inside)
        for k, height in layout.pushes[i]:
            if self.offset[k] < 0 and ground[k] < at + height and not self._push(k, at + height, touched):
                return False
        return self.measure(sorted(touched))

    def _push(self, k: int, address: int, touched: set[int]) -> bool:
        """Raise the ground of an item; return False when it is too high then."""
        item = self.layout.items[k]
        self.trail.append((ITEM, k, self.low[k], self.ground[k], 0, 0))
        if item.offset is not None:
            return address <= item.offset
        start = item.legal(address)
        self.ground[k] = start
        if self.low[k] < start:
            self.low[k] = start
            touched.update(self.layout.inside[k])
        return start + item.size <= self.capacity

    def bar(self, section: int) -> bool:
        """Let no item start at the floor of a section; return False when the rest cannot fit then."""
        layout, low = self.layout, self.low
        barred = self.candidates(section)
        raised = dict(zip(barred, self._raised(section, barred), strict=True))
        touched: set[int] = set()
        for i, start in raised.items():
            if start + layout.items[i].size > self.capacity:
                return False
            self.trail.append((ITEM, i, low[i], self.ground[i], 0, 0))
            low[i] = start
            touched.update(layout.inside[i])
        return self.measure(sorted(touched))

    def _raised(self, section: int, barred: list[int]) -> list[int]:
        """Return the lowest starts of barred items above the floor of their section.

        A barred item stands on one that is not placed (else it would start at its ground). The lowest item
        of the section does not stand on another one of the section; the others are above that lowest one.
        """
        layout, low, never = self.layout, self.low, self.capacity + 1
        floor = self.floor[section]
        own = {i: low[i] if low[i] > floor else never for i, _ in layout.sections[section] if low[i] >= 0}
        for i in barred:
            if layout.items[i].offset is None:
                own[i] = (
                    floor + 1
                    if not self._support
                    else min(
                        (low[k] + height for k, height in layout.rests[i] if low[k] >= 0 and k not in own),
                        default=never,
                    )
                )
        if not self._support:
            return [layout.items[i].legal(own[i]) if own[i] <= self.capacity else never for i in barred]
        found: list[int] = []
        for i in barred:
            start = own[i]
            if layout.items[i].offset is None:
                above = (own[k] + height for k, height in layout.rests[i] if k in own)
                start = min(start, min(above, default=never))
            found.append(layout.items[i].legal(start) if start <= self.capacity else never)
        return found

    def measure(self, touched: Iterable[int]) -> bool:
        """Measure sections anew; return False at the first one whose items do not fit any more."""
        low, capacity = self.low, self.capacity
        for s in touched:
            rest = sorted([(low[i], size) for i, size in self.layout.sections[s] if low[i] >= 0])
            self.trail.append((SECTION, s, self.floor[s], self.slack[s], self.left[s], self.lowest[s]))
            self.left[s] = len(rest)
            if not rest:
                continue
            top = floor = rest[0][0]
            lowest = empty = 0
            for start, size in rest:
                if start == floor:
                    lowest += 1
                elif start > top and self._heads:
                    empty += start - top
                    top = start
                top += size
            if top > capacity:
                self.weight[s] += 1.0
                return False
            self.floor[s], self.slack[s], self.lowest[s] = floor, empty + capacity - top, lowest
        return True

    def undo(self, mark: int) -> None:
        """Take back all changes since the trail had that length."""
        trail = self.trail
        while len(trail) > mark:
            what, x, a, b, c, d = trail.pop()
            if what == SECTION:
                self.floor[x], self.slack[x], self.left[x], self.lowest[x] = a, b, c, d
                continue
            self.low[x], self.ground[x] = a, b
            if what == PLACED:
                self.offset[x] = -1
                inside = self.layout.inside[x]
                for s in range(inside[0] + 1, inside[-1] + 1):
                    self.crossing[s] += 1
