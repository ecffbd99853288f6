"""A random order, for baselines and samples."""

from __future__ import annotations

from random import Random

from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import heuristic


def random(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    """Return a random order; the seed is that of the limits."""
    return heuristic(problem, random_order(problem, Random(limits.seed)), "random", limits, watch)


def random_order(problem: Problem, source: Random) -> list[int]:
    """Return an order in which each next operator is drawn with equal chances from those that are ready."""
    missing = [len(before) for before in problem.predecessors]
    ready = [op for op in range(problem.operators) if not missing[op]]
    order: list[int] = []
    while ready:
        drawn = source.randrange(len(ready))
        ready[drawn], ready[-1] = ready[-1], ready[drawn]
        op = ready.pop()
        order.append(op)
        for following in problem.successors[op]:
            missing[following] -= 1
            if not missing[following]:
                ready.append(following)
    return order
