"""Exact joins: operators that some optimal order runs back to back.

Let v be the only successor of u, and u the only producer of v (v may also read inputs of the problem). The
two join if one of these conditions holds in every state in which u can run:

* forward: once u has run, v can follow at once, since it neither needs more than u nor leaves more;
* mirror: u can wait until just before v, since it neither needs more than v nor leaves less.

It is enough to test each condition in its worst state. For forward that is the earliest state, in which
only the ancestors of u have run and the fewest buffers are dead; for mirror it is the latest one, in which
everything but u and its descendants has run. Pairs of (need, delta) compose along a sequence, so joining
takes time linear in the number of operators.
"""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.memory.precedence import ancestors, descendants
from hmcos.memory.problem import Problem
from hmcos.schedulers.exact.moves import Cost, step_cost


def join(problem: Problem, *, forward: bool = True, mirror: bool = True) -> tuple[tuple[int, ...], ...]:
    """Return the operators as sequences that some optimal order runs without interruption.

    Sequences ascend by their first operator. With both rules off, each operator is a sequence of its own.
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
    """Yield the maximal runs in which each operator is the only producer of its only successor."""
    before, after = problem.predecessors, problem.successors
    following = [direct[0] if len(direct) == 1 and len(before[direct[0]]) == 1 else -1 for direct in after]
    for op, direct in enumerate(before):
        if len(direct) == 1 and following[direct[0]] == op:
            continue
        chain = [op]
        while (op_after := following[chain[-1]]) >= 0:
            chain.append(op_after)
        yield chain


def _costs(problem: Problem, operators: list[int]) -> dict[int, tuple[Cost, Cost]]:
    """Return the cost of each operator in the earliest and in the latest state in which it can run."""
    before, after = ancestors(problem.predecessors), descendants(problem.successors)
    held, readers = problem.held, problem.readers
    costs: dict[int, tuple[Cost, Cost]] = {}
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
            others = 0
            for other in readers[b]:
                if other != op:
                    others |= 1 << other
            if before[op] & others == others:
                early.append(b)
            if not after[op] & others:
                late.append(b)
        first = step_cost(problem, op, early)
        costs[op] = first, first if early == late else step_cost(problem, op, late)
    return costs


def _join_chain(
    chain: list[int], costs: dict[int, tuple[Cost, Cost]], *, forward: bool, mirror: bool
) -> Iterator[tuple[int, ...]]:
    """Yield the sequences into which the operators of one chain join.

    They are kept on a stack. A join changes the costs of both sides, so a joined sequence is tested against
    the one below it on the stack, until nothing joins; then the next operator of the chain is tried.
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
