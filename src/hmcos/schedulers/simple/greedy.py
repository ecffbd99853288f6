"""Least running memory next."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.scheduler import heuristic


def greedy(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    """Return the order that always runs the ready operator with the least running memory."""
    return heuristic(problem, least_running_memory(problem), "greedy", limits, watch)


def least_running_memory(problem: Problem) -> list[int]:
    """Return the greedy order; ties go to the lowest operator number.

    An operator's running memory over the stable memory is its output and scratch, less the output
    once it can be written in place. That need only falls, so a heap with stale entries serves.
    """
    readers, overwritable = problem.readers, problem.overwritable
    unread = [len(found) for found in readers]
    missing = [len(found) for found in problem.predecessors]
    done = [False] * problem.operators

    def need(op: int) -> int:
        in_place = any(unread[b] == 1 for b in overwritable[op])
        return problem.scratch[op] + (0 if in_place else problem.outputs[op])

    heap = [(need(op), op) for op in range(problem.operators) if not missing[op]]
    heapify(heap)
    order: list[int] = []
    while heap:
        op = heappop(heap)[1]
        if done[op]:
            continue
        done[op] = True
        order.append(op)
        for following in problem.successors[op]:
            missing[following] -= 1
            if not missing[following]:
                heappush(heap, (need(following), following))
        for b in problem.reads[op]:
            unread[b] -= 1
            if unread[b] == 1:
                for other in readers[b]:
                    if not done[other] and not missing[other] and b in overwritable[other]:
                        heappush(heap, (need(other), other))
    return order
