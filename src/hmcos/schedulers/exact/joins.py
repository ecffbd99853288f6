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

from collections.abc import Iterator

from hmcos.memory.precedence import ancestors, descendants
from hmcos.memory.problem import Problem

Cost = tuple[int, int]
"""Bytes over the stable memory before: needed while it runs, and left after it."""


def join(problem: Problem, *, forward: bool = True, mirror: bool = True) -> tuple[tuple[int, ...], ...]:
    """Return the operators as sequences that never need to be interrupted, each in running order.

    Sequences are in ascending number of their first operator. With both rules off each operator is
    its own sequence.
    """
    chains = list(_chains(problem))
    linked = [op for chain in chains if len(chain) > 1 for op in chain]
    costs = _costs(problem, linked) if linked and (forward or mirror) else {}
    sequences: list[tuple[int, ...]] = []
    for chain in chains:
        if len(chain) == 1:
            sequences.append((chain[0],))
        else:
            sequences += _join_chain(chain, costs, forward=forward, mirror=mirror)
    return tuple(sorted(sequences))


def _chains(problem: Problem) -> Iterator[list[int]]:
    """Yield the maximal runs in which each is the only successor, and only producer, of its neighbour."""
    before, after = problem.predecessors, problem.successors
    following = [found[0] if len(found) == 1 and len(before[found[0]]) == 1 else -1 for found in after]
    for op, found in enumerate(before):
        if len(found) == 1 and following[found[0]] == op:
            continue
        chain = [op]
        while (op_after := following[chain[-1]]) >= 0:
            chain.append(op_after)
        yield chain


def _costs(problem: Problem, operators: list[int]) -> dict[int, tuple[Cost, Cost]]:
    """Return the costs of each operator in the earliest and in the latest state in which it can run."""
    before, after = ancestors(problem.predecessors), descendants(problem.successors)
    sizes, held, readers = problem.sizes, problem.held, problem.readers
    found: dict[int, tuple[Cost, Cost]] = {}
    for op in operators:
        early: list[int] = []
        late: list[int] = []
        for b in problem.reads[op]:
            if b in held:
                continue
            if len(readers[b]) == 1:
                early.append(b)
                late.append(b)
                continue
            others = [other for other in readers[b] if other != op]
            if all(before[op] >> other & 1 for other in others):
                early.append(b)
            if not any(after[op] >> other & 1 for other in others):
                late.append(b)
        first = _cost(problem, op, early, sizes)
        found[op] = first, first if early == late else _cost(problem, op, late, sizes)
    return found


def _cost(problem: Problem, op: int, dying: list[int], sizes: tuple[int, ...]) -> Cost:
    overwritable, out = problem.overwritable[op], problem.outputs[op]
    new, freed = out, 0
    for b in dying:
        freed += sizes[b]
        if b in overwritable:
            new = 0
    return problem.scratch[op] + new, out - problem.unread[op] - freed


def _join_chain(
    chain: list[int], costs: dict[int, tuple[Cost, Cost]], *, forward: bool, mirror: bool
) -> Iterator[tuple[int, ...]]:
    """Yield the sequences into which one chain joins; a stack of sequences that are final so far.

    A join changes the costs of both its sides, so a joined sequence is tried against the one below
    it and the next operator until nothing changes.
    """
    done: list[tuple[list[int], Cost, Cost]] = []
    nothing = (0, 0)
    for op in chain:
        steps, (early, late) = [op], costs.get(op, (nothing, nothing))
        while done:
            below, u_early, u_late = done[-1]
            falls = forward and u_early[1] + early[0] <= u_early[0] and early[1] <= 0
            rises = mirror and u_late[0] <= u_late[1] + late[0] and u_late[1] >= 0
            if not falls and not rises:
                break
            done.pop()
            below += steps
            steps, early, late = below, _compose(u_early, early), _compose(u_late, late)
        done.append((steps, early, late))
    for steps, _, _ in done:
        yield tuple(steps)


def _compose(u: Cost, v: Cost) -> Cost:
    return max(u[0], u[1] + v[0]), u[1] + v[1]
