"""THE definition of traffic: the bytes that are written to and read from each life of an order."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.memory.lifetimes import Life
from hmcos.memory.problem import Problem


def traffic(problem: Problem, lives: Sequence[Life]) -> tuple[int, ...]:
    """Return, per life, its bytes times the number of times that they are written or read.

    A buffer is written once, by the operator that makes it or, for an input, by the caller. It is read once
    by every operator that reads it, and once by the caller if it is kept. Each time counts as all of it.
    Scratch is written once and read once. Views move nothing (`is_view`).
    """
    views = [is_view(problem, op) for op in range(problem.operators)]
    kept = frozenset(problem.kept)

    def times(life: Life) -> int:
        if life.buffer is None:
            return 2
        readers = sum(not views[op] for op in problem.readers[life.buffer])
        return 1 + readers + (life.buffer in kept)

    return tuple(life.size * times(life) for life in lives)


def is_view(problem: Problem, op: int) -> bool:
    """Return whether an operator moves no bytes: all that it makes is empty, and no output of the network.

    Views are made so: their readers read an empty buffer, which makes them wait, and the buffer that is
    viewed.
    """
    kept, made = problem.kept, problem.makes[op]
    return bool(made) and not any(problem.sizes[b] or b in kept for b in made)
