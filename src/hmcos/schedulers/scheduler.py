"""The signature of every scheduler, and how a schedule gets its status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.bounds import must_live_bound
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule


class Scheduler(Protocol):
    """Finds an order for a problem."""

    def __call__(self, problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        """Return a schedule in every case; its status says what was proved."""
        ...


def conclude(reached: int, lower_bound: int, budget: int | None, otherwise: Status) -> Status:
    """Return the status of a search from its peak and bound in bytes; `otherwise` if nothing was proved."""
    if budget is not None and reached <= budget:
        return Status.FITS
    if budget is not None and lower_bound > budget:
        return Status.DOES_NOT_FIT
    return Status.OPTIMAL if reached == lower_bound and budget is None else otherwise


def heuristic(problem: Problem, order: Sequence[int], name: str, limits: Limits, watch: Watch) -> Schedule:
    """Return the schedule of an order without a proof of its own; its lower bound is the must-live bound."""
    reached, bound = peak(problem, order), must_live_bound(problem)
    status = conclude(reached, bound, limits.budget, Status.FEASIBLE)
    return Schedule(tuple(order), reached, bound, status, name, watch.seconds)
