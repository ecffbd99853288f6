"""The scheduler `hmcos`: the iterative hierarchical scheduler.

Wang, Wan, Chen, Lin, Jiang, Qiao: Hierarchical Memory-Constrained Operator Scheduling of Neural
Architecture Search Networks, DAC 2022, doi 10.1145/3489517.3530472.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hmcos.hierarchy.refinement import crowded_cells, dissolve
from hmcos.hierarchy.tree import grow_tree
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.published.best_first import Attempts, BlockSearch, Meter
from hmcos.schedulers.published.blocks import Scope, top_scope
from hmcos.schedulers.scheduler import conclude
from hmcos.schedulers.simple.rpo import reverse_post_order


@dataclass(frozen=True, slots=True)
class HmcosParams:
    """How the hierarchy is built, and how long it is searched."""

    ends: tuple[int, ...] | None = None
    """The operators that may end a cell; None for all with several predecessors. The published system takes
    the operators of kind Concat, but a problem holds only numbers and knows no kinds."""
    patience: int = 20_000
    """States to enter per probe. The networks of the paper need 50 to 5,000 in all; a probe that needs more
    is ended, and the next one aims at a higher peak."""
    probes: int = 6
    """The most probes per round, each with its own peak to aim at."""


def hmcos(problem: Problem, limits: Limits, watch: Watch, params: HmcosParams = HmcosParams()) -> Schedule:
    """Return the order of the iterative hierarchical scheduler, with the must-live bound."""
    bound = must_live_bound(problem)
    meter = Meter(limits, watch, "hmcos")
    meter.lower_bound = bound
    order = reverse_post_order(problem)
    if limits.budget is None or bound <= limits.budget:
        order = _Rounds(problem, meter, params, max(bound, limits.budget or 0)).improve(order)
    reached = peak(problem, order)
    status = conclude(reached, bound, limits.budget, meter.stopped or Status.FEASIBLE)
    seconds = watch.seconds
    return Schedule(tuple(order), reached, bound, status, "hmcos", seconds, meter.states)


class _Rounds:
    """Schedules a hierarchy in rounds; after each round it dissolves the cells that cause the peak."""

    def __init__(self, problem: Problem, meter: Meter, params: HmcosParams, goal: int) -> None:
        self.problem = problem
        self.meter = meter
        self.params = params
        self.goal = goal
        """A peak in bytes that is good enough."""
        self.attempts: Attempts = {}
        """What is known about the orders of cells, kept from round to round."""

    def improve(self, order: Sequence[int]) -> Sequence[int]:
        """Return the best order of all rounds; cells are first tried with their operators as in `order`."""
        best, reached = order, peak(self.problem, order)
        tree = grow_tree(self.problem, self.params.ends)
        while reached > self.goal and self.meter.stopped is None:
            best = self._schedule(top_scope(tree, order), best, reached)
            reached = peak(self.problem, best)
            crowded = crowded_cells(tree, best)
            if not crowded:
                break
            tree = dissolve(tree, crowded)
        return best

    def _schedule(self, scope: Scope, best: Sequence[int], reached: int) -> Sequence[int]:
        """Return the best order of this round's blocks, or `best` if the round finds none that is better.

        The first probe accepts only the goal. If patience ends it, the next ones aim halfway between the peak
        that was out of reach and the best peak so far (adaptive soft budgeting: Ahn et al., Ordering Chaos,
        MLSys 2020).
        """
        start = sum(self.problem.sizes[b] for b in self.problem.inputs)
        floor = missed = self.goal
        for _ in range(self.params.probes):
            self.meter.peak = reached
            self.meter.report()
            search = BlockSearch(scope, reached, self.meter, self.params.patience, self.attempts)
            better = search.least(start, floor)
            if better is not None:
                best, reached = better, peak(self.problem, better)
            elif search.cut_off:
                missed = floor
            if reached <= self.goal or (reached > floor and not search.cut_off):
                break
            floor = (missed + reached) // 2
        return best
