"""Forced states, which every order passes through, and the stretches between them.

A state is forced if each operator in it is an ancestor of each operator outside. It is then a prefix of
every executable order, so it is enough to look for forced states along one order. An operator that is an
ancestor or descendant of every other operator lies alone between two forced states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from hmcos.memory.problem import LARGEST, Problem
from hmcos.memory.profile import Profile, profile


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


@dataclass(frozen=True)
class Line:
    """A problem and one executable order of it, along which stretches are cut out."""

    problem: Problem
    order: Sequence[int]

    @cached_property
    def along(self) -> Profile:
        """The memory at every step of the order."""
        return profile(self.problem, self.order)

    @cached_property
    def position(self) -> list[int]:
        """Per operator: its step."""
        return positions(self.order)

    def stable(self, step: int) -> int:
        """Return the stable memory in bytes before a step."""
        return self.along.stable[step - 1] if step else self.along.start

    def peak(self, start: int, stop: int) -> int:
        """Return the largest running memory in bytes during the steps [start, stop)."""
        return max(self.along.running[start:stop])

    def stretch(self, start: int, stop: int) -> Problem:
        """Return the steps [start, stop) as a problem of their own, with operators numbered in this order.

        Buffers that are live at its start are inputs; buffers that are live after its end are kept. Bytes
        that are live throughout but not used in it become one more input that nobody reads (several, if
        one buffer may not be so large). So the peak of an order of the stretch is its peak in the whole.
        """
        problem, position = self.problem, self.position
        steps = self.order[start:stop]
        local: dict[int, int] = {}
        for op in steps:
            for b in (*problem.reads[op], *problem.makes[op]):
                local.setdefault(b, len(local))
        inputs = [b for b in local if problem.producer[b] < 0 or position[problem.producer[b]] < start]
        kept = [b for b in local if b in problem.held or any(position[r] >= stop for r in problem.readers[b])]
        through = _divided(self.stable(start) - sum(problem.sizes[b] for b in inputs))
        return Problem(
            names=tuple(problem.names[op] for op in steps),
            sizes=(*(problem.sizes[b] for b in local), *through),
            inputs=(*(local[b] for b in inputs), *range(len(local), len(local) + len(through))),
            kept=tuple(local[b] for b in kept),
            reads=tuple(tuple(local[b] for b in problem.reads[op]) for op in steps),
            makes=tuple(tuple(local[b] for b in problem.makes[op]) for op in steps),
            may_overwrite=tuple(tuple(local[b] for b in problem.may_overwrite[op]) for op in steps),
            scratch=tuple(problem.scratch[op] for op in steps),
        )


def _divided(size: int) -> tuple[int, ...]:
    """Return sizes of buffers that add up to a number of bytes, since one buffer has a largest size."""
    whole, rest = divmod(size, LARGEST - 1)
    return (*[LARGEST - 1] * whole, rest)
