"""Brute force: the memory model said once more, in the plainest way, and tried on every order.

Shares nothing with the package but the Problem itself. For up to about a dozen operators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from hmcos.memory.problem import Problem


def producers(problem: Problem, buffer: int) -> set[int]:
    return {op for op, made in enumerate(problem.makes) if buffer in made}


def readers(problem: Problem, buffer: int) -> set[int]:
    return {op for op, read in enumerate(problem.reads) if buffer in read}


def stays(problem: Problem, buffer: int) -> bool:
    """Whether nobody ever frees it."""
    return buffer in problem.kept or (buffer in problem.inputs and not readers(problem, buffer))


def live(problem: Problem, done: AbstractSet[int]) -> set[int]:
    """The buffers that are live when exactly these operators have run."""
    return {
        b
        for b in range(len(problem.sizes))
        if producers(problem, b) <= done and (stays(problem, b) or readers(problem, b) - done)
    }


def stable(problem: Problem, done: AbstractSet[int]) -> int:
    return sum(problem.sizes[b] for b in live(problem, done))


def takes_over(problem: Problem, done: AbstractSet[int], op: int) -> bool:
    """Whether the operator writes its output over an input when it runs after these."""
    output = sum(problem.sizes[b] for b in problem.makes[op])
    return any(
        readers(problem, b) - done == {op} and not stays(problem, b) and problem.sizes[b] >= output
        for b in problem.may_overwrite[op]
    )


def running(problem: Problem, done: AbstractSet[int], op: int) -> int:
    """Bytes in use while the operator runs after these."""
    output = sum(problem.sizes[b] for b in problem.makes[op])
    new = 0 if takes_over(problem, done, op) else output
    return stable(problem, done) + new + problem.scratch[op]


def ready(problem: Problem, done: AbstractSet[int]) -> list[int]:
    """The operators that can run next, ascending."""
    return [
        op
        for op in range(len(problem.names))
        if op not in done and all(producers(problem, b) <= done for b in problem.reads[op])
    ]


def peak_of(problem: Problem, order: Sequence[int]) -> int:
    done: set[int] = set()
    highest = stable(problem, done)
    for op in order:
        assert op in ready(problem, done), f"operator {op} cannot run after {sorted(done)}"
        highest = max(highest, running(problem, done, op))
        done.add(op)
    assert len(done) == len(problem.names)
    return highest


def orders(problem: Problem) -> Iterator[tuple[int, ...]]:
    """Every order that respects precedence; factorially many."""
    unfinished: list[tuple[int, ...]] = [()]
    while unfinished:
        order = unfinished.pop()
        if len(order) == len(problem.names):
            yield order
        unfinished.extend((*order, op) for op in ready(problem, set(order)))


def all_orders_peak(problem: Problem) -> int:
    """The least peak, found by listing every order; for up to about 7 operators."""
    return min(peak_of(problem, order) for order in orders(problem))


def optimum(problem: Problem) -> int:
    """The least peak of all orders, by dynamic programming over all closed states."""
    best: dict[frozenset[int], int] = {frozenset(): stable(problem, set())}
    for _ in problem.names:
        following: dict[frozenset[int], int] = {}
        for done, reached in best.items():
            for op in ready(problem, done):
                after = done | {op}
                need = max(reached, running(problem, done, op))
                following[after] = min(need, following.get(after, need))
        best = following
    (answer,) = best.values()
    return answer
