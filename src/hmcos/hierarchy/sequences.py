"""Sequences: operators that the published system runs back to back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hmcos.memory.problem import Problem


@dataclass(frozen=True)
class Sequences:
    """The operators of a problem as sequences, and who follows whom among these.

    Every edge leaves a sequence from its last operator and enters one at its first, so that the ascending
    numbers of sequences are an executable order.
    """

    problem: Problem
    operators: tuple[tuple[int, ...], ...]
    """Per sequence: its operators in running order; sequences ascend by their first operator."""

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.operators)

    @cached_property
    def owner(self) -> tuple[int, ...]:
        """Per operator: the sequence that it belongs to."""
        found = [0] * self.problem.operators
        for s, members in enumerate(self.operators):
            for op in members:
                found[op] = s
        return tuple(found)

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        """Per sequence: the sequences that it directly follows, ascending."""
        before, owner = self.problem.predecessors, self.owner
        return tuple(tuple(sorted(owner[p] for p in before[members[0]])) for members in self.operators)

    @cached_property
    def successors(self) -> tuple[tuple[int, ...], ...]:
        """Per sequence: the sequences that directly follow it, ascending."""
        after, owner = self.problem.successors, self.owner
        return tuple(tuple(sorted(owner[s] for s in after[members[-1]])) for members in self.operators)


def join_sequences(problem: Problem) -> Sequences:
    """Return the sequences of the published join rule (HMCOS, DAC 2022, hierarchical graph).

    A sequence grows while its last operator has exactly one successor, which has no other source, and
    appending that one neither lifts the sequence's running memory nor its stable memory. Unlike the exact
    joins of `schedulers.exact.joins` this may cut off every optimal order.
    """
    taken = [False] * problem.operators
    found: list[tuple[int, ...]] = []
    for op in range(problem.operators):
        if not taken[op]:
            members = _grow(problem, op)
            for member in members:
                taken[member] = True
            found.append(members)
    return Sequences(problem, tuple(found))


def single_sequences(problem: Problem) -> Sequences:
    """Return every operator as a sequence of its own."""
    return Sequences(problem, tuple((op,) for op in range(problem.operators)))


def _grow(problem: Problem, head: int) -> tuple[int, ...]:
    members = [head]
    need, stable = _cost(problem, head)
    while (op := _only_follower(problem, members[-1])) is not None:
        rise, delta = _cost(problem, op)
        if stable + rise > need or delta > 0:
            break
        stable += delta
        members.append(op)
    return tuple(members)


def _only_follower(problem: Problem, op: int) -> int | None:
    """Return the operator that alone reads from this one and reads from nothing else, if there is one."""
    after = problem.successors[op]
    if len(after) != 1 or any(b in problem.held for b in problem.makes[op]):
        return None
    producer = problem.producer
    return after[0] if all(producer[b] == op for b in problem.reads[after[0]]) else None


def _cost(problem: Problem, op: int) -> tuple[int, int]:
    """Return the bytes an operator needs and adds when it frees just what it alone reads."""
    sizes, held, readers = problem.sizes, problem.held, problem.readers
    dying = [b for b in problem.reads[op] if len(readers[b]) == 1 and b not in held]
    out = problem.outputs[op]
    lost = sum(sizes[b] for b in problem.makes[op] if not readers[b] and b not in held)
    in_place = any(b in problem.overwritable[op] for b in dying)
    return problem.scratch[op] + (0 if in_place else out), out - lost - sum(sizes[b] for b in dying)
