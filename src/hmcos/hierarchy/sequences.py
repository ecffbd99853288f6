"""Sequences: operators that the published system runs back to back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hmcos.memory.problem import Problem


@dataclass(frozen=True)
class Sequences:
    """The operators of a problem as sequences, and the edges between these.

    Every edge leaves a sequence at its last operator and enters one at its first operator, so running the
    sequences by ascending number is executable.
    """

    problem: Problem
    operators: tuple[tuple[int, ...], ...]
    """Per sequence: its operators in running order. Sequences ascend by their first operator."""

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.operators)

    @cached_property
    def owner(self) -> tuple[int, ...]:
        """Per operator: the sequence that it belongs to."""
        owner = [0] * self.problem.operators
        for s, members in enumerate(self.operators):
            for op in members:
                owner[op] = s
        return tuple(owner)

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

    A sequence grows as long as its last operator has exactly one successor, this one reads nothing else,
    and appending it lifts neither the running memory nor the stable memory of the sequence. Unlike the
    exact joins of `schedulers.exact.joins`, this rule may exclude every optimal order.
    """
    taken = [False] * problem.operators
    sequences: list[tuple[int, ...]] = []
    for op in range(problem.operators):
        if not taken[op]:
            members = _grow(problem, op)
            for member in members:
                taken[member] = True
            sequences.append(members)
    return Sequences(problem, tuple(sequences))


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
    """Return the only reader of an operator if it reads nothing else, None otherwise."""
    after = problem.successors[op]
    if len(after) != 1 or any(b in problem.held for b in problem.makes[op]):
        return None
    producer = problem.producer
    return after[0] if all(producer[b] == op for b in problem.reads[after[0]]) else None


def _cost(problem: Problem, op: int) -> tuple[int, int]:
    """Return the bytes that an operator needs and adds if it frees just the buffers that only it reads."""
    sizes, held, readers = problem.sizes, problem.held, problem.readers
    dying = [b for b in problem.reads[op] if len(readers[b]) == 1 and b not in held]
    out = problem.outputs[op]
    lost = sum(sizes[b] for b in problem.makes[op] if not readers[b] and b not in held)
    in_place = any(b in problem.overwritable[op] for b in dying)
    return problem.scratch[op] + (0 if in_place else out), out - lost - sum(sizes[b] for b in dying)
