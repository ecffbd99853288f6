"""The exact planner: the smallest arena, with a proof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.exact.cluster import USUAL, Cluster, ProofSettings
from hmcos.allocation.exact.shrink import clusters, postponable, scaled, unit_of
from hmcos.allocation.fit import Board, board, count_pairs, first_fit, highest_end
from hmcos.allocation.items import Item, items
from hmcos.allocation.lives import Lives
from hmcos.allocation.outcome import outcome, room
from hmcos.allocation.quick import smallest_cheap
from hmcos.allocation.sections import entries
from hmcos.allocation.simple.ordered import with_limit
from hmcos.limits import Limits, Status, Watch, never
from hmcos.plan.arena import Arena

if TYPE_CHECKING:
    from hmcos.allocation.exact.large_cluster import LargeCluster
    from hmcos.allocation.exact.portfolio import Portfolio


def exact(
    lives: Lives, limits: Limits, watch: Watch, jobs: int = 1, settings: ProofSettings = USUAL
) -> Arena:
    """Return the smallest arena, or the best one and a lower bound if a limit is reached.

    With a budget, the search ends at the first arena within it, or at the proof that there is none. Pools are
    filled in their order, so the last one is used as little as possible. With one worker, two runs give the
    same arena unless the time limit ends them.

    Args:
        lives: the lives to place.
        limits: seconds, budget, seed, and `states`: states of the search, all runs together.
        watch: is told about better arenas and bounds.
        jobs: workers of the constraint solver.
        settings: how to search.
    """
    start = smallest_cheap(lives, limits, watch)
    if start.status is Status.OPTIMAL or watch.reached(limits, 0) is not None:
        return replace(with_limit(start, limits, watch, 0), allocator="exact")
    return prove(lives, start, limits, watch, jobs, settings)


def prove(
    lives: Lives, start: Arena, limits: Limits, watch: Watch, jobs: int = 1, settings: ProofSettings = USUAL
) -> Arena:
    """Return the smallest arena; `start` is a cheap planner's arena, with every life as low as it can be."""
    given = items(lives)
    unit = unit_of(given)
    shrunk = board([scaled(item, unit) for item in given], lives.crowding)
    offsets = [start.offsets[item.lives[0]] // unit for item in given]
    asked = None if limits.budget is None else room(lives, limits)
    over = partial(watch.is_over, limits)
    proof = Proof(shrunk, offsets, None if asked is None else asked // unit, unit, over, settings)
    status = proof.search(limits, watch, jobs)
    smallest = [offset * unit for offset in proof.assembled()]
    return outcome(lives, (given, smallest), "exact", limits, watch, (proof.bound * unit, status))


class Proof:
    """Narrows the gap between the best arena and the lower bound; all addresses and sizes are in units."""

    def __init__(
        self,
        board: Board,
        offsets: Sequence[int],
        room: int | None,
        unit: int,
        stop: Callable[[], bool] = never,
        settings: ProofSettings = USUAL,
    ) -> None:
        """Start from the offsets of an arena; leave out of the search what can be placed afterwards.

        `room` is the size that the arena has to fit into, None for as little as possible. Once `stop` returns
        True, no more items are looked for that can be left out.
        """
        self._board, self._offsets, self._room, self._unit = board, list(offsets), room, unit
        self.bound = lower_bound(board.items)
        self.states = 0
        """States entered, and what else counts as such."""
        capacity = self.bound if room is None else max(self.bound, room)
        self._postponed = postponable(board, capacity, stop)
        late = set(self._postponed)
        left = [i for i, item in enumerate(board.items) if i not in late and item.pieces]
        self._groups = clusters(board.items, left)
        self._clusters = [
            _cluster([board.items[i] for i in group], [offsets[i] for i in group], settings)
            for group in self._groups
        ]

    @property
    def aim(self) -> int:
        """The size at which a cluster needs no more search."""
        return self.bound if self._room is None else max(self.bound, self._room)

    def search(self, limits: Limits, watch: Watch, jobs: int) -> Status:
        """Search all open clusters in turn; return how that ended."""
        while open_ones := [c for c in self._clusters if c.size > self.aim]:
            for cluster in open_ones:
                if self._room is not None and self.bound > self._room:
                    return Status.FEASIBLE
                reached = watch.reached(limits, self.states)
                if reached is not None:
                    return reached
                if cluster.size > self.aim:
                    self._probe(cluster, limits, watch, jobs)
                    largest = max(c.size for c in self._clusters)
                    watch.progress("arena", largest * self._unit, self.bound * self._unit, self.states)
        return Status.FEASIBLE

    def _probe(
        self, cluster: Cluster | LargeCluster | Portfolio, limits: Limits, watch: Watch, jobs: int
    ) -> None:
        target = self.aim if self._room is not None else cluster.target(self.bound)
        self.states += cluster.probe(target, limits, watch, jobs)
        if cluster.refuted >= self.bound:
            self.bound = cluster.refuted + 1

    def assembled(self) -> list[int]:
        """Return an offset per item: that of its cluster, or for a postponed one the lowest free address."""
        placed = [item.offset for item in self._board.items]
        for group, cluster in zip(self._groups, self._clusters, strict=True):
            for i, offset in zip(group, cluster.offsets, strict=True):
                placed[i] = offset
        offsets = first_fit(self._board, [*self._postponed, *range(len(placed))], placed)
        return min((offsets, self._offsets), key=lambda each: highest_end(self._board.items, each))


def _cluster(
    items: Sequence[Item], offsets: Sequence[int], settings: ProofSettings
) -> Cluster | LargeCluster | Portfolio:
    """Return a cluster of items that all need room; it is searched if its tables are not too large."""
    is_searched = _entries(items) <= settings.largest
    if is_searched and len(items) <= settings.alone:
        return Cluster(items, offsets, settings)
    from hmcos.allocation.exact.large_cluster import LargeCluster  # noqa: PLC0415 (numpy takes 100 ms)
    from hmcos.allocation.exact.portfolio import Portfolio  # noqa: PLC0415

    large = LargeCluster(items, offsets, partial(_improved, settings=settings))
    return Portfolio(Cluster(items, offsets, settings), large) if is_searched else large


def _entries(items: Sequence[Item]) -> int:
    """Return the entries of the search's tables: who meets whom, and who is alive when."""
    return count_pairs(items) + entries(items)


def _improved(
    items: Sequence[Item], offsets: Sequence[int], limits: Limits, watch: Watch, settings: ProofSettings
) -> tuple[list[int], int]:
    """Return offsets of the core of a cluster after a short search from given ones on, and its states."""
    if _entries(items) > settings.largest_core:
        return list(offsets), 0
    over = partial(watch.is_over, limits)
    proof = Proof(board(items), offsets, None, 1, over, settings)
    proof.search(replace(limits, states=min(limits.states, settings.core_states)), watch.silenced(), 1)
    return proof.assembled(), proof.states
