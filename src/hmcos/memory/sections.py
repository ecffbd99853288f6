"""A problem cut at forced states into sections of consecutive operators.

All operators before a section are ancestors of all operators in it, and all operators after it are
descendants. So bit sets of ancestors and descendants need bits only for the operators of one section.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hmcos.memory.forced import forced_states
from hmcos.memory.precedence import descendants, with_ancestors
from hmcos.memory.problem import Problem

LEAST = 1024
"""Operators of a section at least, if there are so many: bit sets of this length cost little."""


@dataclass(frozen=True, slots=True)
class Section:
    """Consecutive operators between two forced states."""

    operators: range
    through: int
    """Bytes of the buffers that are live during all of it: made before it and read after it, or held."""

    def descendants(self, problem: Problem) -> list[int]:
        """Return, per operator of the section, the bit set of its descendants in the section."""
        return descendants(self._own(problem.successors))

    def with_ancestors(self, problem: Problem) -> Iterator[int]:
        """Yield, per operator of the section, the bit set of itself and its ancestors in the section."""
        return with_ancestors(self._own(problem.predecessors), self._own(problem.successors))

    def _own(self, neighbours: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        """Return the neighbours of its operators that are in the section, numbered from its start."""
        start, stop = self.operators.start, self.operators.stop
        if stop - start == len(neighbours):
            return neighbours
        return [[other - start for other in neighbours[op] if start <= other < stop] for op in self.operators]


def sections(problem: Problem) -> list[Section]:
    """Return the sections of a problem in running order; they hold all operators."""
    n = problem.operators
    ends: list[int] = []
    if n > LEAST:
        for state in forced_states(problem, range(n))[1:-1]:
            if state - (ends[-1] if ends else 0) >= LEAST:
                ends.append(state)
    ends.append(n)
    operators = [range(start, stop) for start, stop in zip([0, *ends], ends, strict=False)]
    return [Section(one, through) for one, through in zip(operators, _through(problem, ends), strict=True)]


def _through(problem: Problem, ends: Sequence[int]) -> Iterator[int]:
    """Yield the bytes that are live during all of each section, given where sections end."""
    readers, sizes, held = problem.readers, problem.sizes, problem.held
    n = problem.operators
    last = [n if b in held else read[-1] if read else -1 for b, read in enumerate(readers)]
    live = set(problem.inputs)
    start = 0
    for stop in ends:
        live = {b for b in live if last[b] >= start}
        yield sum(sizes[b] for b in live if last[b] >= stop)
        live.update(b for op in range(start, stop) for b in problem.makes[op])
        start = stop
