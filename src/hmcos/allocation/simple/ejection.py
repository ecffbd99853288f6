"""The planner `ejection`: the largest lives first, then those without room take it from others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt
from random import Random

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.exact.shrink import postponable, scaled, unit_of
from hmcos.allocation.fit import board, first_fit, highest_end
from hmcos.allocation.items import Item, items
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import outcome
from hmcos.allocation.quick import is_settled
from hmcos.allocation.simple.ejecting import Ejecting
from hmcos.allocation.simple.largest_area_first import area
from hmcos.allocation.simple.ordered import by_size, with_limit
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena

RUNS = range(12)
"""The numbers of the runs; nearly all arenas of rows that reach their bound do so in the first three."""
FEWEST, EACH = 700, 3
"""Placements of a run: so many, and for each item that is searched so many more."""
PAIRS = 1_200_000
"""Pairs of items that a run looks at, about: where thousands meet, a run has fewer placements."""


def ejection(lives: Lives, limits: Limits, watch: Watch, runs: range = RUNS) -> Arena:
    """Return the smallest arena of several runs, never larger than that of `largest_first`.

    Runs of even numbers aim at the lower bound; those of odd numbers halfway from the last size at which one
    of them failed, or the bound, to the best arena. Runs differ in what they begin with and in the prices of
    lives. States of the limits are placements. Two calls give the same arena unless the time limit ends them.
    """
    best = by_size(lives, limits, watch)
    if _is_done(best, limits) or watch.reached(limits, 0) is not None:
        return with_limit(best, limits, watch, 0)
    searching = _Searching(lives, [best.offsets[item.lives[0]] for item in items(lives)])
    for run in runs:
        searching.attempt(run, limits, watch)
        best = outcome(lives, (searching.given, searching.smallest), "ejection", limits, watch)
        watch.progress("ejection", best.size, best.lower_bound, searching.steps)
        if _is_done(best, limits) or watch.reached(limits, searching.steps) is not None:
            break
    return with_limit(best, limits, watch, searching.steps)


def _is_done(arena: Arena, limits: Limits) -> bool:
    """Return whether no run can help; an arena may meet the bound and still be larger than all pools."""
    return arena.size == arena.lower_bound or is_settled(arena, limits)


class _Searching:
    """The smallest offsets so far, and the size that was last tried in vain; all in units."""

    def __init__(self, lives: Lives, offsets: Sequence[int]) -> None:
        """Start from the offsets of an arena, one per item."""
        self.given = items(lives)
        self._unit = unit_of(self.given)
        self._board = board([scaled(item, self._unit) for item in self.given], lives.crowding)
        whole = self._board.items
        self._offsets = [offset // self._unit for offset in offsets]
        self._size = highest_end(whole, self._offsets)
        self._bound = lower_bound(whole)
        self._failed = self._bound - 1
        self._postponed = postponable(self._board, self._bound)
        late = set(self._postponed)
        self._left = [i for i, item in enumerate(whole) if i not in late and item.pieces]
        self._inner = unit_of([whole[i] for i in self._left])
        """Units that the offsets of what is left may be multiples of: with small lives postponed, more."""
        self._ejecting = Ejecting([scaled(whole[i], self._inner) for i in self._left])

        count = len(self._left)
        self._most = min(FEWEST + EACH * count, 1 + PAIRS * count // (1 + self._ejecting.board.pairs()))

    @property
    def steps(self) -> int:
        """Placements in all runs."""
        return self._ejecting.steps

    @property
    def smallest(self) -> list[int]:
        """The best offsets so far, in bytes."""
        return [offset * self._unit for offset in self._offsets]

    def attempt(self, run: int, limits: Limits, watch: Watch) -> None:
        """Try the next size; runs of other numbers begin otherwise."""
        before = self.steps
        halfway = (self._failed + self._size) // 2
        target = halfway if run % 2 else self._bound

        def stop(steps: int) -> bool:
            return steps >= self._most or watch.reached(limits, before + steps) is not None

        rank, price = MANNERS[run // 2 % len(MANNERS)]
        prices = [1 + price(item) for item in self._ejecting.items]
        rng = Random(limits.seed + run)
        found = self._ejecting.run(self._begin(rank), target // self._inner, prices, rng, stop)
        if found is not None:
            self._adopt(found)
        elif run % 2:
            self._failed = target
        if self._failed >= self._size - 1:
            self._failed = self._bound - 1

    def _begin(self, rank: Callable[[Item], int]) -> list[int]:
        """Return the offsets of placing items by rank, the highest first."""
        given = self._ejecting.items
        return first_fit(self._ejecting.board, sorted(range(len(given)), key=lambda i: (-rank(given[i]), i)))

    def _adopt(self, found: Sequence[int]) -> None:
        """Place what was postponed, and keep the offsets if that makes a smaller arena."""
        whole = self._board.items
        placed = [item.offset for item in whole]
        for i, offset in zip(self._left, found, strict=True):
            placed[i] = offset * self._inner
        offsets = first_fit(self._board, [*self._postponed, *range(len(placed))], placed)
        size = highest_end(whole, offsets)
        if size < self._size:
            self._offsets, self._size = offsets, size


def _size(item: Item) -> int:
    return item.size


def _edge(item: Item) -> int:
    """Return the edge of a square as large as an item is in bytes x steps."""
    return isqrt(area(item))


def _between(item: Item) -> int:
    """Return the mean of edge and area, as their logarithms go."""
    return isqrt(area(item) * isqrt(area(item)))


def _upright(item: Item) -> int:
    """Return a number in which bytes count more than steps: 4 x bytes x the root of the steps."""
    return isqrt(16 * item.size * area(item))


MANNERS = ((area, _upright), (area, _edge), (_size, area), (_size, _between))
"""What runs begin with, the highest first, and the prices of items.

Found on the rows of 60 networks; one of them is right for nearly all, but which one differs.
"""
