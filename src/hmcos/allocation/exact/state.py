"""The state of the search: what is placed, how low the rest can start, and a trail to undo changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hmcos.allocation.exact.placement_rules import PlacementRules
from hmcos.allocation.layout import COUNT, COUNT_BITS, Layout

SECTION, ITEM, PLACED = range(3)
"""What an entry of the trail restores: a section's measures, an item's starts, or a placement."""


class PlacementState:
    """Offsets of the placed items and lowest starts of the others, with a trail to undo changes.

    For example, an arena of 8 bytes is to hold item 0 (4 bytes, steps 0 and 1), item 1 (2 bytes, step 0)
    and item 2 (3 bytes, step 1). Each step is a section:

    >>> from hmcos.allocation.items import Item
    >>> from hmcos.allocation.layout import layout
    >>> rows = [((0, 2, 4),), ((0, 1, 2),), ((1, 2, 3),)]
    >>> items = [Item((i,), row, row[0][2], step=1, spans=((0, None),)) for i, row in enumerate(rows)]
    >>> state = PlacementState(layout(items), 8, PlacementRules())
    >>> state.measure([0, 1])
    True

    Nothing is placed, so both floors are at address 0. The items of section 0 take 4 + 2 of the 8 bytes,
    those of section 1 take 4 + 3, so 2 and 1 bytes will stay empty:

    >>> state.floor, state.slack, state.candidates(0)
    ([0, 0], [2, 1], [0, 1])

    Placing item 0 at its lowest start, 0, pushes items 1 and 2 up to address 4, and both floors with them:

    >>> mark = len(state.trail)
    >>> state.place(0), state.offset, state.low, state.floor, state.slack
    (True, [0, -1, -1], [-1, 4, 4], [4, 4], [2, 1])

    Another choice at the floor of section 0 is that no item starts there. Then item 0 has to stand on item 2,
    at address 3 or above, and item 1 on item 0, at 7 or above. It would end at 9, so this choice fails:

    >>> state.undo(mark)
    >>> state.bar(0)
    False
    """

    def __init__(self, layout: Layout, capacity: int, rules: PlacementRules) -> None:
        """Start from an empty arena of a capacity in bytes; call `measure` for all sections next."""
        items, count = layout.items, len(layout.sections)
        self.layout, self.capacity, self._heads = layout, capacity, rules.heads
        self._support = rules.support
        self.offset = [-1] * len(items)
        """Per item: its offset, -1 while it is not placed."""
        self.low = [item.legal(0) if item.offset is None else item.offset for item in items]
        """Per item: a lower bound on its start in every arena below this state; -1 once it is placed."""
        self.ground = list(self.low)
        """Per item: its lowest legal start above all placed items that it meets; -1 once it is placed."""
        self.floor = [0] * count
        """Per section: the lowest start of any of its items that is not placed."""
        self.slack = [0] * count
        """Per section: the bytes between its floor and the capacity that no item of it will fill.

        Holes below items that start high are included. Some item must start at the floor only if the slack
        is 0. The stack of lowest starts (rule `heads`) may reach the capacity and still have holes, where a
        lowest start is above the top of the items below; the floor can rise into such a hole without lifting
        the top.
        """
        self.left = [len(section) for section in layout.sections]
        """Per section: the number of its items that are not placed."""
        self.lowest = [0] * count
        """Per section: the number of its items that may start at its floor."""
        self.crossing = [0] * (count + 1)
        """Per section s: the number of items not placed that are in a section before s and in s or later."""
        self.weight = [1.0] * count
        """Per section: how many states it refuted; older ones count for less."""
        self.trail: list[tuple[int, int, int, int, int, int]] = []
        """What to restore, newest last: SECTION, ITEM or PLACED, then an index and its values before."""
        for inside in layout.inside:
            for s in range(inside[0] + 1, inside[-1] + 1):
                self.crossing[s] += 1

    def candidates(self, section: int) -> list[int]:
        """Return the items that may start at the floor of a section, ascending."""
        low, floor = self.low, self.floor[section]
        return [i for i, _ in self.layout.sections[section] if low[i] == floor]

    def place(self, i: int) -> bool:
        """Place an item at its lowest start; return False if the remaining items cannot fit then."""
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
        """Raise the ground of an item to an address; return False if it does not fit there."""
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
        """Let no item start at the floor of a section; return False if the remaining items cannot fit."""
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
        """Return the lowest starts of the barred items above the floor of their section.

        A barred item has to stand on an item that is not placed yet: on a placed one it would start at its
        ground. The lowest item of the section stands on no other item of the section; the others start above
        that lowest one. (All of this by rule `support`; without it, the next byte is the lowest start.)
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
        starts: list[int] = []
        for i in barred:
            start = own[i]
            if layout.items[i].offset is None:
                above = (own[k] + height for k, height in layout.rests[i] if k in own)
                start = min(start, min(above, default=never))
            starts.append(layout.items[i].legal(start) if start <= self.capacity else never)
        return starts

    def measure(self, touched: Iterable[int]) -> bool:
        """Update the measures of sections; return False at the first one whose items do not fit any more."""
        low, capacity, counted = self.low, self.capacity, self.layout.counted
        for s in touched:
            # Few starts differ: adding up who starts where is quicker than sorting all items of the section.
            stacks: defaultdict[int, int] = defaultdict(int)
            for i, counts in counted[s]:
                stacks[low[i]] += counts
            stacks.pop(-1, None)
            self.trail.append((SECTION, s, self.floor[s], self.slack[s], self.left[s], self.lowest[s]))
            total = sum(stacks.values())
            self.left[s] = total & COUNT
            if not total:
                continue
            top = floor = min(stacks)
            if self._heads:
                for start in sorted(stacks):
                    top = max(top, start) + (stacks[start] >> COUNT_BITS)
            else:
                top += total >> COUNT_BITS
            if top > capacity:
                self.weight[s] += 1.0
                return False
            self.floor[s], self.slack[s] = floor, capacity - floor - (total >> COUNT_BITS)
            self.lowest[s] = stacks[floor] & COUNT
        return True

    def undo(self, mark: int) -> None:
        """Undo all changes that were made since the trail was `mark` entries long."""
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
