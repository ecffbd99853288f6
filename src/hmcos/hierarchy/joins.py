"""Exact joins: operators that some optimal order runs back to back.

Two neighbours u, v join when v is u's only successor and u is v's only producer (v may also read
inputs of the problem), and one of two conditions holds in every state in which u can run:

* forward: once u has run, v may follow at once, since it neither needs more than u did nor leaves more;
* mirror: u may wait until just before v, since it neither needs more than v does nor leaves less.

Each condition is tested in its one worst state: the forward one where only the ancestors of u have run
and fewest buffers are dead, the mirror one where everything but u and its descendants has run and most
are. Pairs of (need, delta) compose along a sequence, so that joining is linear in its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hmcos.hierarchy.closure import ancestors, descendants
from hmcos.memory.problem import Problem

Cost = tuple[int, int]
"""Bytes over the stable memory before: needed while it runs, and left after it."""


def join(problem: Problem, *, forward: bool = True, mirror: bool = True) -> tuple[tuple[int, ...], ...]:
    """Return the operators as sequences that never need to be interrupted, each in running order.

    Sequences are in ascending number of their first operator. With both rules off each operator is
    its own sequence.
    """
    chains = list(_chains(problem))
    early: dict[int, Cost] = {}
    late: dict[int, Cost] = {}
    linked = [op for chain in chains if len(chain) > 1 for op in chain]
    if forward and linked:
        early = _costs(problem, linked, _fewest_dead(problem))
    if mirror and linked:
        late = _costs(problem, linked, _most_dead(problem))
    sequences: list[tuple[int, ...]] = []
    for chain in chains:
        sequences += _join_chain(chain, early, late)
    return tuple(sorted(sequences))


def _chains(problem: Problem) -> Iterator[list[int]]:
    """Yield the maximal runs in which each is the only successor, and only producer, of its neighbour."""
    before, after = problem.predecessors, problem.successors

    def follows(op: int) -> int | None:
        if len(after[op]) == 1 and len(before[after[op][0]]) == 1:
            return after[op][0]
        return None

    for op in range(problem.operators):
        if len(before[op]) == 1 and follows(before[op][0]) is not None:
            continue
        chain = [op]
        while (following := follows(chain[-1])) is not None:
            chain.append(following)
        yield chain


def _fewest_dead(problem: Problem) -> Callable[[int, int], bool]:
    """Return whether the other reader has run, in the earliest state in which an operator can run."""
    before = ancestors(problem.predecessors)
    return lambda op, other: bool(before[op] >> other & 1)


def _most_dead(problem: Problem) -> Callable[[int, int], bool]:
    """Return whether the other reader has run, in the latest state in which an operator can run."""
    after = descendants(problem.successors)
    return lambda op, other: not after[op] >> other & 1


def _costs(problem: Problem, operators: list[int], has_run: Callable[[int, int], bool]) -> dict[int, Cost]:
    """Return need and delta of each operator in the state that `has_run` describes."""
    found: dict[int, Cost] = {}
    sizes, held, readers = problem.sizes, problem.held, problem.readers
    for op in operators:
        freed, out = 0, problem.outputs[op]
        new, overwritable = out, problem.overwritable[op]
        for b in problem.reads[op]:
            others = readers[b]
            dies = len(others) == 1 or all(other == op or has_run(op, other) for other in others)
            if b in held or not dies:
                continue
            freed += sizes[b]
            if b in overwritable:
                new = 0
        found[op] = problem.scratch[op] + new, out - problem.unread[op] - freed
    return found


def _join_chain(chain: list[int], early: dict[int, Cost], late: dict[int, Cost]) -> Iterator[tuple[int, ...]]:
    """Yield the sequences into which one chain joins; a stack of sequences that are final so far.

    A join changes the costs of both its sides, so a joined sequence is tried against the one below
    it and the next operator until nothing changes.
    """
    done: list[tuple[list[int], Cost | None, Cost | None]] = []
    for op in chain:
        steps, first, last = [op], early.get(op), late.get(op)
        while done and _joins(done[-1][1], first, done[-1][2], last):
            below, below_first, below_last = done.pop()
            below += steps
            steps, first, last = below, _compose(below_first, first), _compose(below_last, last)
        done.append((steps, first, last))
    for steps, _, _ in done:
        yield tuple(steps)


def _joins(u_early: Cost | None, v_early: Cost | None, u_late: Cost | None, v_late: Cost | None) -> bool:
    if u_early and v_early and u_early[1] + v_early[0] <= u_early[0] and v_early[1] <= 0:
        return True
    return bool(u_late and v_late and u_late[0] <= u_late[1] + v_late[0] and u_late[1] >= 0)


def _compose(u: Cost | None, v: Cost | None) -> Cost | None:
    return (max(u[0], u[1] + v[0]), u[1] + v[1]) if u and v else None
