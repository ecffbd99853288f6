"""Forced states, which every order passes through.

A state is forced if each operator in it is an ancestor of each operator outside. It is then a prefix of
every executable order, so it is enough to look for forced states along one order. An operator that is an
ancestor or descendant of every other operator lies alone between two forced states.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from hmcos.memory.problem import Problem


def positions(order: Sequence[int]) -> list[int]:
    """Return the step of each operator in an order."""
    steps = [0] * len(order)
    for step, op in enumerate(order):
        steps[op] = step
    return steps


def forced_states(problem: Problem, order: Sequence[int]) -> list[int]:
    """Return the lengths of the prefixes of an executable order that are forced states, 0 and n included.

    Call an operator in a prefix an end if none of its successors is in the prefix, and an operator outside a
    start if all of its predecessors are in the prefix. The prefix is forced if and only if each end has an
    edge to each start. An operator is an end, or a start, for one interval of prefix lengths, and so is an
    edge one from an end to a start; three difference arrays count them, in time linear in the edges.
    """
    n = len(order)
    position = positions(order)
    before, after = problem.predecessors, problem.successors
    last_before = [max((position[p] for p in direct), default=-1) + 1 for direct in before]
    first_after = [min((position[s] for s in direct), default=n) for direct in after]
    ends, starts, edges = [0] * (n + 2), [0] * (n + 2), [0] * (n + 2)
    for op in range(n):
        ends[position[op] + 1] += 1
        ends[first_after[op] + 1] -= 1
        starts[last_before[op]] += 1
        starts[position[op] + 1] -= 1
        for p in before[op]:
            if last_before[op] <= first_after[p]:
                edges[last_before[op]] += 1
                edges[first_after[p] + 1] -= 1
    counts = zip(accumulate(ends), accumulate(starts), accumulate(edges), strict=True)
    return [length for length, (e, s, both) in enumerate(counts) if length <= n and e * s == both]
