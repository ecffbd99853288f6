"""Stretches of an order as problems of their own, such as those between two forced states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hmcos.memory.forced import positions
from hmcos.memory.problem import LARGEST, Problem
from hmcos.memory.profile import Profile, profile


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
        """Return the stable memory in bytes before a step, without the floor of the problem."""
        return (
            self.along.stable[step - 1] if step else sum(self.problem.sizes[b] for b in self.problem.inputs)
        )

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
