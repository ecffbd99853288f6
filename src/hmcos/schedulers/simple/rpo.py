"""Reverse post-order, as the published system computes it."""

from __future__ import annotations

from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import heuristic


def rpo(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    """Return the reverse post-order of the published system (HMCOS, DAC 2022)."""
    return heuristic(problem, reverse_post_order(problem), "rpo", limits, watch)


def reverse_post_order(problem: Problem) -> list[int]:
    """Return the depth-first post-order over producers, from the last operators back.

    Starts at the operators without successors in ascending number and visits the producers of an
    operator's inputs in input order. The graph is walked against its edges, so that the post-order
    of this walk is the reverse post-order of the paper.
    """
    producer, reads = problem.producer, problem.reads
    order: list[int] = []
    visited = [False] * problem.operators
    for end, after in enumerate(problem.successors):
        if after:
            continue
        visited[end] = True
        stack = [(end, iter(reads[end]))]
        while stack:
            op, inputs = stack[-1]
            for b in inputs:
                p = producer[b]
                if p >= 0 and not visited[p]:
                    visited[p] = True
                    stack.append((p, iter(reads[p])))
                    break
            else:
                order.append(op)
                stack.pop()
    return order
