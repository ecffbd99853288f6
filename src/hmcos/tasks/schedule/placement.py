"""From a schedule to an arena for it, and to another order where that needs less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.allocation.lives import Lives
from hmcos.allocation.planner_table import allocator
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life, lifetimes
from hmcos.network.lowering import Network
from hmcos.plan.arena import Arena
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import conclude
from hmcos.tasks.request import ArenaRequest
from hmcos.tasks.schedule.joint_search import Aim, Candidate, improve

STATES = 3_000
"""States that the planner may search for the order found: some seconds where there is no slack."""
SEARCHED = 1_500
"""Lives up to which it searches at all: one run over more of them takes longer than anybody expects."""
WORK_EACH = 10_000
"""States for each other order, times its lives, so that every order costs about the same."""
_PROVING = ("auto", "exact")


@dataclass(frozen=True, slots=True)
class Placed:
    """A schedule, perhaps of another order than the one found at first, and its arena."""

    schedule: Schedule
    lives: tuple[Life, ...]
    arena: Arena | None = None
    """Offsets for the lives; None where none was asked for."""
    largest_first: int | None = None
    """Bytes that the planner of that name needs for the same lives."""


def place(
    network: Network, found: Schedule, wanted: ArenaRequest | None, limits: Limits, watch: Watch
) -> Placed:
    """Return the schedule with an arena, if one is wanted, within what is left of the limits.

    Where no arena equals the peak, other orders are tried: only if the optimal scheduler chose the order
    and the planner is one that proves, since whoever names others wants to see theirs.
    """
    lives = lifetimes(network.problem, found.order)
    if wanted is None:
        return Placed(found, lives)
    placing = _Placing(network, wanted, limits, watch)
    planning, left = watch.restarted(), placing.left()
    first = Candidate(found.order, found.peak, lives, placing.arena(lives, left, planning))
    best = first
    if found.scheduler == "optimal" and wanted.allocator in _PROVING:
        best = placing.improved(found, first)
    simple = largest_first(Lives(best.lives, network.target.alignment), left, planning.silenced())
    arena = replace(best.arena, seconds=planning.seconds)
    return Placed(_rescheduled(found, best, limits.budget), best.lives, arena, simple.size)


@dataclass(frozen=True, slots=True)
class _Placing:
    """What stays the same from one order to the next."""

    network: Network
    wanted: ArenaRequest
    limits: Limits
    watch: Watch

    def left(self) -> Limits:
        """Return what is left of the limits, from now on, for the planner."""
        left = self.watch.left(self.limits)
        return replace(left, states=min(left.states, STATES))

    def arena(self, lives: tuple[Life, ...], limits: Limits, watch: Watch) -> Arena:
        """Return the arena of the planner that was asked for."""
        if len(lives) > SEARCHED:
            limits = replace(limits, states=0)
        planner = allocator(self.wanted.allocator)
        return planner(Lives(lives, self.network.target.alignment), limits, watch)

    def improved(self, found: Schedule, first: Candidate) -> Candidate:
        """Return the first candidate, or one of another order with a smaller arena."""
        budget = self.limits.budget
        least, highest = found.peak, found.peak
        if self.wanted.any_peak:
            # An order that fits is not given away for one that does not.
            least, highest = found.lower_bound, budget if found.status is Status.FITS else None
        aim = Aim(max(least, budget or 0), highest)
        few = len(first.lives) <= SEARCHED
        if found.status is Status.DOES_NOT_FIT or first.arena.size <= aim.size or not few:
            return first
        states = 1 + WORK_EACH // (1 + len(first.lives))

        def plan(order: Sequence[int]) -> tuple[tuple[Life, ...], Arena]:
            lives = lifetimes(self.network.problem, order)
            watch = self.watch.restarted().silenced()
            return lives, self.arena(lives, replace(self.left(), states=states), watch)

        return improve(self.network.problem, first, aim, plan, self.limits, self.watch)


def _rescheduled(found: Schedule, best: Candidate, budget: int | None) -> Schedule:
    """Return the schedule of the best order: what was proved of all orders stays proved."""
    if best.order == found.order:
        return found
    otherwise = Status.FEASIBLE if found.status is Status.OPTIMAL else found.status
    status = conclude(best.peak, found.lower_bound, budget, otherwise)
    return replace(found, order=best.order, peak=best.peak, status=status)
