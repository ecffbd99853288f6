"""The greedy order: the least running memory next."""

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
    """Return the greedy order; of operators that need equally much, the lowest number runs first.

    An operator needs its scratch and its output beyond the stable memory; the output needs nothing once it
    can be written in place. This need only falls, so outdated heap entries, which are too high, do no harm.
    """
    readers, overwritable = problem.readers, problem.overwritable
    unread = [len(operators) for operators in readers]
    missing = [len(operators) for operators in problem.predecessors]
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
