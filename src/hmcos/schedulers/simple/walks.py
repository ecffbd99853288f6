"""Breadth-first and depth-first orders."""

from __future__ import annotations

from collections import deque

from hmcos.memory.problem import Problem


def breadth_first(problem: Problem) -> list[int]:
    """Return the order that always runs the operator that has been ready for longest."""
    return _walk(problem, last_first=False)


def depth_first(problem: Problem) -> list[int]:
    """Return the order that always runs the operator that became ready last."""
    return _walk(problem, last_first=True)


def _walk(problem: Problem, *, last_first: bool) -> list[int]:
    missing = [len(before) for before in problem.predecessors]
    ready = deque(op for op in range(problem.operators) if not missing[op])
    if last_first:
        ready.reverse()
    order: list[int] = []
    while ready:
        op = ready.pop() if last_first else ready.popleft()
        order.append(op)
        for following in problem.successors[op]:
            missing[following] -= 1
            if not missing[following]:
                ready.append(following)
    return order
