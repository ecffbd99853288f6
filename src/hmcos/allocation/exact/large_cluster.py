"""A cluster that is too large for the search's tables: cores of it are searched, then ejection takes over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from math import sqrt
from random import Random

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.ejecting_crowd import CrowdEjecting
from hmcos.allocation.exact.aims import Aims
from hmcos.allocation.exact.best_offsets import BestOffsets
from hmcos.allocation.exact.cores import CORES, core_of
from hmcos.allocation.fit import board, first_fit_until, highest_end
from hmcos.allocation.items import Item
from hmcos.allocation.simple.best_fit import Skyline
from hmcos.allocation.simple.largest_area_first import area
from hmcos.limits import Limits, Watch

CorePlanner = Callable[[Sequence[Item], Sequence[int], Limits, Watch], tuple[list[int], int]]
"""Returns better offsets for items at given offsets, and the states that this took."""

FIRST_RUN = 500
"""Placements of a run of ejection in the first round; each later round has twice as many."""
FINEST = 4000
"""A round of aims ends at most this part of the best size below it."""
ITEMS_PER_STATE = 1000
"""Items that a placement looks at in the time in which the search enters a state, about."""


class LargeCluster(BestOffsets):
    """Items with their best offsets so far, all in units; see `Cluster`, which also refutes capacities.

    First come the cores, one per probe: items that are large or that live where memory is nearly full. They
    are searched alone, the others are placed around them, the largest first. What matters to a large arena is
    often decided by hundreds of its lives: those of pangu_2.6B (18,692) meet their bound after the search for
    222 of them.
    """

    refuted = -1
    """No capacity is ever refuted."""

    def __init__(self, items: Sequence[Item], offsets: Sequence[int], plan: CorePlanner) -> None:
        """Start from items that all need room, and offsets at which they do not overlap.

        `plan` searches cores.
        """
        super().__init__(items, offsets)
        self._plan = plan
        self._cores = iter(CORES)
        self._aims = Aims()
        self._runs = 0

    @cached_property
    def _ejecting(self) -> CrowdEjecting:
        return CrowdEjecting(self.items)

    def target(self, bound: int) -> int:
        """Return the capacity to try next."""
        return self._aims.next(bound, self.size, self.size // FINEST)

    def probe(self, target: int, limits: Limits, watch: Watch, jobs: int) -> int:
        """Try for a while to fit the items into a capacity; return the number of states that this counts for.

        `jobs` changes nothing.
        """
        for core in self._cores:
            chosen = core_of(self._ejecting.crowd, core)
            if 0 < len(chosen) < len(self.items):
                return self._place_around(chosen, limits, watch)
        return self._eject(target, limits, watch)

    def _place_around(self, chosen: Sequence[int], limits: Limits, watch: Watch) -> int:
        """Search a core, and place the other items around it."""
        inner = [self.items[i] for i in chosen]
        narrow = board(inner)
        over = partial(watch.is_over, limits)
        found = (first_fit_until(over, narrow, _largest_first(inner)), Skyline(narrow).filled(over))
        starts = [offsets for offsets in found if offsets is not None]
        if not starts:
            return 0
        start = min(starts, key=lambda offsets: highest_end(inner, offsets))
        states = len(self.items)
        if highest_end(inner, start) > lower_bound(inner):
            start, searched = self._plan(inner, start, limits, watch)
            states += searched
        placed = [item.offset for item in self.items]
        for i, offset in zip(chosen, start, strict=True):
            placed[i] = offset
        offsets = first_fit_until(over, self._ejecting.crowd, self._by_size, placed)
        self.adopt(self.offsets if offsets is None else offsets)
        return states

    @cached_property
    def _by_size(self) -> list[int]:
        return _largest_first(self.items)

    def _eject(self, target: int, limits: Limits, watch: Watch) -> int:
        price = PRICES[self._aims.round % len(PRICES)]
        most, placements = FIRST_RUN << min(self._aims.round, 20), 0

        def stop(steps: int) -> bool:
            nonlocal placements
            placements = steps
            return steps >= most or watch.reached(limits, 0) is not None

        rng = Random(limits.seed + self._runs)
        prices = [price(item) for item in self.items]
        self._runs += 1
        if self.adopt(self._ejecting.run(self.offsets, target, prices, rng, stop)) > target:
            self._aims.fail(target)
        return 1 + placements * (1 + len(self.items) // ITEMS_PER_STATE)


def _largest_first(items: Sequence[Item]) -> list[int]:
    return sorted(range(len(items)), key=lambda i: (-items[i].size, i))


def _edge(item: Item) -> float:
    """Return the edge of a square as large as an item is in bytes x steps."""
    return sqrt(area(item))


def _size(item: Item) -> float:
    return float(item.size)


def _same(_item: Item) -> float:
    return 1.0


PRICES: tuple[Callable[[Item], float], ...] = (_edge, _same, _size)
"""What it costs at first to eject an item, compared with others, in one round after the other."""
