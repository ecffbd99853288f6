"""What must be live beside an operator, whatever the order."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.memory.problem import Problem


def must_be_live(problem: Problem, op: int) -> tuple[int, ...]:
    """Return the buffers with bytes that are live while an operator runs, whatever the order, largest first.

    Those that exist by then (inputs, and what its ancestors make) and that it, one of its descendants or
    nobody reads last. With its outputs and its scratch they are the operator's `must_live`.
    """
    before = _reached(problem.predecessors, op)
    after = _reached(problem.successors, op) | {op}
    found = [
        b
        for b, maker in enumerate(problem.producer)
        if problem.sizes[b]
        and (maker < 0 or maker in before)
        and (b in problem.held or not after.isdisjoint(problem.readers[b]))
    ]
    return tuple(sorted(found, key=lambda b: (-problem.sizes[b], b)))


def _reached(neighbours: Sequence[Sequence[int]], op: int) -> set[int]:
    """Return all that can be reached from an operator, itself left out."""
    found: set[int] = set()
    waiting = list(neighbours[op])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += neighbours[one]
    return found
