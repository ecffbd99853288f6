"""Schedules of problems whose memory has a floor, by schedulers that know of none."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import Scheduler, conclude


def above_floor(search: Scheduler) -> Scheduler:
    """Return a scheduler that counts the floor of a problem; the best orders are those without it."""

    @wraps(search)
    def found(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
        if not problem.floor:
            return search(problem, limits, watch)
        schedule = search(replace(problem, floor=0), limits, watch)
        peak, bound = max(schedule.peak, problem.floor), max(schedule.lower_bound, problem.floor)
        status = schedule.status
        if (peak, bound) != (schedule.peak, schedule.lower_bound):
            otherwise = Status.FEASIBLE if status in (Status.OPTIMAL, Status.FITS) else status
            status = conclude(peak, bound, limits.budget, otherwise)
        return replace(schedule, peak=peak, lower_bound=bound, status=status)

    return found
