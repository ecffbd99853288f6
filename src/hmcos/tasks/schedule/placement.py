"""Find an arena for a schedule, or another order with a smaller one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.allocation.lives import Lives
from hmcos.allocation.planner_table import PROVING, allocator
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.lifetimes import Life
from hmcos.network.lowering import Network
from hmcos.plan.arena import Arena
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import conclude
from hmcos.tasks.request import ArenaRequest
from hmcos.tasks.schedule.joint_search import Aim, Candidate, improve

STATES = 3_000
"""States that the planner may search for the first order: a few seconds where nothing is left over."""
SEARCHED = 1_500
"""Most lives for which other orders are tried: with more, a single run takes too long."""
STATES_OF_MANY = 30_000
"""States for the one order of so many lives, placements included: some ten seconds at most."""
WORK_EACH = 10_000
"""States for each further order, times its lives, so that every order costs about the same."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A schedule and its arena; the order may differ from the one that the scheduler found."""

    schedule: Schedule
    lives: tuple[Life, ...]
    arena: Arena | None = None
    """Offsets for the lives; None if no arena was requested."""
    largest_first: int | None = None
    """Arena size in bytes of the planner `largest_first` for the same lives."""


def place(
    network: Network, schedule: Schedule, wanted: ArenaRequest | None, limits: Limits, watch: Watch
) -> Placed:
    """Return the schedule with an arena, if one is wanted, within the rest of the limits.

    If the arena is larger than the peak, other orders are tried, but only for the optimal scheduler and a
    planner that proves its results: users who name other algorithms want to see exactly their results.
    """
    lives = network.lives(schedule.order)
    if wanted is None:
        return Placed(schedule, lives)
    placing = _Placing(network, wanted, limits, watch)
    planning, left = watch.restarted(), placing.left()
    first = Candidate(schedule.order, schedule.peak, lives, placing.arena(lives, left, planning))
    best = first
    if wanted.other_orders and schedule.scheduler == "optimal" and wanted.allocator in PROVING:
        best = placing.improved(schedule, first)
    simple = largest_first(Lives(best.lives, network.target.alignment), left, planning.silenced())
    floor = network.problem.floor
    arena = reserving(replace(best.arena, seconds=planning.seconds), floor, limits.budget, is_needed=True)
    simple_size = max(simple.size, floor)
    return Placed(_rescheduled(schedule, best, limits.budget), best.lives, arena, simple_size)


def reserving(arena: Arena, size: int, budget: int | None, *, is_needed: bool) -> Arena:
    """Return an arena that has at least a size in bytes; `is_needed` says that every arena must have it."""
    bound = max(arena.lower_bound, size if is_needed else 0)
    reached = max(arena.size, size)
    settled = (Status.OPTIMAL, Status.FITS, Status.DOES_NOT_FIT)
    otherwise = Status.FEASIBLE if arena.status in settled else arena.status
    status = conclude(reached, bound, budget, otherwise)
    return replace(arena, size=reached, lower_bound=bound, status=status, reserved=max(arena.reserved, size))


@dataclass(frozen=True, slots=True)
class _Placing:
    """What all orders of one placement share."""

    network: Network
    wanted: ArenaRequest
    limits: Limits
    watch: Watch

    def left(self) -> Limits:
        """Return the rest of the limits, for the planner."""
        left = self.watch.left(self.limits)
        return replace(left, states=min(left.states, STATES))

    def arena(self, lives: tuple[Life, ...], limits: Limits, watch: Watch) -> Arena:
        """Return the arena of the requested planner."""
        if len(lives) > SEARCHED:
            limits = replace(limits, states=min(self.limits.states, STATES_OF_MANY))
        planner = allocator(self.wanted.allocator)
        return planner(Lives(lives, self.network.target.alignment), limits, watch)

    def improved(self, schedule: Schedule, first: Candidate) -> Candidate:
        """Return the first candidate, or one of another order with a smaller arena."""
        budget = self.limits.budget
        least, highest = schedule.peak, schedule.peak
        if self.wanted.any_peak:
            # An order that fits the budget is not replaced by one that does not.
            least, highest = schedule.lower_bound, budget if schedule.status is Status.FITS else None
        aim = Aim(max(least, budget or 0), highest)
        few = len(first.lives) <= SEARCHED
        if schedule.status is Status.DOES_NOT_FIT or first.arena.size <= aim.size or not few:
            return first
        states = 1 + WORK_EACH // (1 + len(first.lives))

        def plan(order: Sequence[int]) -> tuple[tuple[Life, ...], Arena]:
            lives = self.network.lives(order)
            watch = self.watch.restarted().silenced()
            return lives, self.arena(lives, replace(self.left(), states=states), watch)

        return improve(self.network.problem, first, aim, plan, self.limits, self.watch)


def _rescheduled(schedule: Schedule, best: Candidate, budget: int | None) -> Schedule:
    """Return the schedule of the best order; bounds that were proved for all orders still hold."""
    if best.order == schedule.order:
        return schedule
    otherwise = Status.FEASIBLE if schedule.status is Status.OPTIMAL else schedule.status
    status = conclude(best.peak, schedule.lower_bound, budget, otherwise)
    return replace(schedule, order=best.order, peak=best.peak, status=status)
