"""Whether items fit into an arena of a given size, by branch and bound.

An arena is left-justified if no item can be moved down: each item stands on another one or at its lowest
legal address. If there is an arena of a size, there is a left-justified one, so the search looks only at
those (canonical solutions: Moffitt, MiniMalloc, ASPLOS 2023). It differs from the published search in how it
branches: it takes one section and asks which of its remaining items is the lowest there.

    Let h, the floor of the section, be the lowest start that any of its items may have.
    Choice 1, 2, ...: one of the items that may start at h does.
    Last choice: none of them does, and the floor rises.

The last choice drops out if the items of the section would fill all bytes from the floor up to the capacity
(`PlacementState.slack` is 0). It remains if the stack of their lowest starts reaches the capacity but has
holes on the way: where an alignment, a pin, a pool or a placed item forbids an address, the floor can rise
into the hole at no cost.

The choices exclude each other, so the search never meets an arena twice by placing items in another order.
They are complete only in a section in which no other item can come to lie below the items in question; among
those sections the search takes the one with the fewest choices. Runs are short and start again with another
ranking of the choices; the states that failed in one run are known to the next.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from hmcos.allocation.exact.placement_rules import ALL_RULES, PlacementRules, Style
from hmcos.allocation.exact.state import PlacementState
from hmcos.allocation.layout import Layout
from hmcos.limits import never

TABLE_BYTES = 300_000_000
"""The table of failed states stops growing at this many bytes, unless fewer are asked for."""

NOBODY = -1
"""The choice that no item starts at the floor of the section."""

SearchPart = tuple[int, int]
"""Sections [low, high) that share no unplaced item with any other section."""

Chain = tuple[()] | tuple[SearchPart, int, "Chain"]
"""A linked list of the parts still to do, each with the index of the frame that made it."""


@dataclass(slots=True)
class Frame:
    """One level of the search: a part, the section it branches on, and the choices that are left."""

    part: SearchPart
    parent: int
    """The index of the frame whose choice made this part, -1 for none."""
    rest: Chain
    """The other parts that have to be solved after this one."""
    mark: int
    """The length of the trail when the frame was entered, for `PlacementState.undo`."""
    key: bytes
    """The state of the part in the table of failed states; empty if there is no table."""
    section: int = -1
    choices: list[int] = field(default_factory=list[int])
    """Items to place at the floor of the section, or NOBODY; the next choice is the last entry."""


class Search:
    """Searches for offsets within a capacity; what it learns in one run helps the next."""

    def __init__(
        self,
        layout: Layout,
        capacity: int,
        rules: PlacementRules = ALL_RULES,
        seed: int = 0,
        table: int = TABLE_BYTES,
    ) -> None:
        """Start a search over items that all need room; `table` is for failed states, in bytes."""
        self.nodes = 0
        """States entered in all runs."""
        self._layout = layout
        self._rules, self._capacity = rules, capacity
        self._state = PlacementState(self._layout, capacity, rules)
        self._random = random.Random(seed)
        self._failed: set[bytes] = set()
        self._room = table if capacity < 2**62 and rules.table else 0
        self._typecode = "i" if capacity < 2**30 else "q"
        self._rank: list[float] = []
        self._weighs = False
        self._stack: list[Frame] = []
        self._fits = self._begin()

    def _begin(self) -> bool:
        """Measure the empty arena; return False if that already refutes the capacity."""
        state = self._state
        for i, item in enumerate(self._layout.items):
            if state.low[i] + item.size > self._capacity:
                return False
        return state.measure(range(len(self._layout.sections)))

    def run(self, nodes: int, style: Style, stop: Callable[[], bool] = never) -> bool | None:
        """Return whether the items fit, or None if that is still open after `nodes` more states.

        Args:
            nodes: the number of states to enter at most.
            style: how to order choices.
            stop: called before each state; True ends the run, and the answer is open.
        """
        if not self._fits:
            return False
        state = self._state
        self._adopt(style)
        mark, limit = len(state.trail), self.nodes + nodes
        goals: Chain | None = self._with_parts((0, len(self._layout.sections)), -1, ())
        while goals:
            if self.nodes >= limit or stop():
                state.undo(mark)
                self._stack.clear()
                return None
            self.nodes += 1
            part, parent, rest = goals
            self._stack.append(self._frame(part, parent, rest))
            goals = self._advance()
        self._fits = goals is not None
        return self._fits

    def offsets(self) -> list[int]:
        """Return an offset per item, once `run` has returned True."""
        offsets = [0] * len(self._layout.names)
        for i, name in enumerate(self._layout.names):
            offsets[name] = self._state.offset[i]
        return offsets

    def _adopt(self, style: Style) -> None:
        layout, state = self._layout, self._state
        measures = (
            [item.size for item in layout.items],
            [len(inside) for inside in layout.inside],
            [item.size * len(inside) for item, inside in zip(layout.items, layout.inside, strict=True)],
        )
        low, high = 1 - style.noise, 1 + style.noise
        self._rank = [rank * self._random.uniform(low, high) for rank in measures[style.ranking]]
        self._weighs = style.weighs
        state.weight = [(1 + weight) / 2 for weight in state.weight]

    def _with_parts(self, part: SearchPart, parent: int, rest: Chain) -> Chain:
        """Return the chain `rest` behind what is left to do in a part, cut into parts, the shortest first."""
        for piece in sorted(self._parts(part), key=lambda p: (p[0] - p[1], p[0])):
            rest = (piece, parent, rest)
        return rest

    def _parts(self, part: SearchPart) -> list[SearchPart]:
        left, crossing = self._state.left, self._state.crossing
        busy = [s for s in range(*part) if left[s]]
        if not busy or not self._rules.split:
            return [part] if busy else []
        cuts = [s for s in busy if not crossing[s]]
        if not cuts or cuts[0] != busy[0]:
            cuts.insert(0, busy[0])
        return list(zip(cuts, [*cuts[1:], busy[-1] + 1], strict=True))

    def _frame(self, part: SearchPart, parent: int, rest: Chain) -> Frame:
        """Return a new frame with its choices; it has none if its state has failed before."""
        state = self._state
        frame = Frame(part, parent, rest, len(state.trail), self._key(part))
        if frame.key in self._failed:
            return frame
        frame.section = section = self._choose(part)
        on = [
            i
            for i in state.candidates(section)
            if not self._rules.support
            or state.ground[i] == state.low[i]
            or self._layout.items[i].offset is not None
        ]
        if self._rules.twins:
            on = list({self._layout.kinds[i]: i for i in reversed(on)}.values())
        on.sort(key=lambda i: (self._rank[i], -i))
        frame.choices = [NOBODY, *on] if state.slack[section] > 0 else on
        return frame

    def _key(self, part: SearchPart) -> bytes:
        """Return the state of a part as bytes: everything that decides whether its remaining items fit."""
        if not self._room:
            return b""
        first, last = self._layout.starts[part[0]], self._layout.starts[part[1]]
        state = self._state
        return array(
            self._typecode, [first, last, *state.low[first:last], *state.ground[first:last]]
        ).tobytes()

    def _advance(self) -> Chain | None:
        """Take the next choice that is not refuted at once; return the parts to do, None without a choice."""
        state, stack = self._state, self._stack
        while stack:
            frame = stack[-1]
            while frame.choices:
                choice = frame.choices.pop()
                if state.bar(frame.section) if choice == NOBODY else state.place(choice):
                    return self._with_parts(frame.part, len(stack) - 1, frame.rest)
                state.undo(frame.mark)
            if self._room >= len(frame.key) > 0 and frame.key not in self._failed:
                self._failed.add(frame.key)
                self._room -= len(frame.key)
            # Parts solved since the parent's choice did not cause the failure: go back to the parent.
            del stack[frame.parent + 1 :]
            if stack:
                state.undo(stack[-1].mark)
        return None

    def _choose(self, part: SearchPart) -> int:
        """Return the section of a part to branch on."""
        state = self._state
        left, floor = state.left, state.floor
        lowest = min(floor[s] for s in range(*part) if left[s])
        if not self._rules.anywhere:
            return next(s for s in range(*part) if left[s] and floor[s] == lowest)
        weight = state.weight if self._weighs else [1.0] * len(left)
        order = sorted(
            ((state.lowest[s] + (state.slack[s] > 0) - 1) / weight[s], floor[s], s)
            for s in range(*part)
            if left[s]
        )
        return next(s for _, h, s in order if h == lowest or self._is_closed(s))

    def _is_closed(self, section: int) -> bool:
        """Return whether no other item can come to lie below those that may start at a section's floor."""
        low, floor = self._state.low, self._state.floor[section]
        return all(
            low[k] < 0 or low[k] + height > floor
            for i in self._state.candidates(section)
            for k, height in self._layout.rests[i]
        )
