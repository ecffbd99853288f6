"""The order of the source file."""

from __future__ import annotations

from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import heuristic


def given(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    """Return the order of the source."""
    return heuristic(problem, range(problem.operators), "given", limits, watch)
