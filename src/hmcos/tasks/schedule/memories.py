"""Put the buffers of a plan into several memories, so that the slower ones are written and read the least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from hmcos.allocation.auto import auto
from hmcos.allocation.lives import Lives
from hmcos.allocation.memories.question import MemoryQuestion, question
from hmcos.allocation.memories.spreading import spread, traffic_bound
from hmcos.limits import Limits, Status, Watch
from hmcos.log import Log
from hmcos.memory.lifetimes import Life
from hmcos.memory.profile import peak
from hmcos.memory.traffic import traffic
from hmcos.plan.arena import Arena
from hmcos.plan.memory_blocks import MemoryPlacement, MemoryPlan
from hmcos.schedulers.scheduler import conclude
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.assembly import assemble, placed_buffers
from hmcos.tasks.schedule.joint_search import searched_again
from hmcos.tasks.schedule.placement import SEARCHED, Placed
from hmcos.tasks.schedule.solved import Solved

_LOG = Log("hmcos.schedule")
STATES, STATES_EACH = 40_000, 8_000
"""States for the order of the plan, and for each other one: about as many placements of a life."""
ONE_BLOCK = 1_000
"""States to find the arena of another order in one block."""
SEARCHES = 4
"""Searches for other orders with the least peak."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An order and its memories."""

    order: tuple[int, ...]
    lives: tuple[Life, ...]
    placement: MemoryPlacement

    @property
    def cost(self) -> tuple[object, ...]:
        """What is to be least: buffers without room, then the traffic behind each memory."""
        return (not self.placement.fits, *self.placement.behind)


def with_memories(request: Request, solved: Solved, watch: Watch) -> Solved:
    """Return a plan with its buffers in the memories that were asked for, instead of one arena.

    The order is that of the plan. Where some buffers have to leave the first memory, the order of the source
    and some more orders with the least peak are tried, and the one with the least traffic in the slower
    memories is taken; but only for the optimal scheduler: users who name others want to see exactly their
    results. The limits of the request count from the start of the watch.

    Raises:
        OptionError: a buffer is larger than can be counted.
    """
    plan, arena = solved.plan, solved.plan.arena
    if not request.memories:
        return solved
    assert arena is not None, "memories are asked for with an arena"
    task = _Task(request, solved, watch)
    best, tried = task.best()
    if best.order != plan.schedule.order:
        solved, arena = task.reordered(best), task.one_block(best)
        plan = solved.plan
    placement = best.placement
    buffers = placed_buffers(solved.network, best.lives, placement.offsets, placement.memory)
    if not placement.fits:
        placement, buffers = replace(placement, memory=(), offsets=(), sizes=(), traffic=()), ()
    _LOG.info(
        "memories in %.3f s, %d orders: %s, slower traffic %d, bound %d",
        placement.seconds,
        tried,
        placement.status,
        placement.slower,
        placement.lower_bound,
    )
    memories = MemoryPlan(placement, arena.size, arena.lower_bound, tried)
    seconds = replace(plan.seconds, total=max(plan.seconds.total, plan.seconds.load + watch.seconds))
    plan = replace(
        plan, arena=None, largest_first_arena=None, buffers=buffers, memories=memories, seconds=seconds
    )
    return replace(solved, plan=plan, lives=best.lives)


@dataclass(frozen=True, slots=True)
class _Task:
    request: Request
    solved: Solved
    watch: Watch

    def best(self) -> tuple[_Candidate, int]:
        """Return the order with the least traffic in the slower memories, and how many were compared."""
        started = self.watch.restarted()
        best, tried = self._candidate(self.solved.plan.schedule.order, STATES), 1
        assert best is not None
        for order in self._orders(best):
            other = self._candidate(order, STATES_EACH, best)
            tried += 1
            if other is not None and other.cost < best.cost:
                best = other
        return replace(best, placement=replace(best.placement, seconds=started.seconds)), tried

    def _orders(self, first: _Candidate) -> Iterator[tuple[int, ...]]:
        """Yield other orders to try: that of the source, and orders with the least peak."""
        schedule, problem = self.solved.plan.schedule, self.solved.network.problem
        none_left = first.placement.fits and not first.placement.slower
        if none_left or schedule.scheduler != "optimal" or len(first.lives) > SEARCHED:
            return
        rng, limits, told = Random(self.request.limits.seed), self.request.limits, {first.order}
        for number in range(1 + SEARCHES):
            if self.watch.is_over(limits):
                return
            order = range(problem.operators)
            if number:
                left = replace(self.watch.left(limits), budget=None)
                order = searched_again(problem, schedule.peak, rng, left, self.watch.restarted())
            if tuple(order) not in told:
                told.add(tuple(order))
                yield tuple(order)

    def _candidate(
        self, order: Sequence[int], states: int, best: _Candidate | None = None
    ) -> _Candidate | None:
        """Return the memories of an order; None if a simple bound says that it is no better than the best."""
        lives = self.solved.network.lives(order)
        asked = self._question(lives)
        if best is not None and best.placement.fits and traffic_bound(asked) >= best.placement.slower:
            return None
        limits = self.watch.left(self.request.limits)
        limits = replace(limits, states=min(limits.states, states))
        watch = self.watch.restarted() if best is None else self.watch.restarted().silenced()
        return _Candidate(tuple(order), lives, spread(asked, limits, watch))

    def _question(self, lives: Sequence[Life]) -> MemoryQuestion:
        moved = traffic(self.solved.network.problem, lives)
        return question(lives, moved, self.request.memories, self.solved.network.target.alignment)

    def one_block(self, chosen: _Candidate) -> Arena:
        """Return the arena of another order in one block, after a short search."""
        lives = Lives(chosen.lives, self.solved.network.target.alignment)
        return auto(lives, Limits(states=ONE_BLOCK), self.watch.restarted().silenced())

    def reordered(self, chosen: _Candidate) -> Solved:
        """Return the plan in another order."""
        network, plan = self.solved.network, self.solved.plan
        reached = peak(network.problem, chosen.order)
        otherwise = Status.FEASIBLE if plan.status is Status.OPTIMAL else plan.status
        status = conclude(reached, plan.lower_bound, None, otherwise)
        schedule = replace(plan.schedule, order=chosen.order, peak=reached, status=status)
        made = assemble(plan.source, network, Placed(schedule, chosen.lives), None, plan.seconds)
        plan = replace(plan, schedule=schedule, order=made.order, memory=made.memory, crest=made.crest)
        return replace(self.solved, plan=plan, lives=chosen.lives)
